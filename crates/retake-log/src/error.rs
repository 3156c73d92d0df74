use std::{
    io,
    path::{Path, PathBuf},
};

/// Something about a recording's files that cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The disk has no room; what was synced before is safe.
    #[error("no space left while writing {path}: free some, or record elsewhere (--record)")]
    DiskFull {
        /// File being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
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
    /// A file failed before, and is not written again: what the system holds of it is no longer known.
    #[error("{path} failed before and is not written again; start a new segment")]
    Failed {
        /// The file.
        path: PathBuf,
    },
    /// There is already something under the name of the new recording.
    #[error("{path} already exists: choose another name for the recording")]
    Exists {
        /// Directory that was to be created.
        path: PathBuf,
    },
    /// Nothing that could be a recording.
    #[error("{path} is neither an .mcap file nor a directory with segment-*.mcap files in it")]
    NotARecording {
        /// What was given.
        path: PathBuf,
    },
    /// Another process is writing this recording.
    #[error("{path} is being recorded by another process: wait until it has finished")]
    InUse {
        /// The recording's directory.
        path: PathBuf,
    },
    /// The manifest is not what this program writes.
    #[error("{path} is not a manifest of a recording ({source}): remove it and the recording opens without")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The manifest is of a later version of this program.
    #[error("{path} has format {format}, which this version of retake does not know: use a newer one")]
    Format {
        /// The manifest.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// A file of which nothing can be read.
    #[error("{path} holds nothing that can be read: it is empty, damaged or no recording")]
    Unreadable {
        /// The file.
        path: PathBuf,
    },
    /// A file that retake did not write is not repaired.
    #[error("{path} holds nothing that retake wrote, and is left as it is")]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The MCAP writer refused a record.
    #[error("cannot build the MCAP records of {path}: {source}")]
    Mcap {
        /// Segment being written.
        path: PathBuf,
        /// What the MCAP library said.
        source: mcap::McapError,
    },
    /// The message definitions compiled into this program cannot be read.
    #[error("the message definitions in this program are damaged ({0}): rebuild it")]
    Definitions(String),
}

impl LogError {
    /// There is no room on the disk, and nothing worse.
    pub const fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull { .. })
    }

    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source }
    }

    /// As `io`, but tells a full disk apart.
    pub(crate) fn write(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let path = path.to_owned();
            if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
                Self::DiskFull { path, source }
            } else {
                Self::Io { what, path, source }
            }
        }
    }
}
