//! The file of finished cells, so that a study that was interrupted goes on.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::StudyError;
use crate::cell::Row;
use crate::plan::Study;

/// Changes whenever the same plan would give other figures.
const VERSION: u32 = 1;
/// Its name in the study's folder.
const FILE: &str = "cells.jsonl";
/// Longest file that is read back.
const MOST_BYTES: u64 = 1 << 30;

/// The first line of the file.
#[derive(Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    study: Study,
}

/// A finished cell: a line of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    cell: usize,
    rows: Vec<Row>,
}

/// The file, open for appending, and what is in it.
pub(crate) struct Finished {
    path: PathBuf,
    file: File,
    cells: BTreeMap<usize, Vec<Row>>,
}

impl Finished {
    /// Opens the file of `study` in `folder`, or begins it. A last line that was cut off is dropped.
    pub(crate) fn open(folder: &Path, study: &Study) -> Result<Self, StudyError> {
        let path = folder.join(FILE);
        let failed = |source| StudyError::Io { path: path.clone(), source };
        std::fs::create_dir_all(folder).map_err(|source| StudyError::Io { path: folder.into(), source })?;
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = options.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StudyError::Busy(folder.into())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let (cells, whole) = read(&mut file, folder, study)?;
        file.set_len(whole).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut finished = Self { path, file, cells };
        if whole == 0 {
            finished.write(&Header { version: VERSION, study: study.clone() })?;
        }
        Ok(finished)
    }

    pub(crate) fn has(&self, cell: usize) -> bool {
        self.cells.contains_key(&cell)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.cells.len()
    }

    /// Adds a cell; it is on disk when this returns.
    pub(crate) fn add(&mut self, cell: usize, rows: Vec<Row>) -> Result<(), StudyError> {
        let line = Line { cell, rows };
        self.write(&line)?;
        self.cells.insert(cell, line.rows);
        Ok(())
    }

    /// Every figure, in the order of cells.
    pub(crate) fn into_rows(self) -> Vec<Row> {
        self.cells.into_values().flatten().collect()
    }

    fn write(&mut self, line: &impl Serialize) -> Result<(), StudyError> {
        let mut write = || {
            let mut bytes = serde_json::to_vec(line).map_err(io::Error::other)?;
            bytes.push(b'\n');
            self.file.write_all(&bytes)?;
            self.file.sync_data()
        };
        write().map_err(|source| StudyError::Io { path: self.path.clone(), source })
    }
}

/// Every figure of the cells that are finished, and how many these are, without touching anything.
pub(crate) fn so_far(folder: &Path, study: &Study) -> Result<(Vec<Row>, usize), StudyError> {
    let path = folder.join(FILE);
    let mut file = File::open(&path).map_err(|source| StudyError::Io { path, source })?;
    let (cells, _) = read(&mut file, folder, study)?;
    let count = cells.len();
    Ok((cells.into_values().flatten().collect(), count))
}

/// The cells in a file, and how many of its bytes are whole lines.
fn read(
    file: &mut File,
    folder: &Path,
    study: &Study,
) -> Result<(BTreeMap<usize, Vec<Row>>, u64), StudyError> {
    let path = folder.join(FILE);
    let failed = |source| StudyError::Io { path: path.clone(), source };
    let other = || StudyError::Other(folder.into());
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let (lines, cut_off) = bytes.split_at(whole);
    let length = u64::try_from(whole).unwrap_or(u64::MAX);
    if length > MOST_BYTES {
        return Err(other());
    }
    let header = Header { version: VERSION, study: study.clone() };
    let header = serde_json::to_string(&header).map_err(|error| StudyError::Plan(error.to_string()))?;
    let mut lines = lines.split(|byte| *byte == b'\n').enumerate();
    let first = lines.next().map_or(&[][..], |(_, first)| first);
    if whole == 0 && header.as_bytes().starts_with(cut_off) {
        return Ok((BTreeMap::new(), 0));
    }
    if first != header.as_bytes() {
        return Err(other());
    }
    let mut cells = BTreeMap::new();
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let line: Line = serde_json::from_slice(line).map_err(|error| StudyError::Damaged {
            path: path.clone(),
            line: number + 1,
            why: error.to_string(),
        })?;
        cells.insert(line.cell, line.rows);
    }
    Ok((cells, length))
}
