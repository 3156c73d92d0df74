//! One MCAP file being written.
//!
//! The MCAP library writes into memory only; whole chunks are then appended to the file. So a file never holds a header
//! that is to be patched later, the library never meets an I/O error, and what could not be appended can be appended
//! again once there is room.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mcap::{
    Compression, McapError, WriteOptions, Writer,
    records::{MessageHeader, Metadata},
    write::NoSeek,
};
use retake_units::MonoTime;
use retake_wire::{RobotId, Topic};

use crate::{Anchor, Disk, DiskFile, Entry, LogError, manifest::segment_name, schema::Schemas};

/// Name of the metadata record that says which session a segment belongs to.
pub(crate) const METADATA: &str = "retake";

/// Uncompressed size at which a chunk is closed even if no commit is due.
const CHUNK_BYTES: u64 = 1 << 20;

/// How chunks are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Packing {
    /// As they are.
    Plain,
    /// LZ4.
    Lz4,
    /// Zstandard at its fastest level.
    #[default]
    Zstd,
}

/// What every segment of a recording has in common.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub(crate) robot: RobotId,
    pub(crate) session: u64,
    pub(crate) anchor: Anchor,
    pub(crate) packing: Packing,
}

/// Memory that the MCAP library writes into, shared with the segment that empties it.
#[derive(Clone, Debug, Default)]
struct Staging(Arc<Mutex<Vec<u8>>>);

impl Staging {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Staging {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Channel {
    id: u16,
    sequence: u32,
}

/// How much of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) bytes: u64,
    pub(crate) messages: u64,
}

/// What was told to the disk and not yet confirmed by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Good,
    /// Nothing is written to this file any more.
    Failed,
}

pub(crate) struct SegmentWriter {
    path: PathBuf,
    number: u32,
    common: Common,
    file: Box<dyn DiskFile>,
    mcap: Writer<NoSeek<Staging>>,
    staging: Staging,
    channels: BTreeMap<(Topic, String), Channel>,
    began: MonoTime,
    appended: u64,
    messages: u64,
    /// Bytes and messages up to which the caller was told of success.
    settled: Extent,
    health: Health,
}

impl fmt::Debug for SegmentWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentWriter")
            .field("path", &self.path)
            .field("bytes", &self.appended)
            .finish_non_exhaustive()
    }
}

impl SegmentWriter {
    /// Creates the file of the segment of this number in `dir`, and makes its name durable.
    pub(crate) fn create(
        (dir, number): (&Path, u32),
        common: Common,
        began: MonoTime,
        disk: &mut dyn Disk,
    ) -> Result<Self, LogError> {
        let path = dir.join(segment_name(number));
        let staging = Staging::default();
        let mut mcap = options(common.packing)
            .create(NoSeek::new(staging.clone()))
            .map_err(|source| LogError::Mcap { path: path.clone(), source })?;
        mcap.write_metadata(&metadata(&common))
            .map_err(|source| LogError::Mcap { path: path.clone(), source })?;
        let file = disk.create(&path).map_err(LogError::write("create", &path))?;
        if let Err(error) = disk.sync_dir(dir) {
            // Nothing is in it, and nothing will be: its name is free for the next try.
            let _ = fs::remove_file(&path);
            return Err(LogError::write("sync", dir)(error));
        }
        Ok(Self {
            path,
            number,
            common,
            file,
            mcap,
            staging,
            channels: BTreeMap::new(),
            began,
            appended: 0,
            messages: 0,
            settled: Extent::default(),
            health: Health::Good,
        })
    }

    pub(crate) const fn began(&self) -> MonoTime {
        self.began
    }

    pub(crate) const fn number(&self) -> u32 {
        self.number
    }

    /// What the disk took, and the messages, of which some may still be in memory.
    pub(crate) const fn extent(&self) -> Extent {
        Extent { bytes: self.appended, messages: self.messages }
    }

    /// So much counts as kept.
    pub(crate) const fn settle(&mut self, extent: Extent) {
        self.settled = extent;
    }

    /// Leaves the file without footer, and without what the caller was never told to be kept. Returns what is left.
    pub(crate) fn abandon(mut self) -> Extent {
        // Shortening is not a second try at what failed. If it fails too, some messages may be found twice.
        let _ = self.file.cut(self.settled.bytes);
        self.settled
    }

    /// Puts one message into the current chunk. Touches no disk.
    pub(crate) fn append(&mut self, entry: &Entry, schemas: &Schemas) -> Result<(), LogError> {
        let log_time = self.common.anchor.log_nanos(entry.at);
        let channel = match self.channels.get_mut(&(entry.topic, entry.instance.clone())) {
            Some(channel) => channel,
            None => self.channel(entry, schemas)?,
        };
        channel.sequence = channel.sequence.wrapping_add(1);
        let header = MessageHeader {
            channel_id: channel.id,
            sequence: channel.sequence,
            log_time,
            publish_time: entry.published_nanos.unwrap_or(log_time),
        };
        self.mcap.write_to_known_channel(&header, &entry.bytes).map_err(mcap_error(&self.path))?;
        self.messages += 1;
        Ok(())
    }

    fn channel(&mut self, entry: &Entry, schemas: &Schemas) -> Result<&mut Channel, LogError> {
        let topic = entry.topic;
        let schema = self
            .mcap
            .add_schema(topic.schema(), "protobuf", schemas.of(topic))
            .map_err(mcap_error(&self.path))?;
        let key = topic.key(&self.common.robot, &entry.instance);
        let id = self
            .mcap
            .add_channel(schema, &key, "protobuf", &BTreeMap::new())
            .map_err(mcap_error(&self.path))?;
        Ok(self.channels.entry((topic, entry.instance.clone())).or_insert(Channel { id, sequence: 0 }))
    }

    /// Closes the chunk and appends it to the file. It survives the end of this process, but not yet a power cut.
    pub(crate) fn flush(&mut self) -> Result<(), LogError> {
        self.mcap.flush().map_err(mcap_error(&self.path))?;
        self.spill()
    }

    /// Begins to make what was flushed survive a power cut.
    pub(crate) fn sync(&mut self) -> Result<(), LogError> {
        // What the disk holds after a failed sync is unknown, and a second sync would not tell: the file is given up.
        self.file.sync().map_err(|error| {
            self.health = Health::Failed;
            LogError::Io { what: "sync", path: self.path.clone(), source: error }
        })
    }

    /// Writes index and footer, and begins to make all of it survive a power cut.
    pub(crate) fn finish(&mut self) -> Result<(), LogError> {
        self.mcap.finish().map_err(mcap_error(&self.path))?;
        self.spill()?;
        self.sync()
    }

    fn spill(&mut self) -> Result<(), LogError> {
        if self.health == Health::Failed {
            return Err(LogError::Failed { path: self.path.clone() });
        }
        let mut staged = self.staging.lock();
        if staged.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.file.append(&staged) {
            let error = LogError::write("write", &self.path)(error);
            // Only a full disk leaves the file usable, and only if the part that was written can be taken back.
            if !error.is_disk_full() || self.file.cut(self.appended).is_err() {
                self.health = Health::Failed;
            }
            return Err(error);
        }
        self.appended += staged.len() as u64;
        staged.clear();
        Ok(())
    }
}

fn mcap_error(path: &Path) -> impl FnOnce(McapError) -> LogError {
    let path = path.to_owned();
    move |source| LogError::Mcap { path, source }
}

pub(crate) fn options(packing: Packing) -> WriteOptions {
    let compression = match packing {
        Packing::Plain => None,
        Packing::Lz4 => Some(Compression::Lz4),
        Packing::Zstd => Some(Compression::Zstd),
    };
    WriteOptions::new()
        .compression(compression)
        .compression_level(1)
        .compression_threads(0)
        .chunk_size(Some(CHUNK_BYTES))
        .disable_seeking(true)
        .profile("retake")
        .library(concat!("retake ", env!("CARGO_PKG_VERSION")))
}

fn metadata(common: &Common) -> Metadata {
    Metadata {
        name: METADATA.to_owned(),
        metadata: BTreeMap::from([
            ("session".to_owned(), format!("{:016x}", common.session)),
            ("robot".to_owned(), common.robot.to_string()),
            ("anchor_mono_nanos".to_owned(), common.anchor.mono_nanos.to_string()),
            ("anchor_wall_nanos".to_owned(), common.anchor.wall_nanos.to_string()),
        ]),
    }
}
