//! zenoh transport, the clock, and the real-time runtime.
//!
//! Runs the same [`retake_node::Node`]s as the lockstep runtime, each on its own thread: arrivals go through a bounded
//! mailbox, wakes come at the time the node asked for, and what it says is published with its topic's quality of service.
//! A receiver that stops reading never delays the node's thread. Everything dropped anywhere on the way is counted, told
//! to the node that missed it, and published as a notice.

mod bus;
mod clock;
mod config;
mod deployment;
mod endpoints;
mod error;
mod inlet;
mod lane;
mod mailbox;
mod outlet;
mod qos;
mod raw;
mod report;
mod runtime;
mod sequence;
mod stop;

pub use bus::{Bus, RawPublisher, RawSubscription};
pub use clock::{Clock, wall_now};
pub use deployment::{Deployment, free_endpoint};
pub use endpoints::{Endpoints, Tls};
pub use error::BusError;
pub use raw::{RawMessage, RawSender};
pub use report::{NodeReport, Quantiles};
pub use runtime::{AttachedNode, NodeThread, run_node};
pub use stop::StopFlag;
