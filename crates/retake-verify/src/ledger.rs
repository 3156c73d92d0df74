//! Pairs what the repeated arbiter says with what the recorded one said.

use std::collections::{BTreeMap, VecDeque};

use retake_wire::{Delivery, Message, Topic, fingerprint};

use crate::{
    difference,
    report::{Parting, Place},
    side::{self, Side},
};

/// Something the repeated arbiter said.
#[derive(Debug)]
struct Said {
    bytes: Vec<u8>,
    place: Place,
}

/// Something the recorded arbiter said.
#[derive(Debug)]
struct Recorded {
    bytes: Vec<u8>,
    /// It was said before the arbiter had been told this much.
    due: Option<u64>,
    /// When it was recorded.
    at: u64,
}

#[derive(Debug, Default)]
struct Pair {
    said: VecDeque<Said>,
    recorded: VecDeque<Recorded>,
    /// Fingerprints of what was paired lately: it may have been recorded more than once.
    paired: VecDeque<u64>,
}

/// Pairs that are remembered of each topic.
const PAIRED: usize = 1024;

/// How far the repetition is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// Entries repeated.
    pub(crate) done: u64,
    /// Where it is.
    pub(crate) place: Place,
    /// What was recorded before this is as good as over.
    pub(crate) oldest: u64,
    /// Nothing more will come.
    pub(crate) ended: bool,
}

/// What was said and recorded and has no counterpart yet.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pairs: BTreeMap<Topic, Pair>,
    /// Pairs found.
    pub(crate) matched: u64,
    /// Said, and not in the recording.
    pub(crate) unrecorded: BTreeMap<Topic, u64>,
    /// The first of them that a whole recording would have.
    pub(crate) first_unrecorded: Option<Parting>,
    /// Recorded, but said when what the arbiter was told is no longer known.
    pub(crate) after_the_end: u64,
    /// Recorded, and said by no such arbiter.
    pub(crate) foreign: Vec<(Topic, Vec<u8>, u64)>,
}

/// What follows a cut in a recording may be missing without a loss: it was on its way.
const ON_THE_WAY: f64 = 1.0;
/// Said this long ago and not recorded since: it never will be. Seconds of the arbiter's time.
const NEVER: f64 = 120.0;

impl Ledger {
    pub(crate) fn say(&mut self, message: &Message, place: Place) {
        let said = Said { bytes: message.encode(), place };
        self.pairs.entry(message.topic()).or_default().said.push_back(said);
    }

    pub(crate) fn record(&mut self, topic: Topic, bytes: Vec<u8>, at: u64) {
        self.pairs.entry(topic).or_default().recorded.push_back(Recorded { bytes, due: None, at });
    }

    /// All that was recorded in order so far was said before the arbiter had been told `due` things.
    pub(crate) fn due(&mut self, due: u64) {
        for (topic, pair) in &mut self.pairs {
            if side::of(*topic) == Side::SaidInOrder {
                for recorded in pair.recorded.iter_mut().rev().take_while(|recorded| recorded.due.is_none()) {
                    recorded.due = Some(due);
                }
            }
        }
    }

    /// Finds pairs; the first message that has none although it should, is where the runs part.
    pub(crate) fn settle(&mut self, progress: Progress) -> Option<Parting> {
        let mut parting: Option<Parting> = None;
        for topic in Topic::ALL {
            let Some(mut pair) = self.pairs.remove(topic) else { continue };
            let found = self.settle_topic(*topic, &mut pair, progress);
            self.pairs.insert(*topic, pair);
            parting = [parting, found].into_iter().flatten().min_by_key(|parting| parting.place.tick);
        }
        parting
    }

    fn settle_topic(&mut self, topic: Topic, pair: &mut Pair, progress: Progress) -> Option<Parting> {
        while let Some(recorded) = pair.recorded.front() {
            if let Some(index) = pair.said.iter().position(|said| said.bytes == recorded.bytes) {
                let skipped: Vec<_> = pair.said.drain(..=index).take(index).collect();
                skipped.iter().for_each(|said| self.miss(topic, said));
                self.matched += 1;
                if pair.paired.len() == PAIRED {
                    pair.paired.pop_front();
                }
                pair.paired.push_back(fingerprint(topic, &recorded.bytes));
            } else if let Some(decided) = decide(topic, recorded, pair, progress) {
                match decided {
                    Decided::Parted(parting) => return Some(parting),
                    Decided::Foreign => {
                        self.foreign.push((topic, recorded.bytes.clone(), recorded.at));
                    }
                    Decided::AnotherNode | Decided::Again => {}
                    Decided::AfterTheEnd => self.after_the_end += 1,
                }
            } else {
                break;
            }
            pair.recorded.pop_front();
        }
        while let Some(said) = pair.said.front() {
            let age = progress.place.seconds - said.place.seconds;
            let lost = progress.ended && (side::of(topic) == Side::SaidInOrder || age > ON_THE_WAY);
            if age < NEVER && !lost {
                break;
            }
            if let Some(said) = pair.said.pop_front() {
                self.miss(topic, &said);
            }
        }
        None
    }

    fn miss(&mut self, topic: Topic, said: &Said) {
        if topic.delivery() == Delivery::Latest {
            return;
        }
        *self.unrecorded.entry(topic).or_default() += 1;
        if self.first_unrecorded.as_ref().is_none_or(|first| said.place.tick < first.place.tick) {
            let words = Message::decode(topic, &said.bytes)
                .map_or_else(|_| String::new(), |said| format!("{said:?}"));
            self.first_unrecorded = Some(Parting {
                place: said.place,
                topic: topic.suffix().to_owned(),
                field: String::new(),
                recorded: "nothing".to_owned(),
                replayed: shortened(&words),
            });
        }
    }
}

enum Decided {
    Parted(Parting),
    /// Perhaps another arbiter's.
    Foreign,
    /// Another node said it on a topic that all share.
    AnotherNode,
    /// Recorded twice.
    Again,
    AfterTheEnd,
}

/// What is to be made of a recorded message that the repeated arbiter has not said; `None` if it may still say it.
fn decide(topic: Topic, recorded: &Recorded, pair: &Pair, progress: Progress) -> Option<Decided> {
    let Ok(message) = Message::decode(topic, &recorded.bytes) else { return Some(Decided::Foreign) };
    let key = side::key(&message);
    // Two things may be said within one tick, one of them before the tick's work and one after.
    let passed = side::keyed_by_tick(topic) && progress.place.tick > key.saturating_add(1);
    let due = recorded.due.is_some_and(|due| due <= progress.done);
    if !(passed || due || progress.ended || recorded.at < progress.oldest) {
        return None;
    }
    if topic == Topic::Notice {
        return Some(Decided::AnotherNode);
    }
    if pair.paired.contains(&fingerprint(topic, &recorded.bytes)) {
        return Some(Decided::Again);
    }
    let same_key =
        |said: &&Said| Message::decode(topic, &said.bytes).is_ok_and(|said| side::key(&said) == key);
    if let Some(said) = pair.said.iter().find(same_key) {
        return Some(Decided::Parted(parting(topic, &message, said)));
    }
    if progress.ended && recorded.due.is_none() && (!side::keyed_by_tick(topic) || key > progress.place.tick)
    {
        return Some(Decided::AfterTheEnd);
    }
    if side::session(&message).is_none() && side::of(topic) == Side::SaidAtOnce {
        return Some(Decided::Foreign);
    }
    let tick = if side::keyed_by_tick(topic) { key } else { progress.place.tick };
    Some(Decided::Parted(Parting {
        place: Place { tick, ..progress.place },
        topic: topic.suffix().to_owned(),
        field: String::new(),
        recorded: shortened(&format!("{message:?}")),
        replayed: "nothing".to_owned(),
    }))
}

fn parting(topic: Topic, recorded: &Message, said: &Said) -> Parting {
    let field = match Message::decode(topic, &said.bytes) {
        Ok(replayed) => difference::first(recorded, &replayed),
        Err(error) => difference::Difference {
            field: String::new(),
            left: "a message".into(),
            right: error.to_string(),
        },
    };
    Parting {
        place: said.place,
        topic: topic.suffix().to_owned(),
        field: field.field,
        recorded: field.left,
        replayed: field.right,
    }
}

/// The beginning of a long text.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(" …".chars()).collect()
}
