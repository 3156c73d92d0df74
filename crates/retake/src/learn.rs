//! From recordings to a better policy: `retake train`, `retake eval`, `retake policy`, `retake learn`, `retake study`.

mod continuous;
mod eval;
mod examples;
mod options;
mod policies;
mod study;
mod train;

pub(crate) use self::{
    continuous::run as learn,
    eval::run as eval,
    examples::{ExamplesOptions, weights_text},
    options::{EvalOptions, LearnOptions, PolicyCommand, StudyOptions, TrainOptions},
    policies::run as policies,
    study::run as study,
    train::run as train,
};
