//! One recording from its first message to its close, and what happens when the disk fails on the way.

use std::{collections::VecDeque, mem};

use retake_log::{Entry, LogError, Position, RecordingWriter};
use retake_units::MonoTime;
use retake_wire::{Message, pb::Watermark};

use crate::{RecorderConfig, RecorderReport, announce};

/// A commit is made early when this much waits for it.
const MAX_UNCOMMITTED_BYTES: usize = 8 << 20;
/// Appending waits for the disk when this much is not durable.
const MAX_UNSAFE_BYTES: usize = 64 << 20;
/// No report keeps more errors.
const MAX_ERRORS: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Recording,
    /// For good, and why.
    Stopped(String),
}

/// Whether camera frames and messages were lost before they came here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    pub(crate) frames: u64,
    pub(crate) messages: u64,
}

/// The part that both kinds of recorder share.
#[derive(Debug)]
pub(crate) struct Session {
    writer: RecordingWriter,
    config: RecorderConfig,
    phase: Phase,
    /// Everything that is not durable yet, to be written again if the file it went to is given up.
    uncommitted: VecDeque<Entry>,
    uncommitted_bytes: usize,
    /// Bytes of them since the last commit.
    fresh_bytes: usize,
    /// How many of them the writer has taken.
    handed: usize,
    /// Messages that the writer had settled when they were last taken from `uncommitted`.
    settled: u64,
    /// The last watermark, to go before the next message.
    to_record: Option<Watermark>,
    last_commit: Option<MonoTime>,
    fresh_segments: u32,
    upstream: Losses,
    unrecorded: u64,
    errors: Vec<String>,
    announcements: Vec<Message>,
}

impl Session {
    pub(crate) fn new(writer: RecordingWriter, config: RecorderConfig) -> Self {
        Self {
            writer,
            config,
            phase: Phase::Recording,
            uncommitted: VecDeque::new(),
            uncommitted_bytes: 0,
            fresh_bytes: 0,
            handed: 0,
            settled: 0,
            to_record: None,
            last_commit: None,
            fresh_segments: 0,
            upstream: Losses::default(),
            unrecorded: 0,
            errors: Vec::new(),
            announcements: Vec::new(),
        }
    }

    /// What everyone should hear, oldest first.
    pub(crate) fn take_announcements(&mut self) -> Vec<Message> {
        mem::take(&mut self.announcements)
    }

    /// Losses in the queue before this, as they stand.
    pub(crate) const fn set_losses(&mut self, losses: Losses) {
        self.upstream = losses;
    }

    pub(crate) fn append(&mut self, entry: Entry) {
        if self.phase != Phase::Recording {
            self.unrecorded += 1;
            return;
        }
        let at = entry.at;
        let mark = self.to_record.take().map(|mark| Entry::new(&Message::from(mark), at));
        for entry in mark.into_iter().chain([entry]) {
            self.uncommitted_bytes += entry.bytes.len();
            self.fresh_bytes += entry.bytes.len();
            self.uncommitted.push_back(entry);
        }
        self.last_commit.get_or_insert(at);
        if let Err(error) = self.hand_over() {
            self.fail(error, at);
        } else if self.fresh_bytes >= MAX_UNCOMMITTED_BYTES {
            self.commit(at);
            if self.uncommitted_bytes >= MAX_UNSAFE_BYTES {
                self.learn(RecordingWriter::wait, at);
            }
        } else {
            self.commit_if_due(at);
        }
    }

    fn hand_over(&mut self) -> Result<(), LogError> {
        while let Some(entry) = self.uncommitted.get(self.handed) {
            self.writer.append(entry)?;
            self.handed += 1;
        }
        Ok(())
    }

    pub(crate) fn commit_if_due(&mut self, now: MonoTime) {
        if self.last_commit.is_none_or(|last| now.since(last) >= self.config.commit_period) {
            self.commit(now);
        }
    }

    /// Begins to make durable what came so far, and says what is.
    pub(crate) fn commit(&mut self, now: MonoTime) {
        self.last_commit = Some(now);
        self.fresh_bytes = 0;
        if self.phase != Phase::Recording || self.uncommitted.is_empty() {
            let watermark = self.watermark();
            self.announcements.push(watermark.into());
        } else {
            self.learn(|writer| writer.commit(now), now);
        }
    }

    /// Says what has become durable since it was last asked.
    pub(crate) fn poll(&mut self, now: MonoTime) {
        if self.phase == Phase::Recording && !self.uncommitted.is_empty() {
            self.learn(RecordingWriter::poll, now);
        }
    }

    fn learn(&mut self, ask: impl FnOnce(&mut RecordingWriter) -> Result<Position, LogError>, now: MonoTime) {
        match ask(&mut self.writer) {
            Ok(_) if self.settle() => {
                let watermark = self.watermark();
                self.to_record = Some(announce::for_the_record(&watermark));
                self.announcements.push(watermark.into());
            }
            Ok(_) => {}
            Err(error) => self.fail(error, now),
        }
    }

    /// Lets go of what is safe. Whether there was anything.
    fn settle(&mut self) -> bool {
        let safe = usize::try_from(self.writer.settled_messages() - self.settled).unwrap_or(usize::MAX);
        let safe = safe.min(self.uncommitted.len());
        for entry in self.uncommitted.drain(..safe) {
            self.uncommitted_bytes -= entry.bytes.len();
        }
        self.handed = self.handed.saturating_sub(safe);
        self.settled = self.writer.settled_messages();
        safe > 0
    }

    /// The disk refused. Nothing acknowledged is touched; the rest is saved if there is any way.
    fn fail(&mut self, error: LogError, now: MonoTime) {
        self.note(&error);
        let outcome =
            if error.is_disk_full() { self.close_on_full_disk() } else { self.go_on_in_fresh_segment(now) };
        match outcome {
            Ok(Onward::Recording) => {}
            Ok(Onward::Closed) => self.stop(error.to_string()),
            Err(second) => {
                self.note(&second);
                self.stop(format!("{error}; and then: {second}"));
            }
        }
        let watermark = self.watermark();
        self.announcements.push(watermark.into());
    }

    fn note(&mut self, error: &LogError) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error.to_string());
        }
        let mark = self.writer.durable().mark;
        self.announcements.push(announce::notice(announce::code(error), error.to_string(), mark));
    }

    /// The reserved space is enough for what waits, for the index and for the footer.
    fn close_on_full_disk(&mut self) -> Result<Onward, LogError> {
        self.writer.release_reserve();
        self.hand_over()?;
        self.writer.close()?;
        self.settle();
        Ok(Onward::Closed)
    }

    /// A file that failed is never written again. What was not acknowledged goes into a new one, once.
    fn go_on_in_fresh_segment(&mut self, now: MonoTime) -> Result<Onward, LogError> {
        if self.fresh_segments > 0 {
            return Ok(Onward::Closed);
        }
        self.fresh_segments += 1;
        self.writer.abandon_segment()?;
        // A commit may have succeeded and only the closing of the segment failed: then they are safe already.
        self.settle();
        self.handed = 0;
        self.hand_over()?;
        self.writer.commit(now)?;
        self.writer.wait()?;
        self.settle();
        let text = "recording goes on in a new segment; nothing was lost".to_owned();
        self.announcements.push(announce::notice("recorder_new_segment", text, self.writer.durable().mark));
        Ok(Onward::Recording)
    }

    fn stop(&mut self, why: String) {
        self.settle();
        self.unrecorded += self.uncommitted.len() as u64;
        self.uncommitted.clear();
        (self.uncommitted_bytes, self.handed) = (0, 0);
        let text = format!("recording has stopped, and nothing from here on is kept: {why}");
        self.announcements.push(announce::notice("recorder_stopped", text, self.writer.durable().mark));
        self.phase = Phase::Stopped(why);
    }

    fn watermark(&self) -> Watermark {
        let Position { segment, bytes, mark, .. } = self.writer.durable();
        let mark = mark.unwrap_or_default();
        let (recording, error) = match &self.phase {
            Phase::Recording => (true, String::new()),
            Phase::Stopped(why) => (false, why.clone()),
        };
        Watermark {
            episode: mark.episode,
            tick: mark.tick,
            bytes,
            segment,
            recording,
            error,
            camera_frames_dropped: self.upstream.frames,
            messages_lost: self.upstream.messages + self.unrecorded,
            disk_free_bytes: self.writer.disk_free().unwrap_or_default(),
            session: self.config.writer.session,
            path: self.writer.path().to_string_lossy().into_owned(),
        }
    }

    /// Commits and closes.
    pub(crate) fn finish(&mut self, now: MonoTime) -> RecorderReport {
        if self.phase == Phase::Recording {
            self.commit(now);
        }
        if self.phase == Phase::Recording {
            match self.writer.close() {
                Ok(_) => _ = self.settle(),
                Err(error) => {
                    self.note(&error);
                    self.stop(error.to_string());
                }
            }
        }
        let watermark = self.watermark();
        self.announcements.push(watermark.into());
        let durable = self.writer.durable();
        RecorderReport {
            path: self.writer.path().to_owned(),
            bytes: durable.bytes,
            messages: durable.messages,
            segments: if durable.bytes == 0 { 0 } else { durable.segment + 1 },
            mark: durable.mark,
            camera_frames_dropped: self.upstream.frames,
            messages_lost: self.upstream.messages + self.unrecorded,
            errors: self.errors.clone(),
            recovered: Vec::new(),
        }
    }
}

/// How it goes on after the disk refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Onward {
    Recording,
    Closed,
}
