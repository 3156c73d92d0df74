//! The policy node.
//!
//! [`LearntPolicy`] serves a checkpoint of `retake-learn`, and changes to another one between episodes when one is announced in its
//! [`Store`]. [`ExpertPolicy`] is the scripted expert of `retake-tasks` behind the same topics: it can be given a [`Defect`] so
//! that there is something to intervene on. Either answers observations with chunks of joint targets and names its version. It
//! runs apart from the control loop, and knows no more than the observation tells.

mod defect;
mod expert;
mod learnt;
mod node;
mod spec;
mod store;

pub use defect::Defect;
pub use expert::{ExpertConfig, ExpertPolicy};
pub use learnt::{LearntPolicy, Served, about, check};
pub use node::{PolicyConfig, PolicyNode};
pub use spec::{PolicySpec, SpecError};
pub use store::{Serving, Store, StoreError};

#[cfg(test)]
mod tests;
