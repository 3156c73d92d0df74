//! From recordings to a better policy: `retake train`, `retake eval`, `retake policy`.

mod eval;
mod examples;
mod options;
mod policies;
mod train;

pub(crate) use self::{
    eval::run as eval,
    examples::{ExamplesOptions, weights_text},
    options::{EvalOptions, PolicyCommand, TrainOptions},
    policies::run as policies,
    train::run as train,
};
