//! The policy node: a stand-in for a learned policy.
//!
//! [`ExpertPolicy`] is the scripted expert of `retake-tasks` behind the topics a learned policy would use: it answers
//! observations with chunks of joint targets, names its version, and can be given a [`Defect`] so that there is something to
//! intervene on. It runs apart from the control loop, and knows no more than the observation tells.

mod defect;
mod node;
mod spec;

pub use defect::Defect;
pub use node::{ExpertPolicy, PolicyConfig};
pub use spec::{PolicySpec, SpecError};
