//! `recording.json`: what is known about a recording besides its messages.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{Anchor, Disk, LogError};

/// Name of the manifest in a recording's directory.
pub const MANIFEST: &str = "recording.json";

/// Version of the format that this program reads and writes.
pub(crate) const FORMAT: u32 = 1;

/// No manifest is longer; a longer file is not read.
const MAX_MANIFEST_BYTES: u64 = 16 << 20;

/// How a recording ended, as far as it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Being written, or cut off while it was.
    Recording,
    /// Closed by its writer.
    Closed,
    /// Cut off, and repaired afterwards.
    Recovered,
}

/// One file of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// File name in the recording's directory.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Messages in it.
    pub messages: u64,
    /// It has its index and footer.
    pub complete: bool,
    /// Bytes that recovery had to leave out.
    #[serde(default)]
    pub cut_bytes: u64,
}

/// What the deployment tells about itself, for the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extras {
    /// The command line.
    #[serde(default)]
    pub command_line: Vec<String>,
    /// Options of the deployment, by name.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Seed of the session, if it has one.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// The content of `recording.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format: 1.
    pub format: u32,
    /// Version of retake that wrote it.
    pub retake: String,
    /// Session, 16 hexadecimal digits.
    pub session: String,
    /// Robot it was recorded from.
    pub robot: String,
    /// Time of day at which recording began, for people.
    pub started: String,
    /// Maps log times to the monotonic clock.
    pub anchor: Anchor,
    /// What the deployment tells about itself.
    #[serde(flatten)]
    pub extras: Extras,
    /// How it ended.
    pub state: State,
    /// Its files, in order.
    pub segments: Vec<SegmentEntry>,
}

impl Manifest {
    /// Reads the manifest of the recording in `dir`; `None` if it has none.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn read(dir: &Path) -> Result<Option<Self>, LogError> {
        let path = dir.join(MANIFEST);
        let Ok(about) = fs::metadata(&path) else { return Ok(None) };
        if about.len() > MAX_MANIFEST_BYTES {
            let source = std::io::Error::other("it is longer than any manifest");
            return Err(LogError::Io { what: "read", path, source });
        }
        let bytes = fs::read(&path).map_err(LogError::io("read", &path))?;
        let read = serde_json::from_slice::<Self>(&bytes);
        let manifest = read.map_err(|source| LogError::Manifest { path: path.clone(), source })?;
        if manifest.format != FORMAT {
            return Err(LogError::Format { path, format: manifest.format });
        }
        Ok(Some(manifest))
    }

    /// Puts the manifest into `dir`, durably and in one step.
    pub(crate) fn write(&self, dir: &Path, disk: &mut dyn Disk) -> Result<(), LogError> {
        let path = dir.join(MANIFEST);
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|source| LogError::Manifest { path: path.clone(), source })?;
        text.push(b'\n');
        disk.replace(&path, &text).map_err(LogError::write("write", &path))
    }
}

/// File name of a recording's `index`-th segment.
pub(crate) fn segment_name(index: u32) -> String {
    format!("segment-{index:05}.mcap")
}

/// The segments in `dir`, in order, as the directory tells and not as the manifest claims.
pub(crate) fn segment_files(dir: &Path) -> Result<Vec<PathBuf>, LogError> {
    let entries = fs::read_dir(dir).map_err(LogError::io("list", dir))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(LogError::io("list", dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("segment-") && name.ends_with(".mcap") {
            files.push(path);
        }
    }
    // Longer names have larger numbers.
    files.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    Ok(files)
}
