//! How far an export has come, so that an interrupted one can go on: a line for each set of files that is complete.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{LerobotError, stats::Summary};

/// Its name in the folder that is being written.
pub(crate) const FILE: &str = ".retake-export.jsonl";

/// What is complete after a set of files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Sets of files, attempts and rows.
    pub(crate) sets: u32,
    pub(crate) episodes: u64,
    pub(crate) rows: u64,
    /// In the order of their numbers.
    pub(crate) tasks: Vec<String>,
    /// Width and height of each camera's pictures.
    pub(crate) sizes: Vec<Option<(usize, usize)>>,
    pub(crate) stats: BTreeMap<String, Summary>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    format: u32,
    fingerprint: String,
}

/// The journal of an export that is under way. Nobody else can go on with it meanwhile.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Begins one in `dir`.
    pub(crate) fn begin(dir: &Path, fingerprint: u64) -> Result<Self, LerobotError> {
        let path = dir.join(FILE);
        let file = File::create_new(&path).map_err(LerobotError::io("create", &path))?;
        let mut journal = Self { path, file };
        journal.lock()?;
        let head = Head { format: crate::FORMAT, fingerprint: format!("{fingerprint:016x}") };
        journal.append(&head)?;
        Ok(journal)
    }

    /// Goes on with the one in `dir`. `Err` of the inner result says why that cannot be.
    pub(crate) fn resume(
        dir: &Path,
        fingerprint: u64,
    ) -> Result<Result<(Self, Progress), String>, LerobotError> {
        let path = dir.join(FILE);
        let text = fs::read_to_string(&path).map_err(LerobotError::io("read", &path))?;
        let file = File::options().append(true).open(&path).map_err(LerobotError::io("open", &path))?;
        let journal = Self { path, file };
        journal.lock()?;
        let mut lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let head: Option<Head> = lines.next().and_then(|line| serde_json::from_str(line).ok());
        let due = Head { format: crate::FORMAT, fingerprint: format!("{fingerprint:016x}") };
        if head != Some(due) {
            return Ok(Err("it was of other attempts or options".into()));
        }
        let progress = match lines.next_back().map(serde_json::from_str) {
            Some(Ok(progress)) => progress,
            Some(Err(error)) => return Ok(Err(format!("its journal is damaged: {error}"))),
            None => Progress::default(),
        };
        // What a crash cut off is ended, so that what follows is a line of its own.
        let whole = text.rfind('\n').map_or(0, |last| last as u64 + 1);
        journal.file.set_len(whole).map_err(LerobotError::io("cut", &journal.path))?;
        Ok(Ok((journal, progress)))
    }

    /// Where files cannot be locked at all, nobody is kept out.
    fn lock(&self) -> Result<(), LerobotError> {
        match self.file.try_lock() {
            Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(LerobotError::Refused(format!(
                "{} is being written by another export",
                self.path.display()
            ))),
        }
    }

    pub(crate) fn done(&mut self, progress: &Progress) -> Result<(), LerobotError> {
        self.append(progress)
    }

    fn append(&mut self, line: &impl Serialize) -> Result<(), LerobotError> {
        let mut text = serde_json::to_string(line).map_err(LerobotError::file(&self.path))?;
        text.push('\n');
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_all());
        written.map_err(LerobotError::io("write", &self.path))
    }
}
