//! From what the owner of a group wants to a command inside every limit.
//!
//! [`Tracker`] carries the last command's position, velocity and acceleration, so whoever drives next starts from there:
//! every change of owner is bumpless because nothing but the tracker ever moves the command. [`Shaper`] is the documented
//! limit chain around it, the same for policy, human and rewind. [`Teleop`] turns an operator's wish for the tool into joint
//! targets. No clock, no transport, no authority: this crate never decides who drives.

mod limits;
mod shaper;
mod teleop;
#[cfg(test)]
mod tests;
mod tracker;
mod workspace;

pub use limits::ValueLimits;
pub use shaper::{Clamps, Shaper, Wish};
pub use teleop::{OperatorTwist, Teleop, TeleopConfig};
pub use tracker::{Motion, Tracker};
pub use workspace::Workspace;
