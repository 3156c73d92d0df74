//! The file of finished cells, so that a study that was interrupted goes on.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::StudyError;
use crate::cell::Row;
use crate::plan::Study;

/// Changes whenever the same plan would give other figures.
const VERSION: u32 = 1;
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
        let path = folder.join("cells.jsonl");
        let failed = |source| StudyError::Io { path: path.clone(), source };
        std::fs::create_dir_all(folder).map_err(|source| StudyError::Io { path: folder.into(), source })?;
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = options.map_err(failed)?;
        let mut text = String::new();
        let read = (&mut file).take(MOST_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
        if u64::try_from(read).unwrap_or(u64::MAX) > MOST_BYTES {
            return Err(StudyError::Other(path));
        }
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let header = Header { version: VERSION, study: study.clone() };
        let mut cells = BTreeMap::new();
        let mut lines = text.get(..whole).unwrap_or("").lines().enumerate();
        if let Some((_, first)) = lines.next() {
            if !same(first, &header) {
                return Err(StudyError::Other(folder.into()));
            }
            for (number, line) in lines {
                let line: Line = serde_json::from_str(line).map_err(|error| StudyError::Damaged {
                    path: path.clone(),
                    line: number + 1,
                    why: error.to_string(),
                })?;
                cells.insert(line.cell, line.rows);
            }
        } else if !text.is_empty()
            && !serde_json::to_string(&header).is_ok_and(|header| header.starts_with(&text))
        {
            // Not a beginning of ours that was cut off: somebody else's file.
            return Err(StudyError::Other(folder.into()));
        }
        file.set_len(u64::try_from(whole).unwrap_or(0)).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut finished = Self { path, file, cells };
        if whole == 0 {
            finished.write(&header)?;
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

fn same(line: &str, header: &Header) -> bool {
    serde_json::to_string(header).is_ok_and(|ours| ours == line)
}
