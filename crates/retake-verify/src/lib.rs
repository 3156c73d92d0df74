//! Repeats the decisions of a recording and compares them bit by bit.
//!
//! An arbiter is a function of what it is told and when. Its `Witness` records exactly that, so [`verify`] can build the
//! arbiter again, tell it the same, and compare each message it publishes with the recorded one. The recording is read once,
//! as a stream: what is held at a time is bounded by [`WINDOW`].
//!
//! `verifier` reads and sorts messages to the arbiters that were recorded; `session` repeats one of them; `ledger` pairs what
//! was said with what was recorded; `report` says what came of it.

mod difference;
mod index;
mod ledger;
mod report;
mod session;
mod side;
mod verifier;

pub use report::{Obstacle, Outcome, Parting, Place, Report, SessionReport, Verdict};
pub use verifier::{Progress, WINDOW, verify};
