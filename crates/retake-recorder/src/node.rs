//! The node: what it hears, what it says, when it wakes.

use std::path::PathBuf;

use retake_log::{DeferredDisk, Disk, Entry, Found, LocalDisk, RecordingWriter, recover_all};
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{MAX_MESSAGE_BYTES, Message, Topic, pb::Watermark};

use crate::{
    RecorderConfig, RecorderError, ReportHandle, announce,
    gaps::Gaps,
    session::{Losses, Session},
    thread::WriterThread,
};

/// Everything but what the recorder itself says about the recording.
const HEARD: &[Topic] = &[
    Topic::Descriptor,
    Topic::Observation,
    Topic::Applied,
    Topic::Command,
    Topic::Reset,
    Topic::Camera,
    Topic::SimState,
    Topic::Proposal,
    Topic::PolicyInfo,
    Topic::Help,
    Topic::Input,
    Topic::Beacon,
    Topic::Status,
    Topic::Tick,
    Topic::Segment,
    Topic::Episode,
    Topic::Branch,
    Topic::ArbiterInfo,
    Topic::Schedule,
    Topic::Notice,
];

#[derive(Debug)]
enum Side {
    /// Writes in the caller's thread.
    Inline(Box<Session>),
    Threaded(WriterThread),
}

/// The recorder node.
#[derive(Debug)]
pub struct Recorder {
    config: RecorderConfig,
    side: Side,
    report: ReportHandle,
    recovered: Vec<PathBuf>,
    next: MonoTime,
    gaps: Gaps,
    losses: Losses,
    told: Losses,
    early: Vec<Message>,
    ended: bool,
}

impl Recorder {
    /// A recorder with a thread of its own, for real time. Repairs what earlier runs left cut off in the directory.
    ///
    /// # Errors
    /// If the recording cannot be created.
    pub fn threaded(config: RecorderConfig) -> Result<Self, RecorderError> {
        Self::threaded_on(config, Box::new(LocalDisk))
    }

    /// As [`Self::threaded`], on another disk. A second thread waits for its syncs, so that what comes meanwhile is in the file, too.
    ///
    /// # Errors
    /// If the recording cannot be created.
    pub fn threaded_on(config: RecorderConfig, disk: Box<dyn Disk>) -> Result<Self, RecorderError> {
        let disk = Box::new(DeferredDisk::new(disk).map_err(RecorderError::Thread)?);
        let (session, found) = begin(&config, disk)?;
        let report = ReportHandle::default();
        let side = Side::Threaded(WriterThread::start(session, &config, report.clone(), recovered(&found))?);
        Ok(Self::new(config, side, report, &found))
    }

    /// A recorder that writes in the caller's thread and commits by the messages' time, for lockstep runs.
    ///
    /// # Errors
    /// If the recording cannot be created.
    pub fn inline(config: RecorderConfig) -> Result<Self, RecorderError> {
        Self::inline_on(config, Box::new(LocalDisk))
    }

    /// As [`Self::inline`], on another disk.
    ///
    /// # Errors
    /// If the recording cannot be created.
    pub fn inline_on(config: RecorderConfig, disk: Box<dyn Disk>) -> Result<Self, RecorderError> {
        let (session, found) = begin(&config, disk)?;
        Ok(Self::new(config, Side::Inline(Box::new(session)), ReportHandle::default(), &found))
    }

    fn new(config: RecorderConfig, side: Side, report: ReportHandle, found: &Found) -> Self {
        Self {
            config,
            side,
            report,
            recovered: recovered(found),
            next: MonoTime::ZERO,
            gaps: Gaps::default(),
            losses: Losses::default(),
            told: Losses::default(),
            early: tell(found),
            ended: false,
        }
    }

    /// The recording's directory.
    pub fn path(&self) -> PathBuf {
        self.config.writer.dir.join(&self.config.writer.name)
    }

    /// Where the report appears when the recorder has finished.
    pub fn report(&self) -> ReportHandle {
        self.report.clone()
    }

    /// False if there is no room for it.
    fn offer(&mut self, entry: Entry) -> bool {
        match &mut self.side {
            Side::Inline(session) => {
                session.set_losses(self.losses);
                session.append(entry);
                true
            }
            Side::Threaded(thread) => thread.append(entry, self.losses),
        }
    }

    fn push(&mut self, entry: Entry) {
        let (topic, instance, at) = (entry.topic, entry.instance.clone(), entry.at);
        // What no reader would accept is not written.
        if entry.bytes.len() > MAX_MESSAGE_BYTES || !self.offer(entry) {
            self.lose(topic, &instance, at);
        }
    }

    fn lose(&mut self, topic: Topic, instance: &str, at: MonoTime) {
        let lost = if topic == Topic::Camera { &mut self.losses.frames } else { &mut self.losses.messages };
        *lost += 1;
        self.gaps.add(&topic.key(&self.config.writer.robot, instance), 1, at);
    }

    /// Tells everyone, and the recording itself, what is missing from it. A gap that finds no room waits for the next time.
    fn tell_gaps(&mut self, now: MonoTime, out: &mut Outbox) {
        for gap in self.gaps.take() {
            if self.offer(Entry::new(&Message::from(gap.clone()), now)) {
                out.publish(gap);
            } else {
                self.gaps.restore(gap);
            }
        }
        self.tell_losses(out);
    }

    fn tell_losses(&mut self, out: &mut Outbox) {
        if self.losses.messages > self.told.messages {
            let lost = self.losses.messages - self.told.messages;
            let text = format!(
                "{lost} messages are missing from the recording: they came faster than they can be written"
            );
            out.publish(announce::notice("recorder_messages_lost", text, None));
        }
        self.told = self.losses;
    }

    /// The thread died; everyone must know that nothing is recorded any more.
    fn tell_end(&mut self, out: &mut Outbox) {
        self.ended = true;
        let error = "recording has stopped, because its thread is gone".to_owned();
        out.publish(announce::notice("recorder_stopped", error.clone(), None));
        let path = self.path().to_string_lossy().into_owned();
        out.publish(Watermark { error, path, session: self.config.writer.session, ..Watermark::default() });
    }

    fn say(&mut self, out: &mut Outbox) {
        self.early.drain(..).for_each(|message| out.publish(message));
        match &mut self.side {
            Side::Inline(session) => {
                session.take_announcements().into_iter().for_each(|message| out.publish(message));
            }
            Side::Threaded(thread) => {
                while let Some(message) = thread.announcement() {
                    out.publish(message);
                }
            }
        }
    }
}

fn begin(config: &RecorderConfig, disk: Box<dyn Disk>) -> Result<(Session, Found), RecorderError> {
    let found = recover_all(&config.writer.dir)?;
    let writer = RecordingWriter::create(config.writer.clone(), disk)?;
    Ok((Session::new(writer, config.clone()), found))
}

fn recovered(found: &Found) -> Vec<PathBuf> {
    found.recovered.iter().map(|recovery| recovery.path.clone()).collect()
}

fn tell(found: &Found) -> Vec<Message> {
    let repaired = found.recovered.iter().map(|recovery| {
        let text = format!("{} had been cut off and was repaired", recovery.path.display());
        announce::notice("recorder_recovered", text, None)
    });
    let failed = found.failed.iter().map(|(path, error)| {
        let text = format!("{} was cut off and cannot be repaired: {error}", path.display());
        announce::notice("recorder_recovery_failed", text, None)
    });
    repaired.chain(failed).collect()
}

impl Node for Recorder {
    fn name(&self) -> &str {
        "recorder"
    }

    fn subscriptions(&self) -> &[Topic] {
        HEARD
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Watermark, Topic::Gap, Topic::Notice]
    }

    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        if self.ended {
            return;
        }
        self.push(Entry::new(message, now));
        if let Side::Inline(_) = self.side {
            self.say(out);
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        // So a commit is never later than four thirds of the period after the last.
        self.next = now + self.config.commit_period / 3;
        self.tell_gaps(now, out);
        let alive = match &mut self.side {
            Side::Inline(session) => {
                session.commit_if_due(now);
                true
            }
            Side::Threaded(thread) => thread.tell_time(now, self.losses),
        };
        self.say(out);
        if !alive && !self.ended {
            self.tell_end(out);
        }
    }

    fn next_wake(&self) -> Option<MonoTime> {
        (!self.ended).then_some(self.next)
    }

    fn dropped(&mut self, now: MonoTime, count: u64) {
        self.losses.messages = self.losses.messages.saturating_add(count);
        // Which topics they were on is not known.
        self.gaps.add("", count, now);
    }

    /// What arrives after this is not recorded: the recorder should be the last node to be finished.
    fn finish(&mut self, now: MonoTime, out: &mut Outbox) {
        if self.ended {
            return;
        }
        let gaps = self.gaps.take();
        let last_words = gaps.iter().map(|gap| Entry::new(&Message::from(gap.clone()), now)).collect();
        gaps.into_iter().for_each(|gap| out.publish(gap));
        self.tell_losses(out);
        match &mut self.side {
            Side::Inline(session) => {
                Vec::into_iter(last_words).for_each(|entry| session.append(entry));
                let mut report = session.finish(now);
                report.recovered.clone_from(&self.recovered);
                self.report.put(report);
            }
            Side::Threaded(thread) => thread.finish(now, self.losses, last_words),
        }
        self.ended = true;
        self.say(out);
    }
}
