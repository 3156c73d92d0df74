//! From recordings to a better policy: `retake train`, `retake eval`, `retake policy`, `retake study`.

mod eval;
mod examples;
mod options;
mod policies;
mod study;
mod train;

pub(crate) use self::{
    eval::run as eval,
    examples::{ExamplesOptions, weights_text},
    options::{EvalOptions, PolicyCommand, StudyOptions, TrainOptions},
    policies::run as policies,
    study::run as study,
    train::run as train,
};
