//! What a person says with a device, as [`retake_wire::pb::OperatorInput`] at a fixed rate.
//!
//! [`pad`] is pure but for its two edges, [`pad::GilrsSource`] and [`pad::Recording`]: events are folded into a state, a
//! map turns the state into controls. [`PadOperator`] is the node around it and [`InputReplay`] the node that says again
//! what a recording heard; both look the same to the arbiter. [`doctor`] tells a person what their pad does, or why none
//! is found. No motion follows from a pad that is lost, unknown, or not seen at rest since it was connected.

pub mod doctor;
mod operator;
pub mod pad;
mod replay;

pub use operator::{PadConfig, PadOperator};
pub use replay::{InputReplay, ReplayConfig};
