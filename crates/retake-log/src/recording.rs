//! A recording being read.

use std::{
    fs::{self, File},
    io::BufReader,
    path::{Path, PathBuf},
};

use retake_units::MonoTime;
use retake_wire::{Message, Topic};

use crate::{
    Anchor, Integrity, LogError, Manifest, Raw, SegmentReader, manifest::segment_files,
    segment_writer::METADATA,
};

/// A recording on disk, in whatever state it is. Opening and reading change nothing.
#[derive(Clone, Debug)]
pub struct Recording {
    path: PathBuf,
    manifest: Option<Manifest>,
    files: Vec<PathBuf>,
}

impl Recording {
    /// Opens a recording's directory, or a single `.mcap` file.
    ///
    /// # Errors
    /// If there is no recording at `path`.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let about = fs::metadata(path).map_err(LogError::io("open", path))?;
        if about.is_file() {
            if path.extension().is_none_or(|extension| extension != "mcap") {
                return Err(LogError::NotARecording { path: path.to_owned() });
            }
            return Ok(Self { path: path.to_owned(), manifest: None, files: vec![path.to_owned()] });
        }
        let (manifest, files) = (Manifest::read(path)?, segment_files(path)?);
        if manifest.is_none() && files.is_empty() {
            return Err(LogError::NotARecording { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), manifest, files })
    }

    /// A recording whose manifest cannot be used.
    pub(crate) fn without_manifest(path: &Path, files: Vec<PathBuf>) -> Self {
        Self { path: path.to_owned(), manifest: None, files }
    }

    /// The same, as if it had this file only.
    pub(crate) fn only(&self, file: &Path) -> Self {
        Self { files: vec![file.to_owned()], ..self.clone() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its manifest says, if it has one.
    pub const fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Its files, in order.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// All messages, in the order in which they were recorded.
    pub fn messages(&self) -> Messages {
        self.messages_on(Topic::ALL)
    }

    /// The messages on `topics`. Others are not decoded.
    pub fn messages_on(&self, topics: &[Topic]) -> Messages {
        let mut files = self.files.clone();
        files.reverse();
        Messages {
            files,
            segment: 0,
            reader: None,
            topics: topics.to_vec(),
            fallback: self.manifest.as_ref().map(|manifest| manifest.anchor).unwrap_or_default(),
            integrity: Integrity::default(),
        }
    }
}

/// A message as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// When it was received.
    pub at: MonoTime,
    /// The same instant as time of day, nanoseconds since 1970 UTC.
    pub log_nanos: u64,
    /// Index of the file it is in.
    pub segment: u32,
    /// The message.
    pub message: Message,
}

/// Reads a recording's messages with bounded memory.
///
/// Torn tails and damaged chunks are left out; [`Messages::integrity`] tells. An error means that the system refused to
/// read; the messages end there.
#[derive(Debug)]
pub struct Messages {
    /// Still to be read, the next one last.
    files: Vec<PathBuf>,
    segment: u32,
    reader: Option<(PathBuf, SegmentReader<BufReader<File>>)>,
    topics: Vec<Topic>,
    fallback: Anchor,
    integrity: Integrity,
}

impl Messages {
    /// What was wrong with the files that have been read to their end.
    pub const fn integrity(&self) -> &Integrity {
        &self.integrity
    }

    /// How far the file at hand has been read; `None` between files.
    pub(crate) fn offset(&self) -> Option<u64> {
        self.reader.as_ref().map(|(_, reader)| reader.offset())
    }

    /// The next message without decoding it, whatever its topic, and the index of its file.
    ///
    /// # Errors
    /// If the system refuses to read.
    pub fn next_raw(&mut self) -> Result<Option<(u32, Raw)>, LogError> {
        loop {
            let Some((path, reader)) = &mut self.reader else {
                let Some(path) = self.files.pop() else { return Ok(None) };
                let file = File::open(&path).map_err(LogError::io("open", &path))?;
                let name =
                    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let reader =
                    SegmentReader::new(BufReader::new(file), name).map_err(LogError::io("read", &path))?;
                self.reader = Some((path, reader));
                continue;
            };
            match reader.next_message() {
                Ok(Some(raw)) => return Ok(Some((self.segment, raw))),
                Ok(None) => {
                    self.integrity.merge(reader.integrity().clone());
                    self.reader = None;
                    self.segment += 1;
                }
                Err(error) => {
                    let error = LogError::io("read", path)(error);
                    (self.files, self.reader) = (Vec::new(), None);
                    return Err(error);
                }
            }
        }
    }

    /// The message in `raw`, if it is one of retake's and its topic is among those asked for.
    pub fn decode(&mut self, segment: u32, raw: &Raw) -> Option<Logged> {
        let Some(topic) = topic_of(raw) else {
            self.integrity.foreign_messages += 1;
            return None;
        };
        if !self.topics.contains(&topic) {
            return None;
        }
        let Ok(message) = Message::decode(topic, &raw.data) else {
            self.integrity.undecodable_messages += 1;
            return None;
        };
        Some(Logged { at: self.anchor().mono(raw.log_nanos), log_nanos: raw.log_nanos, segment, message })
    }

    /// The anchor of the file being read.
    fn anchor(&self) -> Anchor {
        let own = || {
            let values = self.reader.as_ref()?.1.metadata().get(METADATA)?;
            let number = |key: &str| values.get(key)?.parse().ok();
            Some(Anchor {
                mono_nanos: number("anchor_mono_nanos")?,
                wall_nanos: number("anchor_wall_nanos")?,
            })
        };
        own().unwrap_or(self.fallback)
    }
}

impl Iterator for Messages {
    type Item = Result<Logged, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_raw() {
                Ok(Some((segment, raw))) => {
                    if let Some(logged) = self.decode(segment, &raw) {
                        return Some(Ok(logged));
                    }
                }
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// The topic whose key and message type the channel has; `None` if it is not one of retake's.
pub fn topic_of(raw: &Raw) -> Option<Topic> {
    let (_robot, suffix) = raw.channel.topic.strip_prefix("retake/v1/")?.split_once('/')?;
    let topic = Topic::of_suffix(suffix)?;
    (raw.channel.schema == topic.schema() && raw.channel.encoding == "protobuf").then_some(topic)
}
