//! The independent checker. It sees what reached the driver and what the driver did, what the arbiter was sent and sent, and
//! what operators and policy really said at their own processes. It does not see the arbiter's records, and shares no code
//! with gate, shaping or authority.

mod licence;
mod motion;
mod stops;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Applied, Command, Outcome},
};

use self::{
    licence::Licences,
    motion::{Found, Motion},
};
pub(crate) use self::{
    licence::Void,
    stops::{Braking, braking_began},
};
use super::{
    child::{Event, What},
    node::Kind,
    wiretap::Frame,
};

/// A command that must not have been applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unsafe {
    /// Answers to a nonce of the driver's that is too old, or to none.
    Stale,
    /// Was applied before, or comes after a newer one.
    Replayed,
    /// Of an epoch that is over.
    OldEpoch,
    /// Of a second sender within one epoch.
    Interleaved,
    /// Not as the arbiter sent it.
    Altered,
    NotFinite,
    OutOfRange,
    TooFast,
    /// Beyond the limits of acceleration or jerk.
    TooSharp,
    /// Moves although nobody may move the robot.
    Unlicensed(Void),
}

impl Unsafe {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Stale => "stale".into(),
            Self::Replayed => "replayed".into(),
            Self::OldEpoch => "old epoch".into(),
            Self::Interleaved => "interleaved".into(),
            Self::Altered => "altered".into(),
            Self::NotFinite => "not finite".into(),
            Self::OutOfRange => "out of range".into(),
            Self::TooFast => "too fast".into(),
            Self::TooSharp => "too sharp".into(),
            Self::Unlicensed(void) => format!("moved {}", void.name()),
        }
    }
}

/// One unsafe command.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    pub(crate) what: Unsafe,
    pub(crate) at: MonoTime,
    pub(crate) detail: String,
}

/// A command may be this old when it is applied, ms: what the gate promises, and what reading two clocks may take on a busy
/// machine.
const COMMAND_AGE_MS: u128 = 100 + 10;
/// How long the arbiter must have been silent before another is heard.
const WATCHDOG_NANOS: i64 = 50_000_000;
const KEPT: usize = 512;

/// What is known of one deployment.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    motion: Option<Motion>,
    licences: Licences,
    nonces: VecDeque<(u64, MonoTime)>,
    /// When each command was sent, and how late the arbiter was then.
    sent: VecDeque<(MonoTime, Duration, Command)>,
    arrived: Option<(MonoTime, Command)>,
    /// When the driver was last asked to put the scene back.
    resetting: Option<MonoTime>,
    /// The driver has stopped by itself and not gone on.
    tripped: bool,
    epoch: u64,
    /// Who was heard last, and when by the driver's clock.
    session: Option<u64>,
    heard_nanos: i64,
    newest: BTreeMap<u64, u64>,
    /// Commands the driver applied.
    pub(crate) applied: u64,
    /// Commands the driver refused.
    pub(crate) refused: u64,
    found: Vec<Violation>,
}

fn keep<T>(queue: &mut VecDeque<T>, newest: T) {
    if queue.len() == KEPT {
        queue.pop_front();
    }
    queue.push_back(newest);
}

impl Checker {
    /// Takes in what happened, in order of time.
    pub(crate) fn note(&mut self, event: &Event) {
        match &event.what {
            What::Started => self.started(event.who, event.at),
            What::Frame(frame) => {
                let Frame { at, arrived, message } = frame.as_ref();
                self.licences.note(event.who, *at, *arrived, message);
                match (event.who, arrived, message) {
                    (Kind::Driver, false, Message::Descriptor(descriptor)) if self.motion.is_none() => {
                        self.motion = Some(Motion::new(descriptor));
                    }
                    (Kind::Driver, false, Message::Observation(observation)) => {
                        keep(&mut self.nonces, (observation.driver_beacon, *at));
                        self.reset_seen(observation.resets, *at);
                    }
                    (Kind::Intervention, false, Message::Command(command)) => {
                        keep(&mut self.sent, (*at, self.licences.late(), command.clone()));
                    }
                    (Kind::Driver, true, Message::Reset(_)) => self.resetting = Some(*at),
                    (Kind::Driver, true, Message::Command(command)) => {
                        self.arrived = Some((*at, command.clone()))
                    }
                    (Kind::Driver, false, Message::Applied(applied)) => self.answered(applied, *at),
                    _ => {}
                }
            }
        }
    }

    /// What was found since the last call.
    pub(crate) fn take(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.found)
    }

    fn started(&mut self, who: Kind, at: MonoTime) {
        if who == Kind::Driver {
            // A new driver remembers nothing, and neither do we of the old one.
            (self.epoch, self.session, self.arrived) = (0, None, None);
            self.newest.clear();
            self.nonces.clear();
        }
        if matches!(who, Kind::Driver | Kind::Intervention) {
            self.licences.void(Void::Restarted, at);
            if let Some(motion) = &mut self.motion {
                motion.forget();
            }
        }
    }

    fn reset_seen(&mut self, resets: u64, at: MonoTime) {
        let Some(motion) = &mut self.motion else { return };
        if motion.resets(resets) {
            self.licences.void(Void::Reset, at);
        }
    }

    fn answered(&mut self, applied: &Applied, at: MonoTime) {
        let arrived = self.arrived.take();
        let before = std::mem::replace(&mut self.tripped, applied.tripped);
        if applied.tripped && !before {
            self.licences.void(Void::Tripped, at);
        }
        if applied.tripped
            && let Some(motion) = &mut self.motion
        {
            motion.tripped();
        }
        if applied.outcome() != Outcome::Applied {
            self.refused += u64::from(arrived.is_some());
            if let (Some(motion), false) = (&mut self.motion, applied.tripped) {
                motion.missed();
            }
            return;
        }
        self.applied += 1;
        match arrived {
            Some((arrived_at, command)) => self.judge(&command, applied, arrived_at),
            // A reset moves the robot by other means, and the driver says where it is.
            None if self.resetting.is_some_and(|reset| at.since(reset).as_millis() < 200) => {
                self.applied -= 1;
                if let Some(motion) = &mut self.motion {
                    motion.forget();
                }
            }
            None => self.find(Unsafe::Altered, at, "applied a command that did not arrive".into()),
        }
    }

    fn find(&mut self, what: Unsafe, at: MonoTime, detail: String) {
        self.found.push(Violation { what, at, detail });
    }

    fn judge(&mut self, command: &Command, applied: &Applied, at: MonoTime) {
        let header = command.header.unwrap_or_default();
        let original = self.sent.iter().rev().find(|(_, _, sent)| {
            sent.header.is_some_and(|sent| (sent.session, sent.seq) == (header.session, header.seq))
        });
        let (decided, late) = original.map_or((at, Duration::ZERO), |(decided, late, _)| (*decided, *late));
        // Bytes, because a number that is none is not equal to itself.
        let bytes = |command: &Command| Message::Command(command.clone()).encode();
        if original.is_none_or(|(_, _, original)| bytes(original) != bytes(command)) {
            self.find(Unsafe::Altered, at, format!("tick {}", command.tick));
        }
        let issued = self.nonces.iter().rev().find(|(nonce, _)| *nonce == command.driver_beacon);
        let age = issued.map(|(_, issued)| at.since(*issued).as_millis());
        if age.is_none_or(|age| age > COMMAND_AGE_MS) {
            self.find(Unsafe::Stale, at, format!("tick {}, age {age:?} ms", command.tick));
        }
        if self.newest.get(&header.session).is_some_and(|newest| header.seq <= *newest) {
            self.find(Unsafe::Replayed, at, format!("tick {}, number {}", command.tick, header.seq));
        }
        if header.epoch < self.epoch {
            self.find(Unsafe::OldEpoch, at, format!("{} after {}", header.epoch, self.epoch));
        }
        // Another sender may be heard when the last has been silent for the driver's time, and begins with a stop.
        let silent =
            self.session.is_none() || applied.at_nanos.saturating_sub(self.heard_nanos) >= WATCHDOG_NANOS;
        if self.session != Some(header.session) && !(silent && command.stop) {
            self.find(Unsafe::Interleaved, at, format!("epoch {}", header.epoch));
        }
        (self.epoch, self.session) = (self.epoch.max(header.epoch), Some(header.session));
        self.heard_nanos = applied.at_nanos;
        self.newest.insert(header.session, header.seq);
        if !command.stop {
            self.judge_motion(command, applied, (decided, late), at);
        }
    }

    fn judge_motion(
        &mut self,
        command: &Command,
        applied: &Applied,
        (decided, late): (MonoTime, Duration),
        at: MonoTime,
    ) {
        let Some(motion) = &mut self.motion else { return };
        let licensed = self.licences.at(decided, late);
        for (what, detail) in motion.step(command, &applied.position, licensed, decided) {
            let what = match what {
                Found::NotFinite => Unsafe::NotFinite,
                Found::OutOfRange => Unsafe::OutOfRange,
                Found::TooFast => Unsafe::TooFast,
                Found::TooSharp => Unsafe::TooSharp,
                Found::Altered => Unsafe::Altered,
                Found::Unlicensed(void) => Unsafe::Unlicensed(void),
            };
            self.found.push(Violation { what, at, detail });
        }
    }
}
