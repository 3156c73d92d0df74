use std::io;
use std::path::PathBuf;

/// Why a study does not go on.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// The plan cannot be done.
    #[error("study plan: {0}")]
    Plan(String),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder holds the results of another study.
    #[error("{} belongs to another plan or version of the study: give another folder, or remove it", .0.display())]
    Other(PathBuf),
    /// Another process runs the study in that folder.
    #[error("{} is in use: another run of the study is at it", .0.display())]
    Busy(PathBuf),
    /// What was read back is damaged.
    #[error("{} line {line}: {why}; remove the line, and the study makes it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing could be learnt.
    #[error("learning: {0}")]
    Learning(String),
    /// A policy answered what is no action.
    #[error("a policy answered something that is no number: its training diverged; lower the learning rate")]
    Diverged,
    /// It was told to stop. What is finished is kept; the same study in the same folder goes on from there.
    #[error("stopped with {done} of {of} cells finished; run it again to go on")]
    Stopped {
        /// Cells that are finished.
        done: usize,
        /// Cells of the study.
        of: usize,
    },
}
