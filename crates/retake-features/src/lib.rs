//! What a learned policy sees, and what its numbers do.
//!
//! [`Features`] turn an observation into a row of numbers, and [`Actions`] turn the way of a command into numbers and back. Training
//! and serving use the same two, so they cannot differ. Both are pure, and made from a robot's descriptor: nothing in them is about
//! one robot.

mod actions;
mod observe;

pub use actions::Actions;
pub use observe::{Features, Key};

/// A robot that a policy of this kind cannot see or drive.
#[derive(Debug, thiserror::Error)]
pub enum FeatureError {
    /// Its kinematic model cannot be read.
    #[error("the robot's kinematic model cannot be used: {0}")]
    Model(#[from] retake_kinematics::ModelError),
    /// It has no group of joints that moves the tool.
    #[error(
        "none of the robot's groups moves {tool_link:?}, by joint positions: a policy that steers the tool cannot drive it"
    )]
    NoArm {
        /// The link that commands steer.
        tool_link: String,
    },
    /// Its limits do not belong together.
    #[error("group {0:?} has not as many lower as upper limits")]
    Limits(String),
    /// Its rate is no rate.
    #[error("the robot's control rate of {0} per second is none")]
    Rate(f64),
}

#[cfg(test)]
mod tests;
