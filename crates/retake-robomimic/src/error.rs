use std::{
    io,
    path::{Path, PathBuf},
};

use retake_dataset::{DatasetError, Key};

/// A robomimic file that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RobomimicError {
    /// A recording cannot be read, or recordings do not go together.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// There is already something where the export is to go.
    #[error("{path} is already there: give another name, or remove it")]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// The system refused an operation on a file.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// The operation, as a verb.
        what: &'static str,
        /// File it was about.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something in an HDF5 file is not as it must be.
    #[error("{path}, {place}: {why}")]
    File {
        /// The file.
        path: PathBuf,
        /// Group, dataset or attribute in it.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// An attempt that was asked for by its name cannot be exported.
    #[error("{key} cannot be exported: {why}")]
    Episode {
        /// The attempt.
        key: Key,
        /// What is wrong.
        why: String,
    },
    /// Something that was asked for makes no sense.
    #[error("{0}")]
    Refused(String),
}

impl RobomimicError {
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }

    pub(crate) fn file(path: &Path, place: &str, why: impl ToString) -> Self {
        Self::File { path: path.to_owned(), place: place.to_owned(), why: why.to_string() }
    }
}
