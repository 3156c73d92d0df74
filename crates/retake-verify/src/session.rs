//! One arbiter's run, repeated.

use std::collections::{BTreeMap, VecDeque};

use retake_intervention::{Arbiter, ArbiterConfig, VERSION};
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Delivery, Message, Topic, fingerprint,
    pb::{ArbiterInfo, Schedule, ScheduleEntry, schedule_entry::What},
};

use crate::{
    index::Index,
    ledger::{Ledger, Progress},
    report::{Obstacle, Outcome, Parting, Place, SessionReport},
    verifier::WINDOW_NANOS,
};

/// A note of what the arbiter was told, and when it was recorded.
#[derive(Debug)]
enum Noted {
    Entry(ScheduleEntry, u64),
    /// So many notes are missing here.
    Hole(u64),
}

/// A run being repeated.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: u64,
    pub(crate) info: Option<ArbiterInfo>,
    arbiter: Option<Arbiter>,
    pending: VecDeque<Noted>,
    /// Number of the next note.
    next: u64,
    done: u64,
    last: BTreeMap<Topic, (u64, Message)>,
    pub(crate) ledger: Ledger,
    place: Place,
    start: MonoTime,
    ticks: u64,
    told: u64,
    missing: u64,
    end: Option<Outcome>,
    out: Outbox,
}

impl Session {
    pub(crate) fn new(id: u64, info: Option<ArbiterInfo>) -> Self {
        let mut session = Self {
            id,
            info,
            arbiter: None,
            pending: VecDeque::new(),
            next: 0,
            done: 0,
            last: BTreeMap::new(),
            ledger: Ledger::default(),
            place: Place::default(),
            start: MonoTime::ZERO,
            ticks: 0,
            told: 0,
            missing: 0,
            end: None,
            out: Outbox::default(),
        };
        session.build();
        session
    }

    fn build(&mut self) {
        let Some(info) = &self.info else { return };
        self.start = time(info.start_nanos);
        if info.config.is_empty() {
            self.stop(Obstacle::NoConfiguration);
            return;
        }
        match ArbiterConfig::from_json(&info.config) {
            Ok(config) => self.arbiter = Some(Arbiter::new(config, self.start)),
            Err(error) => self.stop(Obstacle::BadConfiguration(error.to_string())),
        }
    }

    fn stop(&mut self, why: Obstacle) {
        if self.end.is_none() {
            self.end = Some(Outcome::Stopped { at: self.place, why });
        }
    }

    fn part(&mut self, parting: Option<Parting>) {
        if let Some(parting) = parting.filter(|_| self.end.is_none()) {
            self.end = Some(Outcome::Parted(parting));
        }
    }

    /// How far it is, in ticks.
    pub(crate) const fn ticks(&self) -> u64 {
        self.ticks
    }

    /// It cannot go on before more is recorded.
    pub(crate) fn waits(&self) -> bool {
        !self.pending.is_empty()
    }

    /// More of what the arbiter was told, recorded at `at`.
    pub(crate) fn note(&mut self, schedule: Schedule, at: u64) {
        let end = schedule.first.saturating_add(schedule.entries.len() as u64);
        if schedule.first > self.next {
            self.pending.push_back(Noted::Hole(schedule.first - self.next));
        }
        let known = usize::try_from(self.next.saturating_sub(schedule.first)).unwrap_or(usize::MAX);
        let new = schedule.entries.into_iter().skip(known);
        self.pending.extend(new.map(|entry| Noted::Entry(entry, at)));
        // One that was recorded again says nothing about what was said since.
        if end > self.next {
            self.next = end;
            self.ledger.due(end);
        }
    }

    /// Repeats as much as can be. What was recorded before `oldest` is over; with `ended`, everything is.
    pub(crate) fn run(&mut self, index: &Index, oldest: u64, ended: bool) {
        while let Some(noted) = self.pending.pop_front() {
            if self.end.is_some() {
                if let Some(noted) = self.count_missing(noted, index, oldest, ended) {
                    self.pending.push_front(noted);
                    break;
                }
                continue;
            }
            match noted {
                Noted::Hole(missing) => {
                    let late = self.done == 0;
                    self.stop(if late {
                        Obstacle::BeganLate(missing)
                    } else {
                        Obstacle::NotesMissing(missing)
                    });
                }
                Noted::Entry(entry, at) => {
                    if self.arbiter.is_none() {
                        self.stop(Obstacle::NoConfiguration);
                        continue;
                    }
                    let over = ended || at < oldest;
                    if !self.repeat(&entry, index, oldest, over) {
                        self.pending.push_front(Noted::Entry(entry, at));
                        break;
                    }
                }
            }
        }
        if self.end.is_none() {
            self.settle(oldest, ended);
        }
    }

    /// After the repetition has ended: counts what is missing besides, and gives back what is not decided yet.
    fn count_missing(&mut self, noted: Noted, index: &Index, oldest: u64, ended: bool) -> Option<Noted> {
        if let Noted::Entry(entry, at) = &noted
            && let Some(What::Received(print)) = entry.what
            && matches!(self.end, Some(Outcome::Stopped { .. }))
        {
            let there = index.contains(print) || self.last.values().any(|(last, _)| *last == print);
            if !there && !ended && *at >= oldest {
                return Some(noted);
            }
            self.missing += u64::from(!there);
        }
        None
    }

    /// Tells the arbiter one thing; false if that has to wait for a message.
    fn repeat(&mut self, entry: &ScheduleEntry, index: &Index, oldest: u64, over: bool) -> bool {
        let at = time(entry.at_nanos);
        let received = match entry.what {
            Some(What::Received(print)) => match self.message(print, &entry.message, index) {
                Some(message) => Some(message),
                None if over => {
                    self.missing += 1;
                    self.stop(Obstacle::MessagesMissing(0));
                    return true;
                }
                None => return false,
            },
            Some(What::Woken(_) | What::Dropped(_) | What::Finished(_)) => None,
            None => {
                self.stop(Obstacle::UnknownNote);
                return true;
            }
        };
        let Some(arbiter) = &mut self.arbiter else { return true };
        match (&entry.what, &received) {
            (_, Some(message)) => arbiter.receive(at, message, &mut self.out),
            (Some(What::Dropped(count)), None) => arbiter.dropped(at, *count),
            (Some(What::Finished(_)), None) => arbiter.finish(at, &mut self.out),
            (Some(What::Woken(_) | What::Received(_)) | None, None) => {
                self.place.tick += 1;
                arbiter.wake(at, &mut self.out);
            }
        }
        self.done += 1;
        self.told += u64::from(received.is_some());
        self.place.seconds = at.since(self.start).as_secs_f64();
        for message in self.out.drain() {
            if let Message::Tick(tick) = &message {
                self.place.episode = tick.episode;
                self.ticks += 1;
            }
            self.ledger.say(&message, self.place);
        }
        if received.is_none() {
            self.settle(oldest, false);
        }
        true
    }

    fn message(&mut self, print: u64, whole: &[u8], index: &Index) -> Option<Message> {
        let latest = || Topic::ALL.iter().filter(|topic| topic.delivery() == Delivery::Latest);
        if !whole.is_empty()
            && let Some(topic) = latest().find(|topic| fingerprint(**topic, whole) == print)
            && let Ok(message) = Message::decode(*topic, whole)
        {
            self.last.insert(*topic, (print, message.clone()));
            return Some(message);
        }
        let kept = self.last.values().find(|(last, _)| *last == print);
        kept.map(|(_, message)| message.clone()).or_else(|| index.get(print))
    }

    fn settle(&mut self, oldest: u64, ended: bool) {
        // What waits for a message waits for one window; what was said meanwhile must not be given up before.
        let oldest = oldest.saturating_sub(WINDOW_NANOS);
        let progress = Progress { done: self.done, place: self.place, oldest, ended };
        let parting = self.ledger.settle(progress);
        self.part(parting);
    }

    /// What came of it. `whole` says that nothing is known to be missing from the recording.
    pub(crate) fn report(mut self, whole: bool) -> SessionReport {
        if whole {
            let parting = self.ledger.first_unrecorded.take();
            self.part(parting);
        }
        let mut outcome = self.end.unwrap_or(Outcome::Identical);
        if let Outcome::Stopped { why: Obstacle::MessagesMissing(count), .. } = &mut outcome {
            *count = self.missing;
        }
        let version = self.info.map(|info| info.version).unwrap_or_default();
        SessionReport {
            session: format!("{:016x}", self.id),
            other_version: !version.is_empty() && version != VERSION,
            version,
            ticks: self.ticks,
            told: self.told,
            messages: self.ledger.matched,
            unrecorded: self
                .ledger
                .unrecorded
                .into_iter()
                .map(|(topic, count)| (topic.suffix().to_owned(), count))
                .collect(),
            after_the_end: self.ledger.after_the_end,
            outcome,
        }
    }

    /// The recording has gone on without it for so long that nothing of it will come any more.
    pub(crate) fn is_over(&self, last: u64, now: u64) -> bool {
        now.saturating_sub(last) > 3 * WINDOW_NANOS
    }
}

fn time(nanos: i64) -> MonoTime {
    MonoTime::from_nanos(u64::try_from(nanos).unwrap_or(0))
}
