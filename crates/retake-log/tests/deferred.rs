//! While a disk takes its time over a sync, what is appended reaches the file, and nothing is called durable before it is.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Condvar, Mutex},
};

use retake_log::{
    Anchor, DeferredDisk, Disk, DiskFile, Entry, LocalDisk, Manifest, RecordingWriter, State, WriterConfig,
};
use retake_units::{MonoTime, WallTime};
use retake_wire::{Message, pb::TickRecord};

/// How many syncs of files may still return, and how many were asked for; after those that may, one fails if it is to.
#[derive(Debug, Default)]
struct Turnstile {
    open: Mutex<(u64, u64, bool)>,
    changed: Condvar,
}

impl Turnstile {
    fn let_through(&self, more: u64) {
        let mut open = self.open.lock().unwrap();
        open.0 = open.0.saturating_add(more);
        drop(open);
        self.changed.notify_all();
    }

    fn fail_next(&self) {
        self.open.lock().unwrap().2 = true;
        self.changed.notify_all();
    }

    fn wait_for_asked(&self, count: u64) {
        drop(self.changed.wait_while(self.open.lock().unwrap(), |(_, asked, _)| *asked < count).unwrap());
    }

    fn pass(&self) -> io::Result<()> {
        let mut open = self.open.lock().unwrap();
        open.1 += 1;
        self.changed.notify_all();
        open = self.changed.wait_while(open, |(left, _, fails)| *left == 0 && !*fails).unwrap();
        if open.0 == 0 {
            open.2 = false;
            return Err(io::Error::other("injected"));
        }
        open.0 -= 1;
        Ok(())
    }
}

/// The test's hold on it. If the test fails, nobody waits there for ever.
struct Hold(Arc<Turnstile>);

impl std::ops::Deref for Hold {
    type Target = Turnstile;
    fn deref(&self) -> &Turnstile {
        &self.0
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.let_through(u64::MAX >> 1);
    }
}

/// The local disk, whose syncs of files wait at a turnstile.
#[derive(Clone, Debug)]
struct SlowDisk(Arc<Turnstile>);

#[derive(Debug)]
struct SlowFile(Box<dyn DiskFile>, Arc<Turnstile>);

impl Disk for SlowDisk {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(SlowFile(LocalDisk.create(path)?, Arc::clone(&self.0))))
    }
    fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        LocalDisk.sync_dir(path)
    }
    fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        assert!(!path.ends_with("breaks"), "a defect, for a test");
        LocalDisk.replace(path, bytes)
    }
    fn reserve(&mut self, path: &Path, bytes: u64) -> io::Result<()> {
        LocalDisk.reserve(path, bytes)
    }
    fn free_bytes(&self, path: &Path) -> Option<u64> {
        LocalDisk.free_bytes(path)
    }
    fn second(&self) -> Box<dyn Disk> {
        Box::new(self.clone())
    }
}

impl DiskFile for SlowFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }
    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.0.cut(len)
    }
    fn sync(&mut self) -> io::Result<()> {
        self.1.pass()?;
        self.0.sync()
    }
    fn second(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Self(self.0.second()?, Arc::clone(&self.1))))
    }
}

fn at(tick: u64) -> MonoTime {
    MonoTime::from_nanos(tick * 20_000_000)
}

fn writer(dir: &Path, segment_bytes: u64) -> (RecordingWriter, Hold) {
    let turnstile = Arc::new(Turnstile::default());
    let anchor = Anchor::new(MonoTime::ZERO, WallTime::from_nanos(1));
    let config = WriterConfig {
        segment_bytes,
        ..WriterConfig::new(dir.to_owned(), "slow".to_owned(), "arm".parse().unwrap(), 7, anchor)
    };
    let disk = DeferredDisk::new(Box::new(SlowDisk(Arc::clone(&turnstile)))).unwrap();
    (RecordingWriter::create(config, Box::new(disk)).unwrap(), Hold(turnstile))
}

fn append(writer: &mut RecordingWriter, tick: u64) {
    let record = TickRecord { tick, episode: 1, ..TickRecord::default() };
    writer.append(&Entry::new(&Message::from(record), at(tick))).unwrap();
}

fn write(writer: &mut RecordingWriter, tick: u64) {
    append(writer, tick);
    writer.commit(at(tick)).unwrap();
}

fn durable(writer: &RecordingWriter) -> u64 {
    writer.durable().mark.unwrap_or_default().tick
}

/// Until the writer has heard that `tick` is durable.
fn poll_until(writer: &mut RecordingWriter, tick: u64) {
    while durable(writer) < tick {
        writer.poll().unwrap();
        std::thread::yield_now();
    }
}

#[test]
fn a_slow_sync_keeps_nothing_from_the_file_and_promises_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, turnstile) = writer(dir.path(), u64::MAX);
    let file = writer.path().join("segment-00000.mcap");
    write(&mut writer, 1);
    turnstile.wait_for_asked(1);
    let before = fs::metadata(&file).unwrap().len();
    for tick in 2..=5 {
        write(&mut writer, tick);
    }
    assert!(fs::metadata(&file).unwrap().len() > before, "what came meanwhile is in memory only");
    assert_eq!(durable(&writer), 0, "a sync that has not returned promises nothing");
    turnstile.let_through(1);
    poll_until(&mut writer, 1);
    assert_eq!(durable(&writer), 1, "the sync was begun before the others came");
    turnstile.let_through(1);
    poll_until(&mut writer, 5);
    turnstile.let_through(u64::MAX >> 1);
    assert_eq!(writer.close().unwrap().mark.unwrap().tick, 5);
}

#[test]
fn segments_follow_each_other_while_the_disk_is_slow() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, turnstile) = writer(dir.path(), 1);
    // The first segment is closed at its first commit, and its sync hangs; the second is begun nonetheless.
    write(&mut writer, 1);
    append(&mut writer, 2);
    turnstile.wait_for_asked(1);
    assert!(writer.path().join("segment-00001.mcap").exists());
    assert_eq!(durable(&writer), 0);
    turnstile.let_through(u64::MAX >> 1);
    writer.commit(at(2)).unwrap();
    assert_eq!(writer.close().unwrap().mark.unwrap().tick, 2);
    let manifest = fs::read(writer.path().join("recording.json")).unwrap();
    let manifest: Manifest = serde_json::from_slice(&manifest).unwrap();
    assert_eq!(manifest.state, State::Closed);
    let listed: Vec<_> = manifest.segments.iter().map(|entry| (entry.messages, entry.complete)).collect();
    assert_eq!(listed, [(1, true), (1, true)]);
}

#[test]
fn what_follows_a_failed_sync_is_not_called_durable() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, turnstile) = writer(dir.path(), u64::MAX);
    turnstile.let_through(1);
    write(&mut writer, 1);
    poll_until(&mut writer, 1);
    let kept = writer.durable().bytes;
    write(&mut writer, 2);
    turnstile.wait_for_asked(2);
    write(&mut writer, 3);
    turnstile.fail_next();
    let error = writer.wait().unwrap_err();
    assert!(error.to_string().contains("cannot sync"), "{error}");
    turnstile.let_through(u64::MAX >> 1);
    assert_eq!((durable(&writer), writer.settled_messages()), (1, 1));
    writer.abandon_segment().unwrap();
    assert_eq!(fs::metadata(writer.path().join("segment-00000.mcap")).unwrap().len(), kept);
    for tick in 2..=3 {
        append(&mut writer, tick);
    }
    writer.commit(at(3)).unwrap();
    writer.wait().unwrap();
    assert_eq!(durable(&writer), 3);
    assert!(writer.path().join("segment-00001.mcap").exists());
}

#[test]
fn a_defect_in_the_thread_that_syncs_is_told_and_nobody_waits_for_ever() {
    let mut disk = DeferredDisk::new(Box::new(SlowDisk(Arc::default()))).unwrap();
    for _ in 0..2 {
        disk.replace(Path::new("breaks"), b"").unwrap();
        let error = disk.wait().unwrap_err();
        assert!(error.to_string().contains("has died"), "{error}");
    }
}
