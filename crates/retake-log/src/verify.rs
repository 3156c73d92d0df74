//! Whether every byte of a recording is as its writer left it. Changes nothing.

mod losses;
mod manifest;
mod render;

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use self::losses::Losses;
use crate::{
    Fault, GapSummary, LogError, MANIFEST, Recording,
    layout::{self, Layout},
    manifest::segment_files,
    summary::state,
};

pub use losses::TickGap;
pub use render::render_verification;

/// How far a long piece of work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file at hand.
    pub file: &'a Path,
    /// Bytes done, of all files.
    pub done: u64,
    /// Bytes to do, of all files.
    pub total: u64,
}

/// The end of a file that was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Torn {
    /// Where the last whole record ends.
    pub offset: u64,
    /// Bytes behind it, of a record that is not there in full.
    pub bytes: u64,
}

/// One file of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileVerification {
    /// File name.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Messages that can be read.
    pub messages: u64,
    /// Chunks, damaged ones included.
    pub chunks: u64,
    /// It ends as a finished file does.
    pub finished: bool,
    /// Where it was cut off, if it was.
    pub torn: Option<Torn>,
    /// Stretches before that which cannot be used, the first hundred.
    pub faults: Vec<Fault>,
    /// Bytes of all stretches that cannot be used, with the torn end.
    pub lost_bytes: u64,
    /// What does not agree about checksums, index and footer, in words.
    pub index: Vec<String>,
    /// What the manifest says otherwise, in words.
    pub manifest: Vec<String>,
    /// Messages on topics that are not retake's. They are no damage.
    pub foreign_messages: u64,
    /// Messages whose bytes are not what their topic promises.
    pub undecodable_messages: u64,
    /// Bytes that an earlier repair had to leave out. They are no damage of what is there now.
    pub cut_bytes: u64,
}

impl FileVerification {
    /// Every byte is as its writer left it.
    pub const fn is_whole(&self) -> bool {
        self.finished
            && self.torn.is_none()
            && self.lost_bytes == 0
            && self.undecodable_messages == 0
            && self.index.is_empty()
            && self.manifest.is_empty()
    }
}

/// A recording as [`verify`] found it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Where it is.
    pub path: String,
    /// `closed`, `recovered`, `cut off`, `being recorded`, or `single file`.
    pub state: String,
    /// Every byte is as its writer left it, and nothing is missing that was written.
    pub whole: bool,
    /// What is wrong with the recording besides its files, in words.
    pub problems: Vec<String>,
    /// Its files, in order.
    pub files: Vec<FileVerification>,
    /// Ticks recorded.
    pub ticks: u64,
    /// The first and the last of them.
    pub tick_range: Option<(u64, u64)>,
    /// Ticks missing in between.
    pub missing_ticks: u64,
    /// Where they are missing, the first hundred.
    pub tick_gaps: Vec<TickGap>,
    /// Messages that the recorder told to be missing, the first thousand gaps.
    pub known_losses: Vec<GapSummary>,
}

/// Reads the recording at `path` through: a folder or one `.mcap` file. `tell` gets how far it is.
///
/// # Errors
/// If there is no recording, or the system refuses to read. What the files hold is never an error.
pub fn verify(path: &Path, tell: &mut dyn FnMut(Progress<'_>)) -> Result<Verification, LogError> {
    let mut problems = Vec::new();
    let recording = match Recording::open(path) {
        Err(LogError::Manifest { source, .. }) => {
            problems.push(format!("{MANIFEST} is damaged: {source}"));
            Recording::without_manifest(path, segment_files(path)?)
        }
        other => other?,
    };
    if recording.manifest().is_none() && problems.is_empty() && path.is_dir() {
        problems.push(format!("{MANIFEST} is missing"));
    }
    problems.extend(recording.manifest().into_iter().flat_map(|known| manifest::missing(known, path)));
    let sizes: Vec<u64> = recording.files().iter().map(|file| len(file)).collect::<Result<_, _>>()?;
    let (mut files, mut losses) = (Vec::new(), Losses::default());
    // Each file is read twice: its bytes, and its messages.
    let (mut done, total) = (0, 2 * sizes.iter().sum::<u64>());
    for (file, size) in recording.files().iter().zip(sizes) {
        let mut tell = |part| tell(Progress { file, done: done + part, total });
        files.push(verify_file(&recording, file, size, &mut losses, &mut tell)?);
        done += 2 * size;
    }
    let state = state(&recording);
    if state == "cut off" && files.iter().all(|file| file.finished) {
        problems.push("it was not closed: `retake log repair` completes its manifest".to_owned());
    }
    let whole =
        problems.is_empty() && state != "being recorded" && files.iter().all(FileVerification::is_whole);
    Ok(losses.finish(Verification {
        path: path.to_string_lossy().into_owned(),
        state,
        whole,
        problems,
        files,
        ..Verification::default()
    }))
}

fn len(path: &Path) -> Result<u64, LogError> {
    Ok(fs::metadata(path).map_err(LogError::io("read", path))?.len())
}

fn verify_file(
    recording: &Recording,
    path: &Path,
    size: u64,
    losses: &mut Losses,
    tell: &mut dyn FnMut(u64),
) -> Result<FileVerification, LogError> {
    let source = File::open(path).map_err(LogError::io("open", path))?;
    let layout = layout::read(BufReader::new(source), size, tell).map_err(LogError::io("read", path))?;
    let mut messages = recording.only(path).messages();
    let mut count = 0;
    while let Some((segment, raw)) = messages.next_raw()? {
        count += 1;
        if let Some(logged) = messages.decode(segment, &raw) {
            losses.note(&logged);
        }
        tell(size + messages.offset().unwrap_or(size).min(size));
    }
    let mut found = told(path, size, count, &layout);
    let integrity = messages.integrity();
    found.lost_bytes = integrity.lost_bytes;
    found.foreign_messages = integrity.foreign_messages;
    found.undecodable_messages = integrity.undecodable_messages;
    let torn = found.torn.map(|torn| torn.offset);
    found.faults = integrity.faults.iter().filter(|fault| Some(fault.offset) != torn).cloned().collect();
    if let Some(known) = recording.manifest() {
        manifest::compare(known, &mut found);
    }
    Ok(found)
}

/// What the bytes tell before the messages are looked at.
fn told(path: &Path, size: u64, messages: u64, layout: &Layout) -> FileVerification {
    let mut index = layout.problems.clone();
    if let Some(told) = layout.messages.filter(|told| *told != messages) {
        index.push(format!("the index tells of {told} messages, and {messages} can be read"));
    }
    FileVerification {
        file: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        bytes: size,
        messages,
        chunks: layout.chunks,
        finished: layout.finished,
        torn: layout.torn.map(|offset| Torn { offset, bytes: size - offset }),
        index,
        ..FileVerification::default()
    }
}

/// The recordings at `path`: itself, if it is one or a file; else those in it, in order.
///
/// # Errors
/// If there are none, or a folder cannot be listed.
pub fn recordings_at(path: &Path) -> Result<Vec<PathBuf>, LogError> {
    let about = fs::metadata(path).map_err(LogError::io("open", path))?;
    let holds = |path: &Path| {
        path.join(MANIFEST).is_file() || segment_files(path).is_ok_and(|files| !files.is_empty())
    };
    if about.is_file() || holds(path) {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(LogError::io("list", path))? {
        found.push(entry.map_err(LogError::io("list", path))?.path());
    }
    found.retain(|inner| inner.is_dir() && holds(inner));
    if found.is_empty() {
        return Err(LogError::NotARecording { path: path.to_owned() });
    }
    found.sort();
    Ok(found)
}
