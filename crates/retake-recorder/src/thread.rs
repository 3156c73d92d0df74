//! The thread that touches the disk, and the two ends of the queue to it.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    thread::JoinHandle,
};

use retake_log::Entry;
use retake_units::MonoTime;
use retake_wire::{Message, Topic};

use crate::{
    RecorderConfig, RecorderError, RecorderReport, ReportHandle,
    queue::Allowances,
    session::{Losses, Session},
};

/// More announcements than ten seconds of commits make; older watermarks are worth nothing by then.
const ANNOUNCEMENTS: usize = 256;

enum Job {
    Append(Entry, Losses),
    /// Nothing new; commit if it is time.
    Time(MonoTime, Losses),
    Finish(MonoTime, Losses),
}

/// The node's end.
#[derive(Debug)]
pub(crate) struct WriterThread {
    jobs: Option<SyncSender<Job>>,
    announcements: Receiver<Message>,
    allowances: Allowances,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
    pub(crate) fn start(
        session: Session,
        config: &RecorderConfig,
        report: ReportHandle,
        recovered: Vec<std::path::PathBuf>,
    ) -> Result<Self, RecorderError> {
        let allowances = Allowances::new(config.limits);
        // Room for both lanes, and for a few words about time.
        let (jobs, work) = sync_channel(config.limits.messages + config.limits.frames + 16);
        let (say, announcements) = sync_channel(ANNOUNCEMENTS);
        let worker = Worker {
            session,
            work,
            say,
            unsaid: Vec::new(),
            allowances: allowances.clone(),
            last: MonoTime::ZERO,
            losses: Losses::default(),
            period: config.commit_period,
        };
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || report.put(RecorderReport { recovered, ..worker.run() }))
            .map_err(RecorderError::Thread)?;
        Ok(Self { jobs: Some(jobs), announcements, allowances, thread: Some(thread) })
    }

    /// False if there is no room: the entry is lost.
    pub(crate) fn append(&self, entry: Entry, losses: Losses) -> bool {
        let Some(jobs) = &self.jobs else { return false };
        if !self.allowances.take(&entry) {
            return false;
        }
        let (topic, bytes) = (entry.topic, entry.bytes.len());
        let sent = jobs.try_send(Job::Append(entry, losses)).is_ok();
        if !sent {
            self.allowances.give(topic, bytes);
        }
        sent
    }

    /// The thread is gone, and with it the recording.
    pub(crate) fn tell_time(&self, now: MonoTime, losses: Losses) -> bool {
        let Some(jobs) = &self.jobs else { return false };
        // A full queue needs no reminder.
        !matches!(jobs.try_send(Job::Time(now, losses)), Err(TrySendError::Disconnected(_)))
    }

    pub(crate) fn announcement(&self) -> Option<Message> {
        self.announcements.try_recv().ok()
    }

    /// Waits until everything is on disk. `last_words` may wait for room, as nothing comes after them.
    pub(crate) fn finish(&mut self, now: MonoTime, losses: Losses, last_words: Vec<Entry>) {
        if let Some(jobs) = self.jobs.take() {
            for entry in last_words {
                let _ = jobs.send(Job::Append(entry, losses));
            }
            let _ = jobs.send(Job::Finish(now, losses));
        }
        if let Some(thread) = self.thread.take() {
            // If it panicked there is no report, and the caller says so.
            let _ = thread.join();
        }
    }
}

impl Drop for WriterThread {
    /// Without `finish`, closing the queue makes the thread finish by itself.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread's end.
struct Worker {
    session: Session,
    work: Receiver<Job>,
    say: SyncSender<Message>,
    unsaid: Vec<Message>,
    allowances: Allowances,
    last: MonoTime,
    losses: Losses,
    period: std::time::Duration,
}

impl Worker {
    fn run(mut self) -> RecorderReport {
        let end = loop {
            match self.work.recv_timeout(self.period) {
                Ok(Job::Append(entry, losses)) => {
                    let (topic, bytes) = (entry.topic, entry.bytes.len());
                    self.advance(entry.at, losses);
                    self.session.append(entry);
                    self.allowances.give(topic, bytes);
                }
                Ok(Job::Time(now, losses)) => {
                    self.advance(now, losses);
                    self.session.commit_if_due(self.last);
                }
                Ok(Job::Finish(now, losses)) => {
                    self.advance(now, losses);
                    break self.last;
                }
                // The node says nothing any more, not even the time: what came must not wait for it.
                Err(RecvTimeoutError::Timeout) => self.session.commit(self.last),
                Err(RecvTimeoutError::Disconnected) => break self.last,
            }
            self.session.poll(self.last);
            self.announce();
        };
        let report = self.session.finish(end);
        self.announce();
        report
    }

    fn advance(&mut self, now: MonoTime, losses: Losses) {
        self.last = self.last.max(now);
        if losses != self.losses {
            self.losses = losses;
            self.session.set_losses(losses);
        }
    }

    /// Says what there is to say, without ever waiting for a listener.
    fn announce(&mut self) {
        self.unsaid.append(&mut self.session.take_announcements());
        let mut waiting = std::mem::take(&mut self.unsaid).into_iter();
        for message in waiting.by_ref() {
            if let Err(TrySendError::Full(message)) = self.say.try_send(message) {
                self.unsaid.push(message);
                break;
            }
        }
        self.unsaid.extend(waiting);
        if self.unsaid.len() > ANNOUNCEMENTS {
            // Of watermarks only the newest matters; words are kept as long as there is room.
            self.unsaid.retain(|message| message.topic() != Topic::Watermark);
            self.unsaid.truncate(ANNOUNCEMENTS);
        }
    }
}
