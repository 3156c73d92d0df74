//! Weighted behavioural cloning: arrays in, checkpoint out, and the policy it holds.
//!
//! [`Samples`] are what was seen, what was done, and how much each group of the robot is to learn from it. [`train`] fits a network to
//! them by a [`TrainConfig`], tells its caller after every step how it goes, and can be stopped and resumed. A [`Policy`] answers
//! observations with actions; it is what training returns, and what a checkpoint, a directory with the weights as safetensors and a
//! [`Manifest`], gives back. Training and serving run the same network, defined once.
//!
//! This is the only crate that names the neural network library. It knows no recordings, no transport and no clock; randomness is a
//! seed.

mod adam;
mod chance;
mod checkpoint;
mod config;
mod data;
mod error;
mod flow;
mod mixture;
mod mlp;
mod model;
mod order;
mod policy;
mod samples;
mod scaling;
mod train;

pub use checkpoint::{About, FileDigest, Keep, Manifest};
pub use config::{Network, TrainConfig, Use};
pub use error::LearnError;
pub use order::Order;
pub use policy::Policy;
pub use samples::{Samples, Shape};
pub use train::{End, Point, Progress, Record, Resume, Start, Trained, Validated, train};

/// To the precision that networks compute with.
#[expect(clippy::cast_possible_truncation, reason = "the nearest single is what is wanted")]
pub(crate) const fn single(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests;
