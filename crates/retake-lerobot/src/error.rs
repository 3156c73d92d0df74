use std::{
    io,
    path::{Path, PathBuf},
};

use retake_dataset::DatasetError;

/// A LeRobot dataset that cannot be written, or is not one.
#[derive(Debug, thiserror::Error)]
pub enum LerobotError {
    /// A recording cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
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
    /// There is something where the dataset is to be written.
    #[error("{path} is there already; exports never write over anything: give another folder, or remove it")]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// Nothing was chosen.
    #[error("no attempt is left to export: {why}")]
    Nothing {
        /// What was left out, in words.
        why: String,
    },
    /// An attempt cannot be exported as it was asked for.
    #[error("{key}: {why}")]
    Attempt {
        /// The attempt.
        key: String,
        /// What is wrong, and what can be done.
        why: String,
    },
    /// A file is not what it should be.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// What was asked for makes no sense.
    #[error("{0}")]
    Refused(String),
}

impl LerobotError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }

    /// A file that an encoder, decoder or our own checks say is wrong.
    pub(crate) fn file<E: std::fmt::Display>(path: &Path) -> impl Fn(E) -> Self {
        move |why| Self::File { path: path.to_owned(), why: why.to_string() }
    }

    pub(crate) fn attempt(key: &retake_dataset::Key, why: impl Into<String>) -> Self {
        Self::Attempt { key: key.to_string(), why: why.into() }
    }
}
