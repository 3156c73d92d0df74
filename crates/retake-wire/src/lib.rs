//! Every message that crosses a process boundary, and every key it travels under.
//!
//! Messages are Protobuf, generated from `proto/`; [`Topic`] is the one table of keys, types and delivery, and
//! [`Message`] the closed set of what can arrive. Decoding is bounded and never panics. This crate knows no transport and
//! no clock.

mod descriptor;
mod fingerprint;
mod message;
mod robot_id;
mod topic;

pub use descriptor::{DescriptorError, MAX_GROUPS, check_descriptor, group_index};
pub use fingerprint::fingerprint;
pub use message::{DecodeError, MAX_MESSAGE_BYTES, Message};
pub use robot_id::{RobotId, RobotIdError};
pub use topic::{Delivery, Topic};

/// Message types, as generated.
#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "generated"
)]
pub mod pb {
    include!(concat!(env!("OUT_DIR"), "/retake.v1.rs"));
}

/// The Foxglove well-known messages in use, as generated.
#[allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "generated"
)]
pub mod foxglove {
    include!(concat!(env!("OUT_DIR"), "/foxglove.rs"));
}

/// A `google.protobuf.FileDescriptorSet` of every message here, so that recordings describe themselves.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
