//! Recovered files that are kept to be opened elsewhere.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::Context as _;
use retake_log::{Recording, SegmentReader};

/// Files, and how many messages we find in each.
#[derive(Debug)]
pub(super) struct Sample {
    dir: tempfile::TempDir,
    files: Mutex<Vec<(PathBuf, u64)>>,
}

impl Sample {
    pub(super) fn new() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir().context("there is no place for recovered files")?;
        Ok(Self { dir, files: Mutex::default() })
    }

    /// Copies the files of a recording.
    pub(super) fn add(&self, name: &str, recording: &Path) -> anyhow::Result<()> {
        if Recording::open(recording).is_err() {
            return Ok(());
        }
        for path in Recording::open(recording)?.files() {
            let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let copy = self.dir.path().join(format!("{name}-{file}"));
            fs::copy(path, &copy)?;
            let mut reader = SegmentReader::new(std::io::BufReader::new(fs::File::open(&copy)?), file)?;
            let mut messages = 0;
            while reader.next_message()?.is_some() {
                messages += 1;
            }
            self.files.lock().unwrap_or_else(PoisonError::into_inner).push((copy, messages));
        }
        Ok(())
    }

    pub(super) fn files(&self) -> Vec<(PathBuf, u64)> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner).clone();
        files.sort();
        files
    }
}
