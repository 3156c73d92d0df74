use std::{io, path::PathBuf};

use retake_log::LogError;

/// Something about a dataset that cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A recording cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// There is nothing to work on.
    #[error("{path} holds no recordings: give a recording, or a folder with recordings in it")]
    Empty {
        /// What was given.
        path: PathBuf,
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
    /// A line of an annotations file is not one of ours.
    #[error("{path}, line {line}: {why}; correct or remove the line")]
    Annotation {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// No such attempt.
    #[error("there is no attempt {key}; `retake dataset ls` lists them")]
    NoSuchEpisode {
        /// What was asked for.
        key: String,
    },
    /// A tag that is not in the list.
    #[error(
        "{tag} is not a tag; there are {known}, and what tags.txt in the dataset's folder adds, one per line"
    )]
    NoSuchTag {
        /// What was asked for.
        tag: String,
        /// The list.
        known: String,
    },
    /// Recordings that do not go together.
    #[error("{first} and {second} do not go together: {why}")]
    Differ {
        /// One of them.
        first: String,
        /// The other.
        second: String,
        /// In what they differ.
        why: String,
    },
    /// Something else that was asked for makes no sense.
    #[error("{0}")]
    Refused(String),
}

impl DatasetError {
    pub(crate) fn io(what: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }
}
