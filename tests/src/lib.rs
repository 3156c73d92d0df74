//! A whole deployment under test: robot, policy, intervention node and operators on a manual clock.
//!
//! [`Deployment`] says which, [`Run`] lets its time pass and remembers everything that was said, and a [`Station`] is an
//! operator whose hands the test moves. Tests live in `it/`.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod altered;
mod decoders;
mod deployment;
mod disks;
mod limits;
mod run;
mod sagging;
mod seen;
mod station;
mod storm;

pub use altered::Alteration;
pub use decoders::{DECODERS, Decoder};
pub use deployment::Deployment;
pub use disks::{
    CutTally, Cuts, FaultPlan, FaultyDisk, Journal, JournalDisk, Op, Operation, Share, Trial, TrialOutcome,
    complaint, ticks_of, try_disk,
};
pub use limits::{assert_motion_within_limits, assert_nothing_refused, assert_segments_are_the_ticks};
pub use run::Run;
pub use seen::{ARM, GRIPPER, Seen, seconds};
pub use station::{Hand, Station, Tracked};
pub use storm::{Met, storm};
