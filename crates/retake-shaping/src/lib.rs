//! From what the owner of a group wants to a command inside every limit.
//!
//! [`Tracker`] carries the last command's position, velocity and acceleration, so whoever drives next starts from there:
//! every change of owner is bumpless because nothing but the tracker ever moves the command. [`Shaper`] is the documented
//! limit chain around it, the same for policy, human and rewind. [`Teleop`] turns an operator's wish for the tool into joint
//! targets; [`PoseClutch`] turns a tracked hand into such a wish. No clock, no transport, no authority: this crate never decides
//! who drives.

mod clamps;
mod clutch;
mod hand;
mod keep_out;
mod limits;
mod one_euro;
mod pickup;
mod profile;
mod reach;
mod shaper;
mod squeeze;
mod teleop;
#[cfg(test)]
mod tests;
mod tracker;
mod workspace;
mod yaw;

pub use clamps::Clamps;
pub use clutch::{ClutchConfig, Doubt, Grip, PoseClutch};
pub use hand::{HandFrame, robot_axes};
pub use keep_out::KeepOut;
pub use limits::ValueLimits;
pub use one_euro::{OneEuroConfig, PoseFilter};
pub use pickup::{Pickup, closedness};
pub use profile::{Profile, Sector};
pub use reach::Reach;
pub use shaper::{Shaper, Wish};
pub use squeeze::Squeeze;
pub use teleop::{OperatorTwist, Teleop, TeleopConfig, ToolSpeeds};
pub use tracker::{Motion, Tracker};
pub use workspace::Workspace;
pub use yaw::{HeadingRefused, YawCalibration};
