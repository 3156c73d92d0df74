//! What a bad link or a bad sender makes of single messages.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a fault concerns the messages and forgeries it names, and leaves all others as they are"
)]

use std::{collections::VecDeque, time::Duration};

use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use retake_bus::RawMessage;
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{GroupValues, Header, Outcome},
};

/// What becomes of the messages of one topic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// This share is lost.
    Drop(f64),
    /// Each comes so many times more.
    Again(u32),
    /// Late by a time between the two; who was sent later may come earlier.
    Late { least_ms: u64, most_ms: u64 },
    /// Two neighbours change places.
    Swap,
    /// Beside the genuine ones, one that was sent this long ago comes again.
    Replay { ms: u64 },
    /// Every so many messages one comes that no sound sender would have sent: in place of the genuine one, or beside it.
    Forge { what: Forgery, every: u64, beside: bool },
}

/// What is wrong with a forged message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forgery {
    NotFinite,
    /// Far beyond every limit.
    Far,
    /// A little beyond the end of the gripper's range.
    Beyond,
    /// Further from the last than any limit of speed allows, but within range.
    Fast,
    OldEpoch,
    FutureEpoch,
    OldSequence,
    OtherSession,
    /// Answers to a beacon or nonce of a quarter of a second ago and more.
    OldBeacon,
    /// The sender's clock is an hour ahead.
    ClockAhead,
    /// The sender's clock is an hour behind.
    ClockBehind,
    /// The sender's clock jumps to and fro.
    ClockSteps,
    /// The sender's clock runs at three times the speed.
    ClockFast,
    /// A part of what must be there is missing.
    Short,
}

const OLD: Duration = Duration::from_millis(250);
const KEPT: usize = 128;
/// The simulated gripper opens to 0.08 m; wider than this, 6 mm more are beyond its range, metres.
const WIDE: f64 = 0.0745;
const HOUR: i64 = 3_600_000_000_000;

/// Beacons and nonces of some time ago, and the newest epoch that the driver has applied a command of.
#[derive(Debug, Default)]
pub(crate) struct Past {
    epoch: u64,
    beacons: VecDeque<(MonoTime, u64)>,
    nonces: VecDeque<(MonoTime, u64)>,
}

impl Past {
    pub(crate) fn note(&mut self, message: &RawMessage, now: MonoTime) {
        match Message::decode(message.topic, &message.payload) {
            Ok(Message::Beacon(beacon)) => keep(&mut self.beacons, (now, beacon.nonce)),
            Ok(Message::Applied(applied)) if applied.outcome() == Outcome::Applied => {
                self.epoch = self.epoch.max(applied.epoch);
            }
            Ok(Message::Observation(observation)) => keep(&mut self.nonces, (now, observation.driver_beacon)),
            _ => {}
        }
    }
}

/// The memory and dice of one route.
#[derive(Debug)]
pub(crate) struct Mangler {
    random: ChaCha8Rng,
    sent: VecDeque<(MonoTime, RawMessage)>,
    waiting: Option<RawMessage>,
    count: u64,
}

fn keep<T>(queue: &mut VecDeque<T>, newest: T) {
    if queue.len() == KEPT {
        queue.pop_front();
    }
    queue.push_back(newest);
}

/// Epoch of a command; none of other messages.
fn epoch_of(message: &RawMessage) -> Option<u64> {
    match Message::decode(message.topic, &message.payload) {
        Ok(Message::Command(command)) => Some(command.header.unwrap_or_default().epoch),
        _ => None,
    }
}

impl Mangler {
    pub(crate) fn new(random: ChaCha8Rng) -> Self {
        Self { random, sent: VecDeque::new(), waiting: None, count: 0 }
    }

    /// Remembers what passed, so that something old is at hand.
    pub(crate) fn remember(&mut self, message: &RawMessage, now: MonoTime) {
        keep(&mut self.sent, (now, message.clone()));
    }

    /// The fault is over: what was kept back is let go.
    pub(crate) fn release(&mut self) -> Option<RawMessage> {
        self.waiting.take()
    }

    /// What comes out of the link for what goes in, and when.
    pub(crate) fn mangle(
        &mut self,
        fault: Fault,
        message: RawMessage,
        past: &Past,
        now: MonoTime,
    ) -> Vec<(MonoTime, RawMessage)> {
        self.count += 1;
        match fault {
            Fault::Drop(share) if self.random.random_bool(share) => Vec::new(),
            Fault::Drop(_) => vec![(now, message)],
            Fault::Again(times) => {
                (0..=times).map(|time| (now + Duration::from_millis(3) * time, message.clone())).collect()
            }
            Fault::Late { least_ms, most_ms } => {
                vec![(now + Duration::from_millis(self.random.random_range(least_ms..=most_ms)), message)]
            }
            Fault::Swap => match self.waiting.take() {
                None => {
                    self.waiting = Some(message);
                    Vec::new()
                }
                Some(earlier) => vec![(now, message), (now, earlier)],
            },
            Fault::Replay { ms } => {
                let topic = message.topic;
                let old = self
                    .sent
                    .iter()
                    .find(|(at, old)| old.topic == topic && now.since(*at) <= Duration::from_millis(ms));
                let old = old.map(|(_, old)| (now, old.clone()));
                std::iter::once((now, message)).chain(old).collect()
            }
            Fault::Forge { what, every, beside } => {
                // An epoch is old only for a driver that has applied a newer one: a copy of an epoch's first command that names the
                // one before, and comes first, is a command of the newest epoch that the driver knows.
                let newest =
                    what == Forgery::OldEpoch && epoch_of(&message).is_some_and(|epoch| epoch > past.epoch);
                if newest || !self.count.is_multiple_of(every) {
                    return vec![(now, message)];
                }
                let forged = self.forge(what, &message, past, now).map(|forged| (now, forged));
                if beside {
                    // First, or the genuine one's number would be in its way.
                    forged.into_iter().chain(std::iter::once((now, message))).collect()
                } else {
                    forged.into_iter().collect()
                }
            }
        }
    }

    /// None if this message cannot be forged so.
    fn forge(
        &mut self,
        what: Forgery,
        message: &RawMessage,
        past: &Past,
        now: MonoTime,
    ) -> Option<RawMessage> {
        let mut forged = Message::decode(message.topic, &message.payload).ok()?;
        match what {
            Forgery::NotFinite | Forgery::Far | Forgery::Beyond | Forgery::Fast | Forgery::Short => {
                Self::spoil(what, &mut forged)
            }
            _ => self.disguise(what, &mut forged, past, now),
        }
        let payload = forged.encode();
        (payload != message.payload).then(|| RawMessage { payload, ..message.clone() })
    }

    fn spoil(what: Forgery, message: &mut Message) {
        let spoil = |value: &mut f64| match what {
            Forgery::NotFinite => *value = f64::NAN,
            Forgery::Far => *value += 40.0,
            _ => *value += 0.6,
        };
        let spoil_groups = |groups: &mut Vec<GroupValues>| match what {
            Forgery::Short => groups.truncate(1),
            _ => groups.iter_mut().take(1).flat_map(|group| group.values.iter_mut().take(1)).for_each(spoil),
        };
        match message {
            Message::Command(command) if what == Forgery::Beyond => {
                let open = command.position.iter_mut().skip(1).flat_map(|group| &mut group.values);
                open.filter(|value| **value > WIDE).for_each(|value| *value += 0.006);
            }
            Message::Command(command) => spoil_groups(&mut command.position),
            Message::Observation(observation) => spoil_groups(&mut observation.position),
            Message::Applied(applied) => spoil_groups(&mut applied.position),
            Message::Proposal(proposal) => {
                proposal.steps.iter_mut().for_each(|step| spoil_groups(&mut step.groups));
            }
            Message::Input(input) if what == Forgery::Short => input.twist.truncate(2),
            Message::Input(input) => input.twist.iter_mut().take(1).for_each(spoil),
            _ => {}
        }
    }

    fn disguise(&mut self, what: Forgery, message: &mut Message, past: &Past, now: MonoTime) {
        let old = |kept: &VecDeque<(MonoTime, u64)>| {
            kept.iter().rev().find(|(at, _)| now.since(*at) >= OLD).map_or(1, |(_, nonce)| *nonce)
        };
        let (beacon, nonce) = (old(&past.beacons), old(&past.nonces));
        let steps = self.random.random_range(-HOUR..HOUR);
        let header = |header: &mut Header| match what {
            Forgery::OldEpoch => header.epoch = header.epoch.saturating_sub(1),
            Forgery::FutureEpoch => header.epoch += 1,
            Forgery::OldSequence => header.seq = header.seq.saturating_sub(4),
            Forgery::OtherSession => header.session ^= 0x5eed,
            Forgery::OldBeacon => header.beacon = beacon,
            Forgery::ClockAhead => header.sent_nanos = header.sent_nanos.saturating_add(HOUR),
            Forgery::ClockBehind => header.sent_nanos = header.sent_nanos.saturating_sub(HOUR),
            Forgery::ClockSteps => header.sent_nanos = header.sent_nanos.saturating_add(steps),
            Forgery::ClockFast => header.sent_nanos = header.sent_nanos.saturating_mul(3),
            _ => {}
        };
        match message {
            Message::Command(command) => {
                if let Some(sent) = &mut command.header {
                    header(sent);
                }
                if what == Forgery::OldBeacon {
                    command.driver_beacon = nonce;
                }
            }
            Message::Input(input) => input.header.as_mut().map_or((), header),
            Message::Proposal(proposal) => proposal.header.as_mut().map_or((), header),
            Message::Observation(observation) => {
                if let Some(sent) = &mut observation.header {
                    header(sent);
                }
                if what == Forgery::OldBeacon {
                    observation.driver_beacon = nonce;
                }
            }
            Message::Beacon(sent) => match what {
                Forgery::OldBeacon => sent.nonce = beacon,
                Forgery::OldEpoch => sent.epoch = sent.epoch.saturating_sub(1),
                Forgery::FutureEpoch => sent.epoch += 1,
                Forgery::OtherSession => sent.session ^= 0x5eed,
                _ => {}
            },
            Message::Applied(applied) => match what {
                Forgery::OldEpoch => applied.epoch = applied.epoch.saturating_sub(1),
                Forgery::OldSequence => applied.seq = applied.seq.saturating_sub(4),
                _ => {}
            },
            _ => {}
        }
    }
}
