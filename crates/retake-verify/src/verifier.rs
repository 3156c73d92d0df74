//! Reads a recording once, and sorts its messages to the arbiters that were recorded.

use std::{collections::VecDeque, time::Duration};

use retake_log::{LogError, Recording, topic_of};
use retake_wire::{
    Message, Topic,
    pb::{ArbiterInfo, Schedule},
};

use crate::{
    index::Index,
    report::{Report, SessionReport},
    session::Session,
    side::{self, Side},
};

/// A message may be recorded this much before or after the arbiter was told it, and no more. It bounds what is held at a time.
pub const WINDOW: Duration = Duration::from_secs(60);
pub(crate) const WINDOW_NANOS: u64 = 60_000_000_000;
/// How often progress is told, in messages read.
const PROGRESS: u64 = 10_000;

/// How far the verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Messages read.
    pub messages: u64,
    /// Ticks repeated.
    pub ticks: u64,
}

/// Repeats every arbiter's run in `recording`, and compares. `told` hears now and then how far it is.
///
/// # Errors
/// If the system refuses to read. What is wrong with the recording itself is in the report.
pub fn verify(recording: &Recording, mut told: impl FnMut(Progress)) -> Result<Report, LogError> {
    let mut messages = recording.messages();
    let mut verifier = Verifier::default();
    let mut read = 0_u64;
    while let Some((_, raw)) = messages.next_raw()? {
        read += 1;
        if read.is_multiple_of(PROGRESS) {
            told(Progress { messages: read, ticks: verifier.ticks() });
        }
        if let Some(topic) = topic_of(&raw) {
            verifier.read(topic, raw.data, raw.log_nanos);
        }
    }
    let mut integrity = messages.integrity().clone();
    integrity.undecodable_messages += verifier.undecodable;
    let damaged = integrity.lost_bytes > 0 || integrity.undecodable_messages > 0;
    let whole = !damaged && verifier.recorder_lost == 0;
    let recorder_lost = verifier.recorder_lost;
    let (sessions, unattributed) = verifier.end(whole);
    Ok(Report::new(sessions, recorder_lost, unattributed, integrity))
}

/// A recorded message and when it was recorded.
type Orphan = (Topic, Vec<u8>, u64);

#[derive(Debug, Default)]
struct Verifier {
    index: Index,
    sessions: Vec<Running>,
    /// Said by an arbiter that is not known yet.
    orphans: VecDeque<Orphan>,
    unattributed: u64,
    recorder_lost: u64,
    undecodable: u64,
    now: u64,
}

#[derive(Debug)]
struct Running {
    session: Session,
    /// When it was heard of last.
    last: u64,
    /// What came of it, if it is over.
    over: Option<SessionReport>,
}

impl Verifier {
    fn ticks(&self) -> u64 {
        let ticks =
            |running: &Running| running.over.as_ref().map_or(running.session.ticks(), |over| over.ticks);
        self.sessions.iter().map(ticks).sum()
    }

    fn read(&mut self, topic: Topic, bytes: Vec<u8>, at: u64) {
        self.now = self.now.max(at);
        match side::of(topic) {
            Side::Told => {
                self.index.insert(topic, bytes, at);
                self.index.forget(self.now.saturating_sub(3 * WINDOW_NANOS));
                self.run(false);
            }
            Side::SaidInOrder | Side::SaidAtOnce => self.said(topic, bytes, at),
            Side::Info | Side::Schedule | Side::Gap => match Message::decode(topic, &bytes) {
                Ok(Message::ArbiterInfo(info)) => self.info(info),
                Ok(Message::Schedule(schedule)) => self.schedule(schedule, at),
                Ok(Message::Gap(gap)) => self.recorder_lost = self.recorder_lost.saturating_add(gap.count),
                Ok(_) | Err(_) => self.undecodable += 1,
            },
            Side::Neither => {}
        }
    }

    /// The newest run of an arbiter's session.
    fn find(&self, id: u64) -> Option<usize> {
        self.sessions.iter().rposition(|running| running.session.id == id)
    }

    fn info(&mut self, info: ArbiterInfo) {
        let known = self.find(info.session).filter(|index| {
            let known = self.sessions.get(*index).and_then(|running| running.session.info.as_ref());
            known.is_none_or(|known| known.start_nanos == info.start_nanos)
        });
        if known.is_none() {
            self.begin(info.session, Some(info));
        }
    }

    fn begin(&mut self, id: u64, info: Option<ArbiterInfo>) -> usize {
        let running = Running { session: Session::new(id, info), last: self.now, over: None };
        self.sessions.push(running);
        for (topic, bytes, at) in std::mem::take(&mut self.orphans) {
            self.said(topic, bytes, at);
        }
        self.sessions.len() - 1
    }

    fn schedule(&mut self, schedule: Schedule, at: u64) {
        let index = self.find(schedule.session).unwrap_or_else(|| self.begin(schedule.session, None));
        let now = self.now;
        if let Some(running) = self.sessions.get_mut(index).filter(|running| running.over.is_none()) {
            running.last = now;
            running.session.note(schedule, at);
        }
        self.run(true);
    }

    fn said(&mut self, topic: Topic, bytes: Vec<u8>, at: u64) {
        let named = Message::decode(topic, &bytes).ok().and_then(|message| side::session(&message));
        let index = match named {
            Some(id) => self.find(id),
            None => self.sessions.len().checked_sub(1),
        };
        match index.and_then(|index| self.sessions.get_mut(index)).filter(|running| running.over.is_none()) {
            Some(running) => running.session.ledger.record(topic, bytes, at),
            // Notices are said by everyone.
            None if topic == Topic::Notice => {}
            None => self.orphans.push_back((topic, bytes, at)),
        }
        let oldest = self.now.saturating_sub(WINDOW_NANOS);
        while self.orphans.front().is_some_and(|(_, _, at)| *at < oldest) {
            self.orphans.pop_front();
            self.unattributed += 1;
        }
    }

    /// Goes on with every run that can; with `all`, also with those that wait for nothing.
    fn run(&mut self, all: bool) {
        let oldest = self.now.saturating_sub(WINDOW_NANOS);
        let newest = self.sessions.len().saturating_sub(1);
        let mut foreign = Vec::new();
        for (number, running) in self.sessions.iter_mut().enumerate() {
            if running.over.is_some() || !(all || running.session.waits()) {
                continue;
            }
            running.session.run(&self.index, oldest, false);
            if number < newest && running.session.is_over(running.last, self.now) {
                running.session.run(&self.index, oldest, true);
                let id = running.session.id;
                let over = std::mem::replace(&mut running.session, Session::new(id, None));
                running.over = Some(over.report(false));
            }
            // On a faster way than what says that another arbiter began.
            foreign.extend(running.session.ledger.foreign.drain(..).map(|orphan| (number, orphan)));
        }
        for (number, (topic, bytes, at)) in foreign {
            match self.sessions.get_mut(newest).filter(|_| number < newest) {
                Some(running) => running.session.ledger.record(topic, bytes, at),
                None => self.orphans.push_back((topic, bytes, at)),
            }
        }
    }

    fn end(mut self, whole: bool) -> (Vec<SessionReport>, u64) {
        let mut reports = Vec::new();
        let mut unattributed = self.unattributed + self.orphans.len() as u64;
        for mut running in std::mem::take(&mut self.sessions) {
            reports.push(match running.over {
                Some(over) => over,
                None => {
                    running.session.run(&self.index, self.now, true);
                    unattributed += running.session.ledger.foreign.len() as u64;
                    running.session.report(whole)
                }
            });
        }
        (reports, unattributed)
    }
}
