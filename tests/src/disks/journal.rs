//! A disk in memory that remembers everything it was told, in order.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex},
};

use retake_log::{Disk, DiskFile};
use retake_node::{Node as _, Outbox};
use retake_recorder::Recorder;
use retake_wire::Message;

use super::{at, config, frame, tick};

/// What a disk was told, or what was said because of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A new file, by its name.
    Create(String),
    /// More bytes at the end of the newest file.
    Append(Vec<u8>),
    /// The newest file got shorter.
    Cut(u64),
    /// All of the newest file is durable now.
    Sync,
    /// All names are durable now.
    SyncDir,
    /// The manifest is this now, durably and in one step.
    Manifest(Vec<u8>),
    /// Everyone was told that this tick and all before it are safe.
    Acknowledged(u64),
}

/// What a disk was told.
#[derive(Clone, Debug, Default)]
pub struct Journal(Arc<Mutex<Vec<Op>>>);

impl Journal {
    /// Records ticks and frames in `dir/name` until the segments have `bytes` together.
    #[must_use]
    pub fn of_recording(dir: &Path, name: &str, bytes: usize) -> Vec<Op> {
        let journal = Self::default();
        let mut config = config(dir, name);
        config.writer.segment_bytes = (bytes / 16).max(4_096) as u64;
        let mut recorder = Recorder::inline_on(config, Box::new(JournalDisk(journal.clone()))).unwrap();
        let mut out = Outbox::default();
        let mut number = 0;
        while journal.bytes() < bytes {
            number += 1;
            recorder.receive(at(number), &tick(number), &mut out);
            if number % 4 == 0 {
                recorder.receive(at(number), &frame(number, 600), &mut out);
            }
            recorder.wake(at(number), &mut out);
            journal.hear(&mut out);
        }
        recorder.finish(at(number + 1), &mut out);
        journal.hear(&mut out);
        journal.0.lock().unwrap().clone()
    }

    fn note(&self, op: Op) {
        self.0.lock().unwrap().push(op);
    }

    fn hear(&self, out: &mut Outbox) {
        for message in out.drain() {
            if let Message::Watermark(watermark) = message {
                self.note(Op::Acknowledged(watermark.tick));
            }
        }
    }

    fn bytes(&self) -> usize {
        let ops = self.0.lock().unwrap();
        ops.iter().map(|op| if let Op::Append(bytes) = op { bytes.len() } else { 0 }).sum()
    }
}

/// Writes into a journal.
#[derive(Clone, Debug)]
pub struct JournalDisk(pub Journal);

impl Disk for JournalDisk {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.0.note(Op::Create(path.file_name().unwrap().to_string_lossy().into_owned()));
        Ok(Box::new(JournalFile(self.0.clone())))
    }

    fn sync_dir(&mut self, _: &Path) -> io::Result<()> {
        self.0.note(Op::SyncDir);
        Ok(())
    }

    fn replace(&mut self, _: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.note(Op::Manifest(bytes.to_vec()));
        Ok(())
    }

    fn reserve(&mut self, _: &Path, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn free_bytes(&self, _: &Path) -> Option<u64> {
        None
    }

    fn second(&self) -> Box<dyn Disk> {
        Box::new(self.clone())
    }
}

#[derive(Debug)]
struct JournalFile(Journal);

impl DiskFile for JournalFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.note(Op::Append(bytes.to_vec()));
        Ok(())
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.0.note(Op::Cut(len));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.note(Op::Sync);
        Ok(())
    }

    fn second(&self) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Self(self.0.clone())))
    }
}
