use std::{io, path::PathBuf};

/// Why a launch file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The file cannot be read.
    #[error("launch file {path} cannot be read: {source}; check the path, launch/demo.toml is an example")]
    Unreadable {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something in it is not understood.
    #[error("{path}:{line}:{column}: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong, and what to do.
        message: String,
    },
}

/// A fault and where in the text it is.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }

    /// A fault that toml found while it read a part that begins at `begin`.
    pub(crate) fn toml(error: &toml::de::Error, begin: usize) -> Self {
        let at = error.span().map_or(begin, |span| span.start);
        let message = error.message().trim();
        let hint = if message.ends_with("a duration") { "; write it as \"250ms\" or \"60s\"" } else { "" };
        Self::new(at, format!("{message}{hint}"))
    }

    pub(crate) fn place(self, path: PathBuf, text: &str) -> LaunchError {
        let before = text.get(..self.at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        LaunchError::Malformed { path, line, column, message: self.message }
    }
}
