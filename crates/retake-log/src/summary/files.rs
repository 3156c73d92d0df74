//! The files of a recording, and how it ended.

use std::{collections::BTreeMap, fs::File};

use serde::{Deserialize, Serialize};

use crate::{LogError, Recording, State, segment_reader::ends_with_footer, writer::lock};

/// One file of a recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SegmentFile {
    /// File name.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Messages in it.
    pub messages: u64,
    /// It has its index and footer.
    pub complete: bool,
    /// Bytes that an earlier recovery had to leave out.
    pub cut_bytes: u64,
}

pub(super) fn list(
    recording: &Recording,
    messages: &BTreeMap<u32, u64>,
) -> Result<Vec<SegmentFile>, LogError> {
    let mut files = Vec::new();
    for (path, index) in recording.files().iter().zip(0_u32..) {
        let mut source = File::open(path).map_err(LogError::io("open", path))?;
        let bytes = source.metadata().map_err(LogError::io("read", path))?.len();
        let complete = ends_with_footer(&mut source, bytes).map_err(LogError::io("read", path))?;
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let known = recording
            .manifest()
            .and_then(|manifest| manifest.segments.iter().find(|entry| entry.file == file));
        files.push(SegmentFile {
            bytes,
            messages: messages.get(&index).copied().unwrap_or_default(),
            complete,
            cut_bytes: known.map_or(0, |entry| entry.cut_bytes),
            file,
        });
    }
    Ok(files)
}

/// How the recording ended, in a word or two.
pub(crate) fn state(recording: &Recording) -> String {
    let state = match recording.manifest().map(|manifest| manifest.state) {
        None => "single file",
        Some(State::Closed) => "closed",
        Some(State::Recovered) => "recovered",
        Some(State::Recording) if matches!(lock(recording.path()), Err(LogError::InUse { .. })) => {
            "being recorded"
        }
        Some(State::Recording) => "cut off",
    };
    state.to_owned()
}
