//! What the network does, and what strangers say on it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use retake_model::Random;
use retake_node::Fate;
use retake_units::MonoTime;
use retake_wire::{Message, Topic, pb::GroupValues};

/// How a link is for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sky {
    Clear,
    Cut,
    Lossy,
    Late,
    Doubled,
    /// Everything is held back, and comes at once at this time.
    Held(MonoTime),
}

const REMEMBERED: usize = 64;

pub(super) struct Weather {
    random: Random,
    now: MonoTime,
    skies: BTreeMap<(Topic, String), Sky>,
    said: VecDeque<Message>,
    harmed: u64,
    forged: u64,
}

impl Weather {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            now: MonoTime::ZERO,
            skies: BTreeMap::new(),
            said: VecDeque::new(),
            harmed: 0,
            forged: 0,
        }
    }

    pub(super) fn counts(&self) -> (u64, u64) {
        (self.harmed, self.forged)
    }

    pub(super) fn heard(&mut self, from: &str, message: &Message) {
        let interesting = matches!(
            message,
            Message::Input(_) | Message::Proposal(_) | Message::Command(_) | Message::Observation(_)
        );
        if from == "outside" || !interesting {
            return;
        }
        if self.said.len() == REMEMBERED {
            self.said.pop_front();
        }
        self.said.push_back(message.clone());
    }

    pub(super) fn fate(&mut self, message: &Message, to: &str) -> Fate {
        let sky = self.skies.get(&(message.topic(), to.to_owned())).copied().unwrap_or(Sky::Clear);
        let millis = Duration::from_millis(1 + self.random.below(250));
        let fate = match sky {
            Sky::Cut => Fate::Lose,
            Sky::Lossy if self.random.one_in(3) => Fate::Lose,
            Sky::Late if self.random.one_in(2) => Fate::Delay(millis),
            Sky::Doubled => Fate::Repeat(millis),
            Sky::Held(until) if until > self.now => Fate::Delay(until.since(self.now)),
            Sky::Clear | Sky::Lossy | Sky::Late | Sky::Held(_) => Fate::Deliver,
        };
        self.harmed += u64::from(fate != Fate::Deliver);
        fate
    }

    /// A tick has passed: the weather changes, and strangers speak.
    pub(super) fn change(&mut self, now: MonoTime) -> Vec<Message> {
        self.now = now;
        if self.random.one_in(40) {
            let links = [
                (Topic::Input, "intervention"),
                (Topic::Proposal, "intervention"),
                (Topic::Observation, "intervention"),
                (Topic::Applied, "intervention"),
                (Topic::Command, "driver"),
                (Topic::Reset, "driver"),
                (Topic::Beacon, "ada"),
                (Topic::Beacon, "bob"),
                (Topic::Beacon, "policy"),
                (Topic::Observation, "policy"),
            ];
            let (topic, to) = self.random.pick(&links, (Topic::Input, "intervention"));
            let until = now + Duration::from_millis(self.random.below(3_000));
            let skies = [Sky::Cut, Sky::Lossy, Sky::Late, Sky::Doubled, Sky::Held(until)];
            self.skies.insert((topic, to.into()), self.random.pick(&skies, Sky::Clear));
        }
        // Bad weather passes, or nobody would ever drive.
        if self.random.one_in(25) {
            self.skies.clear();
        }
        if !self.random.one_in(20) {
            return Vec::new();
        }
        let index = usize::try_from(self.random.below(self.said.len() as u64)).unwrap_or(0);
        let Some(mut message) = self.said.get(index).cloned() else { return Vec::new() };
        self.spoil(&mut message);
        self.forged += 1;
        vec![message]
    }

    /// Said again as it was, or with something changed that makes it wrong.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only what is remembered is spoiled")]
    fn spoil(&mut self, message: &mut Message) {
        let how = self.random.below(5);
        match message {
            Message::Command(command) => {
                let header = command.header.as_mut().unwrap();
                let bad = GroupValues { values: vec![f64::NAN; 7] };
                match how {
                    0 => header.epoch = header.epoch.saturating_sub(1),
                    // A second sender in an epoch that has one.
                    1 => header.session ^= 0xbad,
                    2 => command.position = vec![bad],
                    3 => command.driver_beacon ^= 1,
                    _ => {}
                }
            }
            Message::Input(input) => match how {
                0 => input.header = None,
                1 => input.header.as_mut().unwrap().beacon ^= 1,
                2 => input.header.as_mut().unwrap().epoch += 1_000,
                _ => {}
            },
            Message::Proposal(proposal) => match how {
                0 => proposal.header = None,
                1 => proposal.header.as_mut().unwrap().session ^= 0xbad,
                2 => proposal.steps.truncate(1),
                _ => {}
            },
            Message::Observation(observation) => match how {
                0 => observation.position = vec![GroupValues { values: vec![f64::NAN; 7] }],
                1 => observation.position.clear(),
                _ => {}
            },
            _ => {}
        }
    }
}
