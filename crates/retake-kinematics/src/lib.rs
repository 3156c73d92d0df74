//! What the robot's shape says: a URDF read into a tree of links, and the chains in it as functions.
//!
//! It computes where links are ([`Model::link_poses`], [`Chain::forward`]), how they move ([`Chain::jacobian`]), and
//! which joint motion gives a wanted tool motion or pose ([`Chain::velocity_step`], [`Chain::inverse`]). Everything
//! here is a pure function of its arguments: no state, no locks, no clock, no files.
//!
//! Metres, radians, seconds; poses are in the robot's base frame (x forward, y left, z up) unless a name says other.

mod chain;
mod error;
mod inverse;
mod model;
mod parse;
mod step;
#[cfg(test)]
mod tests;

pub use chain::Chain;
pub use error::{PoseError, pose_error};
pub use inverse::NoSolution;
pub use model::{Inertial, Joint, JointKind, JointLimit, Link, Model, ModelError, Shape, Source, Visual};
