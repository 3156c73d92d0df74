//! A recording being written: segments, their manifest, and what is durable of them.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io, mem,
    path::{Path, PathBuf},
};

use retake_units::{MonoTime, WallTime};

use crate::{
    Disk, Durability, Entry, LogError, Manifest, Mark, SegmentEntry, State, WriterConfig,
    anchor::utc_text,
    disk::create_dirs,
    manifest::{FORMAT, segment_name},
    schema::Schemas,
    segment_writer::{Common, Extent, SegmentWriter},
};

/// Name of the file whose space is given back when the disk is full.
pub(crate) const RESERVE: &str = ".reserve";

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

/// What is in the files: of the recording, and of the segment that its position names.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    position: Position,
    of_segment: Extent,
}

/// A segment with its footer, whose last sync is under way.
#[derive(Debug)]
struct Closing {
    segment: SegmentWriter,
    kept: Kept,
    /// It is done when the disk has done so many syncs.
    syncs: u64,
}

/// Writes one recording.
///
/// On a [`Disk`] that returns from syncs before they are done, nothing waits for them: what is appended meanwhile reaches the file,
/// and [`Self::poll`] tells how far it is durable. One sync of the messages is under way at a time.
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
    closing: Option<Closing>,
    next: u32,
    closed_bytes: u64,
    appended: Option<Mark>,
    messages: u64,
    /// What has reached the files.
    flushed: Kept,
    /// Some of that has not been part of any sync.
    owed: bool,
    /// What is durable when the disk has done so many syncs.
    pending: VecDeque<(u64, Kept)>,
    /// A sync failed, and those after it were not tried.
    untried: bool,
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
        disk.wait()?;
        Ok(Self {
            config,
            path,
            disk,
            _lock: lock,
            schemas: Schemas::new()?,
            manifest,
            segment: None,
            closing: None,
            next: 0,
            closed_bytes: 0,
            appended: None,
            messages: 0,
            flushed: Kept::default(),
            owed: false,
            pending: VecDeque::new(),
            untried: false,
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
            None => {
                self.segment.insert(open((&self.path, self.next), &self.config, &mut *self.disk, entry.at)?)
            }
        };
        self.next = segment.number() + 1;
        segment.append(entry, &self.schemas)?;
        self.messages += 1;
        self.appended = entry.mark.or(self.appended);
        Ok(())
    }

    /// Brings everything appended so far into its file, begins to make it durable, as [`Durability`] says, and closes the segment if
    /// it is time. Returns what is durable.
    ///
    /// # Errors
    /// If the disk refuses, or refused something that was begun before. After [`LogError::DiskFull`] the segment can still be closed;
    /// after anything else it is given up, and only [`Self::abandon_segment`] leads on.
    pub fn commit(&mut self, now: MonoTime) -> Result<Position, LogError> {
        let Some(segment) = &mut self.segment else { return self.poll() };
        segment.flush()?;
        let due = segment.extent().bytes >= self.config.segment_bytes
            || now.since(segment.began()) >= self.config.segment_span;
        self.flushed = self.kept();
        match self.config.durability {
            Durability::EachCommit => self.owed = true,
            Durability::EachSegment => self.settle(self.flushed),
        }
        self.poll()?;
        if due {
            self.close_segment()?;
        }
        Ok(self.durable)
    }

    /// Learns how far the disk is with what it was asked for. Returns what is durable.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn poll(&mut self) -> Result<Position, LogError> {
        let done = self.disk.synced();
        self.learn(done)?;
        if mem::take(&mut self.owed) {
            if self.pending.is_empty() {
                self.sync()?;
                let done = self.disk.synced();
                self.learn(done)?;
            } else {
                self.owed = true;
            }
        }
        Ok(self.durable)
    }

    /// As [`Self::poll`], when all that was committed is durable.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub fn wait(&mut self) -> Result<Position, LogError> {
        loop {
            let done = self.disk.wait();
            let done = self.learn(done)?;
            if mem::take(&mut self.owed) {
                self.sync()?;
            } else if self.disk.begun() <= done {
                return Ok(self.durable);
            }
        }
    }

    /// Messages that are in their files as [`Durability`] says, and need not be appended again if a file fails.
    pub const fn settled_messages(&self) -> u64 {
        self.settled.0
    }

    /// Leaves the segments that are not known to be kept without footer, for recovery to repair. What came after the first
    /// [`Self::settled_messages`] is not in them and must be appended again.
    ///
    /// # Errors
    /// If the manifest cannot be written.
    pub fn abandon_segment(&mut self) -> Result<(), LogError> {
        // What was begun before may still succeed; if not, that is no news.
        let done = self.disk.wait();
        let _ = self.learn(done);
        self.pending.clear();
        (self.owed, self.untried) = (false, false);
        let closing = self.closing.take().map(|closing| closing.segment);
        self.closed_bytes -= closing.as_ref().map_or(0, |segment| segment.extent().bytes);
        for segment in closing.into_iter().chain(self.segment.take()) {
            let number = segment.number();
            let left = segment.abandon();
            self.closed_bytes += left.bytes;
            self.list(number, left, false);
        }
        (self.messages, self.appended) = self.settled;
        self.manifest.write(&self.path, &mut *self.disk)
    }

    /// Gives the reserved space back to the disk, so that [`Self::close`] can succeed on a full one.
    pub fn release_reserve(&mut self) {
        // If this fails there is simply no room: closing then says so.
        let _ = fs::remove_file(self.path.join(RESERVE));
    }

    /// Closes segment and manifest, and waits for the disk. The recording is complete.
    ///
    /// # Errors
    /// If the disk refuses; recovery then completes what is there.
    pub fn close(&mut self) -> Result<Position, LogError> {
        self.release_reserve();
        self.begin_again()?;
        self.close_segment()?;
        self.wait()?;
        let complete = self.manifest.segments.iter().all(|segment| segment.complete);
        self.manifest.state = if complete { State::Closed } else { State::Recording };
        self.manifest.write(&self.path, &mut *self.disk)?;
        self.wait()
    }

    fn close_segment(&mut self) -> Result<(), LogError> {
        if self.segment.is_some() && self.closing.is_some() {
            self.wait()?;
        }
        let Some(segment) = &mut self.segment else { return Ok(()) };
        segment.finish()?;
        let (kept, syncs) = (self.kept(), self.disk.begun());
        self.closed_bytes += kept.of_segment.bytes;
        (self.flushed, self.owed) = (kept, false);
        self.pending.push_back((syncs, kept));
        self.closing = self.segment.take().map(|segment| Closing { segment, kept, syncs });
        self.poll().map(|_| ())
    }

    /// Begins again what was not tried because the disk was full when something before it was.
    fn begin_again(&mut self) -> Result<(), LogError> {
        if !mem::take(&mut self.untried) {
            return Ok(());
        }
        self.disk.sync_dir(&self.path).map_err(LogError::write("sync", &self.path))?;
        if let Some(closing) = &mut self.closing {
            closing.segment.sync()?;
            closing.syncs = self.disk.begun();
            self.pending.push_back((closing.syncs, closing.kept));
        }
        Ok(())
    }

    /// Begins a sync of what has reached the segment's file.
    fn sync(&mut self) -> Result<(), LogError> {
        if let Some(segment) = &mut self.segment {
            segment.sync()?;
            self.pending.push_back((self.disk.begun(), self.flushed));
        }
        Ok(())
    }

    /// Takes in how many syncs are done.
    fn learn(&mut self, done: Result<u64, LogError>) -> Result<u64, LogError> {
        let done = done.inspect_err(|_| {
            self.pending.clear();
            self.untried = true;
        })?;
        while let Some((_, kept)) = self.pending.front().copied().filter(|(syncs, _)| *syncs <= done) {
            self.pending.pop_front();
            self.settle(kept);
            self.durable = kept.position;
        }
        if !self.untried
            && let Some(closed) = self.closing.take_if(|closing| closing.syncs <= done)
        {
            self.list(closed.segment.number(), closed.kept.of_segment, true);
            self.manifest.write(&self.path, &mut *self.disk)?;
        }
        Ok(done)
    }

    fn list(&mut self, number: u32, extent: Extent, complete: bool) {
        let (file, Extent { bytes, messages }) = (segment_name(number), extent);
        self.manifest.segments.push(SegmentEntry { file, bytes, messages, complete, cut_bytes: 0 });
    }

    /// This counts as kept.
    fn settle(&mut self, kept: Kept) {
        let closing = self.closing.iter_mut().map(|closing| &mut closing.segment);
        let mut segments = closing.chain(&mut self.segment);
        if let Some(segment) = segments.find(|segment| segment.number() == kept.position.segment) {
            segment.settle(kept.of_segment);
        }
        self.settled = (kept.position.messages, kept.position.mark);
    }

    /// What there is, when the segment's chunk has just reached its file.
    fn kept(&self) -> Kept {
        let Some(segment) = &self.segment else { return self.flushed };
        let of_segment = segment.extent();
        let position = Position {
            segment: segment.number(),
            bytes: self.closed_bytes + of_segment.bytes,
            messages: self.messages,
            mark: self.appended,
        };
        Kept { position, of_segment }
    }
}

/// The segment of this number in the recording's directory.
fn open(
    at: (&Path, u32),
    config: &WriterConfig,
    disk: &mut dyn Disk,
    began: MonoTime,
) -> Result<SegmentWriter, LogError> {
    let common = Common {
        robot: config.robot.clone(),
        session: config.session,
        anchor: config.anchor,
        packing: config.packing,
    };
    SegmentWriter::create(at, common, began, disk)
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
