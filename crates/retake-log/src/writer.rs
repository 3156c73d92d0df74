//! A recording being written: segments, their manifest, and what is durable of them.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use retake_units::{MonoTime, WallTime};
use retake_wire::RobotId;

use crate::{
    Anchor, Disk, Entry, Extras, LogError, Manifest, Mark, Packing, SegmentEntry, State,
    anchor::utc_text,
    manifest::{FORMAT, segment_name},
    schema::Schemas,
    segment_writer::{Common, SegmentWriter},
};

/// Name of the file whose space is given back when the disk is full.
pub(crate) const RESERVE: &str = ".reserve";

/// When what was appended is made to survive a power cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// At each commit.
    #[default]
    EachCommit,
    /// When a segment is closed. Commits still reach the file, so that the end of the process loses nothing of them. For
    /// runs that are much faster than real time.
    EachSegment,
}

/// How a recording is written.
#[derive(Clone, Debug)]
pub struct WriterConfig {
    /// Directory that holds recordings; created if it is not there.
    pub dir: PathBuf,
    /// Name of the new recording in it.
    pub name: String,
    /// Robot it is recorded from.
    pub robot: RobotId,
    /// Random number of the session.
    pub session: u64,
    /// Maps the monotonic clock to the time of day.
    pub anchor: Anchor,
    /// A segment is closed at this size …
    pub segment_bytes: u64,
    /// … or after this time.
    pub segment_span: Duration,
    /// Space set aside for closing the last segment when the disk is full.
    pub reserve_bytes: u64,
    /// When appended messages become durable.
    pub durability: Durability,
    /// How chunks are compressed.
    pub packing: Packing,
    /// What the deployment tells about itself.
    pub extras: Extras,
}

impl WriterConfig {
    /// The usual: segments of 64 MiB or a minute, 16 MiB in reserve, durable at each commit.
    pub fn new(dir: PathBuf, name: String, robot: RobotId, session: u64, anchor: Anchor) -> Self {
        Self {
            dir,
            name,
            robot,
            session,
            anchor,
            segment_bytes: 64 << 20,
            segment_span: Duration::from_secs(60),
            reserve_bytes: 16 << 20,
            durability: Durability::default(),
            packing: Packing::default(),
            extras: Extras::default(),
        }
    }
}

/// How far a recording is durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Segment that is being written.
    pub segment: u32,
    /// Bytes of all segments together.
    pub bytes: u64,
    /// Messages among them.
    pub messages: u64,
    /// The last tick among them.
    pub mark: Option<Mark>,
}

/// Writes one recording.
#[derive(Debug)]
pub struct RecordingWriter {
    config: WriterConfig,
    path: PathBuf,
    disk: Box<dyn Disk>,
    /// Held as long as this lives, so that nobody repairs a recording that is still being written.
    _lock: File,
    schemas: Schemas,
    manifest: Manifest,
    segment: Option<SegmentWriter>,
    next: u32,
    closed_bytes: u64,
    appended: Option<Mark>,
    messages: u64,
    settled: (u64, Option<Mark>),
    durable: Position,
}

impl RecordingWriter {
    /// Creates the recording's directory, manifest and reserve. Segments follow with the first messages.
    ///
    /// # Errors
    /// If the name is taken, or the disk refuses.
    pub fn create(config: WriterConfig, mut disk: Box<dyn Disk>) -> Result<Self, LogError> {
        let path = config.dir.join(&config.name);
        create_dirs(&config.dir, &mut *disk)?;
        fs::create_dir(&path).map_err(|error| {
            if error.kind() == io::ErrorKind::AlreadyExists {
                LogError::Exists { path: path.clone() }
            } else {
                LogError::write("create", &path)(error)
            }
        })?;
        let lock = lock(&path)?;
        let reserve = path.join(RESERVE);
        disk.reserve(&reserve, config.reserve_bytes)
            .map_err(LogError::write("reserve space in", &reserve))?;
        let manifest = Manifest {
            format: FORMAT,
            retake: env!("CARGO_PKG_VERSION").to_owned(),
            session: format!("{:016x}", config.session),
            robot: config.robot.to_string(),
            started: utc_text(WallTime::from_nanos(config.anchor.wall_nanos)),
            anchor: config.anchor,
            extras: config.extras.clone(),
            state: State::Recording,
            segments: Vec::new(),
        };
        manifest.write(&path, &mut *disk)?;
        disk.sync_dir(&config.dir).map_err(LogError::write("sync", &config.dir))?;
        Ok(Self {
            config,
            path,
            disk,
            _lock: lock,
            schemas: Schemas::new()?,
            manifest,
            segment: None,
            next: 0,
            closed_bytes: 0,
            appended: None,
            messages: 0,
            settled: (0, None),
            durable: Position::default(),
        })
    }

    /// The recording's directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is durable.
    pub const fn durable(&self) -> Position {
        self.durable
    }

    /// Bytes that the disk still has room for, if it tells.
    pub fn disk_free(&self) -> Option<u64> {
        self.disk.free_bytes(&self.path)
    }

    /// Adds a message to the current chunk, opening a segment if there is none.
    ///
    /// # Errors
    /// If a segment is needed and cannot be created.
    pub fn append(&mut self, entry: &Entry) -> Result<(), LogError> {
        let segment = match &mut self.segment {
            Some(segment) => segment,
            None => open(&mut self.segment, self.next, &self.path, &self.config, &mut *self.disk, entry.at)?,
        };
        segment.append(entry, &self.schemas)?;
        self.messages += 1;
        self.appended = entry.mark.or(self.appended);
        Ok(())
    }

    /// Makes everything appended so far durable, as [`Durability`] says, and closes the segment if it is time.
    ///
    /// # Errors
    /// If the disk refuses. After [`LogError::DiskFull`] the segment can still be closed; after anything else it is
    /// given up, and only [`Self::abandon_segment`] leads on.
    pub fn commit(&mut self, now: MonoTime) -> Result<Position, LogError> {
        let Some(segment) = &mut self.segment else { return Ok(self.durable) };
        match self.config.durability {
            Durability::EachCommit => {
                segment.commit()?;
                self.confirm();
            }
            Durability::EachSegment => segment.flush()?,
        }
        self.settle();
        let due = self.segment.as_ref().is_some_and(|segment| {
            segment.bytes() >= self.config.segment_bytes
                || now.since(segment.began()) >= self.config.segment_span
        });
        if due {
            self.close_segment()?;
        }
        Ok(self.durable)
    }

    /// Messages that are in their files as [`Durability`] says, and need not be appended again if a file fails.
    pub const fn settled_messages(&self) -> u64 {
        self.settled.0
    }

    /// Leaves the current segment without footer, for recovery to repair. What came after the first
    /// [`Self::settled_messages`] is not in it and must be appended again.
    ///
    /// # Errors
    /// If the manifest cannot be written.
    pub fn abandon_segment(&mut self) -> Result<(), LogError> {
        if let Some(segment) = self.segment.take() {
            let messages = segment.messages().saturating_sub(self.messages - self.settled.0);
            let bytes = segment.abandon();
            self.closed_bytes += bytes;
            self.list(bytes, messages, false);
        }
        (self.messages, self.appended) = self.settled;
        self.manifest.write(&self.path, &mut *self.disk)
    }

    /// Gives the reserved space back to the disk, so that [`Self::close`] can succeed on a full one.
    pub fn release_reserve(&mut self) {
        // If this fails there is simply no room: closing then says so.
        let _ = fs::remove_file(self.path.join(RESERVE));
    }

    /// Closes segment and manifest. The recording is complete.
    ///
    /// # Errors
    /// If the disk refuses; recovery then completes what is there.
    pub fn close(&mut self) -> Result<Position, LogError> {
        self.release_reserve();
        self.close_segment()?;
        let complete = self.manifest.segments.iter().all(|segment| segment.complete);
        self.manifest.state = if complete { State::Closed } else { State::Recording };
        self.manifest.write(&self.path, &mut *self.disk)?;
        Ok(self.durable)
    }

    fn close_segment(&mut self) -> Result<(), LogError> {
        let Some(segment) = &mut self.segment else { return Ok(()) };
        segment.finish()?;
        self.settle();
        self.confirm();
        if let Some(segment) = self.segment.take() {
            self.closed_bytes += segment.bytes();
            self.list(segment.bytes(), segment.messages(), true);
        }
        self.manifest.write(&self.path, &mut *self.disk)
    }

    fn list(&mut self, bytes: u64, messages: u64, complete: bool) {
        let file = segment_name(self.next);
        self.manifest.segments.push(SegmentEntry { file, bytes, messages, complete, cut_bytes: 0 });
        self.next += 1;
    }

    fn settle(&mut self) {
        if let Some(segment) = &mut self.segment {
            segment.settle();
        }
        self.settled = (self.messages, self.appended);
    }

    fn confirm(&mut self) {
        let bytes = self.segment.as_ref().map_or(0, SegmentWriter::bytes);
        self.durable = Position {
            segment: self.next,
            bytes: self.closed_bytes + bytes,
            messages: self.messages,
            mark: self.appended,
        };
    }
}

/// Creates a directory, with those above it, and makes the names of all that are new durable: otherwise a power cut could
/// take everything in them.
fn create_dirs(dir: &Path, disk: &mut dyn Disk) -> Result<(), LogError> {
    let is_new = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
    let new: Vec<&Path> = dir.ancestors().take_while(is_new).collect();
    fs::create_dir_all(dir).map_err(LogError::write("create", dir))?;
    for dir in new {
        let above = dir.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        disk.sync_dir(above).map_err(LogError::write("sync", above))?;
    }
    Ok(())
}

/// Fills an empty slot with a new segment.
fn open<'a>(
    slot: &'a mut Option<SegmentWriter>,
    index: u32,
    path: &Path,
    config: &WriterConfig,
    disk: &mut dyn Disk,
    began: MonoTime,
) -> Result<&'a mut SegmentWriter, LogError> {
    let common = Common {
        robot: config.robot.clone(),
        session: config.session,
        anchor: config.anchor,
        packing: config.packing,
    };
    Ok(slot.insert(SegmentWriter::create(path.join(segment_name(index)), common, began, disk)?))
}

/// Takes the lock of the recording in `path`.
pub(crate) fn lock(path: &Path) -> Result<File, LogError> {
    let dir = File::open(path).map_err(LogError::io("open", path))?;
    match dir.try_lock() {
        Ok(()) => Ok(dir),
        Err(fs::TryLockError::WouldBlock) => Err(LogError::InUse { path: path.to_owned() }),
        Err(fs::TryLockError::Error(error)) => Err(LogError::io("lock", path)(error)),
    }
}
