//! Turns what a crash left behind into a recording that every tool opens.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::{Path, PathBuf},
};

use mcap::{
    McapError,
    records::{MessageHeader, Metadata},
    write::NoSeek,
};

use serde::Serialize;

use crate::{
    Disk, Integrity, LocalDisk, LogError, MANIFEST, Manifest, Packing, Progress, Raw, SegmentEntry,
    SegmentReader, State,
    disk::create_again,
    manifest::segment_files,
    segment_reader::{MAGIC, ends_with_footer},
    segment_writer::{self, options},
    writer::{RESERVE, lock},
};

/// Name of the metadata record that tells what a repair left out.
const METADATA: &str = "retake.recovery";

/// One segment that got its index and footer afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RepairedSegment {
    /// File name.
    pub file: String,
    /// Messages that were saved.
    pub messages: u64,
    /// What could not be.
    pub integrity: Integrity,
}

/// What [`recover`] did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// The recording.
    pub path: PathBuf,
    /// Segments that had to be repaired; none if there was nothing to do.
    pub repaired: Vec<RepairedSegment>,
}

/// What [`recover_all`] found in a directory of recordings.
#[derive(Debug, Default)]
pub struct Found {
    /// Recordings that had been cut off, and are whole now.
    pub recovered: Vec<Recovery>,
    /// Recordings that another process is writing.
    pub in_use: Vec<PathBuf>,
    /// Recordings that could not be repaired; nothing of them was changed.
    pub failed: Vec<(PathBuf, LogError)>,
}

/// Repairs every recording in `dir` that was cut off. Recordings that are being written are left alone.
///
/// # Errors
/// If `dir` cannot be listed; a directory that is not there has nothing to repair.
pub fn recover_all(dir: &Path) -> Result<Found, LogError> {
    let mut found = Found::default();
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(LogError::io("list", dir)(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(LogError::io("list", dir))?.path());
    }
    paths.sort();
    for path in paths.into_iter().filter(|path| path.join(MANIFEST).is_file()) {
        match recover(&path) {
            Ok(recovery) if recovery.repaired.is_empty() => {}
            Ok(recovery) => found.recovered.push(recovery),
            Err(LogError::InUse { path }) => found.in_use.push(path),
            Err(error) => found.failed.push((path, error)),
        }
    }
    Ok(found)
}

/// Repairs the recording in `dir` if it was cut off: segments without footer are rewritten up to their last whole chunk,
/// with index and footer. The original is replaced only when its replacement is durable. Doing it again does nothing.
///
/// # Errors
/// If the recording is being written, or the disk refuses.
pub fn recover(dir: &Path) -> Result<Recovery, LogError> {
    recover_of(dir, Which::CutOff, &mut |_| {})
}

/// As [`recover`], for whoever asks for it: a recording that its manifest calls closed is looked into as well, and `tell`
/// gets how far the work is. `path` may be one `.mcap` file, too; if it belongs to a recording, that is repaired.
///
/// # Errors
/// If the recording is being written, a file is not retake's, or the disk refuses.
pub fn repair(path: &Path, tell: &mut dyn FnMut(Progress<'_>)) -> Result<Recovery, LogError> {
    if !fs::metadata(path).map_err(LogError::io("open", path))?.is_file() {
        return recover_of(path, Which::All, tell);
    }
    match path.parent().filter(|dir| dir.join(MANIFEST).is_file()) {
        Some(dir) if segment_files(dir)?.iter().any(|file| file == path) => recover_of(dir, Which::All, tell),
        Some(_) | None => repair_file(path, tell),
    }
}

fn repair_file(path: &Path, tell: &mut dyn FnMut(Progress<'_>)) -> Result<Recovery, LogError> {
    if path.extension().is_none_or(|extension| extension != "mcap") {
        return Err(LogError::NotARecording { path: path.to_owned() });
    }
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _lock = lock(dir)?;
    let mut recovery = Recovery { path: path.to_owned(), repaired: Vec::new() };
    if !is_finished(path)? {
        let total = size(path)?;
        let mut tell = |done| tell(Progress { file: path, done, total });
        recovery.repaired.push(rebuild(path, name_of(path), Owner::ToBeFound, &mut tell)?);
    }
    Ok(recovery)
}

/// Which recordings are looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// Those that their manifest does not call closed: at every start, so it has to be quick.
    CutOff,
    All,
}

fn recover_of(dir: &Path, which: Which, tell: &mut dyn FnMut(Progress<'_>)) -> Result<Recovery, LogError> {
    let mut recovery = Recovery { path: dir.to_owned(), repaired: Vec::new() };
    let is_closed = |manifest: &Option<Manifest>| {
        manifest.as_ref().is_some_and(|manifest| manifest.state != State::Recording)
    };
    if which == Which::CutOff && is_closed(&Manifest::read(dir)?) {
        return Ok(recovery);
    }
    let _lock = lock(dir)?;
    // Its writer may have closed it before the lock was ours.
    let manifest = Manifest::read(dir)?;
    let files = segment_files(dir)?;
    if is_closed(&manifest) && (which == Which::CutOff || all_finished(&files)?) {
        return Ok(recovery);
    }
    let owner = if manifest.is_some() { Owner::Retake } else { Owner::ToBeFound };
    let (mut entries, mut done) = (Vec::new(), 0);
    let total = files.iter().map(|path| size(path)).sum::<Result<u64, _>>()?;
    for path in files {
        let (file, len) = (name_of(&path), size(&path)?);
        let known =
            manifest.as_ref().and_then(|manifest| manifest.segments.iter().find(|known| known.file == file));
        if is_finished(&path)? {
            let messages = match known {
                Some(known) => known.messages,
                None => count(&path, &file)?,
            };
            let cut_bytes = known.map_or(0, |known| known.cut_bytes);
            entries.push(entry(&path, file, messages, cut_bytes)?);
        } else {
            let mut tell = |part| tell(Progress { file: &path, done: done + part, total });
            let repaired = rebuild(&path, file, owner, &mut tell)?;
            entries.push(entry(
                &path,
                repaired.file.clone(),
                repaired.messages,
                repaired.integrity.lost_bytes,
            )?);
            recovery.repaired.push(repaired);
        }
        done += len;
    }
    if let Some(mut manifest) = manifest {
        manifest.segments = entries;
        manifest.state = if recovery.repaired.is_empty() { State::Closed } else { State::Recovered };
        manifest.write(dir, &mut LocalDisk)?;
    }
    // Leftovers take space and harm nobody: failing to remove one is no failure.
    let _ = fs::remove_file(dir.join(RESERVE));
    Ok(recovery)
}

fn all_finished(files: &[PathBuf]) -> Result<bool, LogError> {
    for path in files {
        if !is_finished(path)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn size(path: &Path) -> Result<u64, LogError> {
    Ok(fs::metadata(path).map_err(LogError::io("read", path))?.len())
}

fn is_finished(path: &Path) -> Result<bool, LogError> {
    let mut file = File::open(path).map_err(LogError::io("open", path))?;
    let len = file.metadata().map_err(LogError::io("read", path))?.len();
    ends_with_footer(&mut file, len).map_err(LogError::io("read", path))
}

fn entry(path: &Path, file: String, messages: u64, cut_bytes: u64) -> Result<SegmentEntry, LogError> {
    Ok(SegmentEntry { file, bytes: size(path)?, messages, complete: true, cut_bytes })
}

fn count(path: &Path, file: &str) -> Result<u64, LogError> {
    let source = File::open(path).map_err(LogError::io("open", path))?;
    let read = || -> io::Result<u64> {
        let mut reader = SegmentReader::new(BufReader::new(source), file.to_owned())?;
        let mut messages = 0;
        while reader.next_message()?.is_some() {
            messages += 1;
        }
        Ok(messages)
    };
    read().map_err(LogError::io("read", path))
}

/// Whether a file may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// It is in a recording of ours.
    Retake,
    /// Only if it says itself that retake wrote it.
    ToBeFound,
}

/// Puts a finished file in the place of one that was cut off.
fn rebuild(
    path: &Path,
    file: String,
    owner: Owner,
    tell: &mut dyn FnMut(u64),
) -> Result<RepairedSegment, LogError> {
    let beside = path.with_extension("mcap.repair");
    let source = File::open(path).map_err(LogError::io("open", path))?;
    let mut reader = SegmentReader::new(BufReader::new(source), file).map_err(LogError::io("read", path))?;
    // Ours is before the first message, so it has been met by then.
    let first = reader.next_message().map_err(LogError::io("read", path))?;
    if owner == Owner::ToBeFound && !reader.metadata().contains_key(segment_writer::METADATA) {
        return Err(LogError::NotOurs { path: path.to_owned() });
    }
    let out = create_again(&beside, MAGIC).map_err(LogError::write("create", &beside))?;
    let (repaired, out) = rewrite(reader, first, BufWriter::new(out), tell).map_err(|error| {
        if let McapError::Io(error) = error {
            LogError::write("write", &beside)(error)
        } else {
            LogError::Mcap { path: beside.clone(), source: error }
        }
    })?;
    let out = out.into_inner().map_err(|error| LogError::write("write", &beside)(error.into_error()))?;
    out.sync_all().map_err(LogError::io("sync", &beside))?;
    fs::rename(&beside, path).map_err(LogError::io("rename", &beside))?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    LocalDisk.sync_dir(dir).map_err(LogError::io("sync", dir))?;
    Ok(repaired)
}

/// Copies every message that can be read into a finished file, chunk by chunk.
fn rewrite<R: Read + Seek, W: Write>(
    mut reader: SegmentReader<R>,
    mut raw: Option<Raw>,
    out: W,
    tell: &mut dyn FnMut(u64),
) -> Result<(RepairedSegment, W), McapError> {
    let mut writer = options(Packing::default()).create(NoSeek::new(out))?;
    let (mut messages, mut chunk) = (0, 0);
    for (name, metadata) in reader.metadata() {
        writer.write_metadata(&Metadata { name: name.clone(), metadata: metadata.clone() })?;
    }
    while let Some(message) = raw {
        if reader.chunk_number() != chunk {
            chunk = reader.chunk_number();
            writer.flush()?;
        }
        let channel = &message.channel;
        let schema = if channel.schema.is_empty() {
            0
        } else {
            writer.add_schema(&channel.schema, &channel.schema_encoding, &channel.schema_data)?
        };
        let channel_id = writer.add_channel(schema, &channel.topic, &channel.encoding, &channel.metadata)?;
        let header = MessageHeader {
            channel_id,
            sequence: message.sequence,
            log_time: message.log_nanos,
            publish_time: message.publish_nanos,
        };
        writer.write_to_known_channel(&header, &message.data)?;
        messages += 1;
        tell(reader.offset());
        raw = reader.next_message()?;
    }
    let integrity = reader.integrity().clone();
    let told = BTreeMap::from([
        ("lost_bytes".to_owned(), integrity.lost_bytes.to_string()),
        ("reason".to_owned(), integrity.faults.first().map(|fault| fault.reason.clone()).unwrap_or_default()),
    ]);
    writer.write_metadata(&Metadata { name: METADATA.to_owned(), metadata: told })?;
    writer.finish()?;
    let file = reader.name().to_owned();
    Ok((RepairedSegment { file, messages, integrity }, writer.into_inner().into_inner()))
}
