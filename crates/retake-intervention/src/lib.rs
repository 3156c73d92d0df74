//! The intervention node: the only place where commands are made.
//!
//! [`Arbiter`] listens to the robot, the policy and the operator, refuses what is stale, repeated or malformed
//! (`hear`, with `freshness` and `chunk`), asks `retake-authority` who drives, takes that owner's wish (`tick`, `drive`, `hands`, `rewind`), sends it through the
//! limit chain of `retake-shaping`, and publishes one command per tick with a record of everything that led to it
//! (`report`). It is a [`retake_node::Node`]: a function of messages and time, with no clock, disk or network of its own.

mod acts;
mod arbiter;
mod chunk;
mod config;
mod config_text;
mod drive;
mod freshness;
mod hands;
mod hear;
mod help;
mod lateness;
mod notices;
mod report;
mod restore;
mod rewind;
mod robot;
mod session;
mod shared;
mod tick;
mod witnessed;
mod words;

pub use arbiter::Arbiter;
pub use config::{ArbiterConfig, ContactConfig, HandConfig, Profiles, ResidualConfig, RewindConfig};
pub use config_text::ConfigError;
pub use witnessed::{VERSION, witnessed};
