use std::{io, path::PathBuf};

/// Something that cannot be learned, or a policy that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// The data cannot be learned from.
    #[error("the data cannot be learned from: {0}")]
    Data(String),
    /// The configuration makes no sense.
    #[error("{key} = {value}: {rule}")]
    Config {
        /// Key as it is written in the configuration.
        key: &'static str,
        /// What was given.
        value: String,
        /// What it has to be.
        rule: &'static str,
    },
    /// The loss is no longer a number.
    #[error(
        "the loss is no longer a number at step {step}: lower learning_rate or set gradient_clip, or look for wild values in the data"
    )]
    Diverged {
        /// The step, from 0.
        step: u64,
    },
    /// A training that cannot be gone on with.
    #[error("cannot go on from this checkpoint: {0}")]
    Start(String),
    /// An observation that is not what the policy was trained with.
    #[error("the policy was given an observation that {0}")]
    Observation(String),
    /// A checkpoint that is not whole, or not one of ours.
    #[error("{path} is not a checkpoint that can be used: {why}")]
    Checkpoint {
        /// File or directory.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The system refused an operation on a file.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// The operation, as a verb.
        what: &'static str,
        /// File or directory it was about.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The neural network library refused: a defect of ours, or a device without memory.
    #[error("the neural network library refused: {0}")]
    Library(Box<candle_core::Error>),
}

impl From<candle_core::Error> for LearnError {
    fn from(error: candle_core::Error) -> Self {
        Self::Library(Box::new(error))
    }
}

impl LearnError {
    pub(crate) fn io(what: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }

    pub(crate) fn checkpoint(path: &std::path::Path, why: impl Into<String>) -> Self {
        Self::Checkpoint { path: path.to_owned(), why: why.into() }
    }
}
