//! Who may move the robot.
//!
//! One total, pure function, [`step`], over a small [`State`]: it decides the owner of each group and raises the epoch with
//! every change. It never moves anything, never allocates, and cannot read a clock: time is a parameter. The intervention
//! node feeds it events whose freshness it has already checked, and acts on what it answers.
//!
//! What must hold, and is tested: only the owner drives · nobody drives at or after the end of their lease · stop absorbs
//! until it is cleared, and clearing moves nothing · letting go of the clutch never gives the robot to the policy · the
//! epoch never falls and rises with each change of owner.

#![no_std]

mod config;
mod event;
mod group;
mod lease;
mod operator;
mod protocol;
mod state;
mod step;

pub use config::{Config, Supervision};
pub use event::{Act, Drive, Event, Refusal, RewindEnd};
pub use group::{Cause, Group, GroupSet, MAX_GROUPS, Owner};
pub use operator::OperatorId;
pub use protocol::{Move, Protocol, Stage};
pub use state::State;
pub use step::{Outcome, deadline, step};

#[cfg(test)]
extern crate std;
#[cfg(test)]
mod tests;
