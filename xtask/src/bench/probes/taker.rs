use std::time::Duration;

use retake_bus::Clock;
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{Act, Owner, TickRecord},
};

use super::{Known, Notebook, Sent, arm_owner};

/// The clutch was pressed while the policy drove.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Press {
    pub(crate) sent: Sent,
    /// The newest tick the operator knew of.
    pub(crate) after_tick: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hand {
    /// Waits for the policy to drive, and asks for it.
    Off,
    /// Lets the policy drive until then.
    Watching(MonoTime),
    /// Holds the clutch; from the time the human is known to drive, until then.
    Holding(Option<MonoTime>),
}

/// An operator who takes over from a policy again and again, and that policy. They watch the arbiter's ticks as they come.
pub(crate) struct Taker {
    known: Known,
    period: Duration,
    next: MonoTime,
    propose_at: MonoTime,
    seq: u64,
    owner: Owner,
    tick: u64,
    hand: Hand,
    presses: u32,
    notes: Notebook,
}

/// Sixteen steps at 1000 Hz last 16 ms.
const PROPOSE_EVERY: Duration = Duration::from_millis(8);
const HOLD: Duration = Duration::from_millis(60);
/// The policy drives this long, and by up to as much again as `PHASES` steps, so that presses come at all times between ticks.
const DRIVE: Duration = Duration::from_millis(60);
const STEP: Duration = Duration::from_micros(3_100);
const PHASES: u32 = 17;
/// Presses of resume are this many inputs apart.
const RESUME_EVERY: u64 = 5;

impl Taker {
    pub(crate) fn new(
        home: Vec<Vec<f64>>,
        (period, control_period): (Duration, Duration),
        start: MonoTime,
        notes: Notebook,
    ) -> Self {
        Self {
            known: Known::new(home, control_period),
            period,
            next: start,
            propose_at: start,
            seq: 0,
            owner: Owner::Unspecified,
            tick: 0,
            hand: Hand::Off,
            presses: 0,
            notes,
        }
    }

    fn recorded(&mut self, record: &TickRecord) {
        (self.owner, self.tick) = (arm_owner(record), record.tick);
        self.notes.open().owners.insert(record.tick, self.owner);
    }

    /// What the hand does now; true if it has just pressed.
    fn act(&mut self, now: MonoTime) -> bool {
        let before = self.hand;
        self.hand = match before {
            Hand::Off if self.owner == Owner::Policy => {
                Hand::Watching(now + DRIVE + STEP * (self.presses * 7 % PHASES))
            }
            // The policy lost the robot by itself: it is given it again.
            Hand::Watching(_) if self.owner != Owner::Policy => Hand::Off,
            Hand::Watching(until) if now >= until => Hand::Holding(None),
            Hand::Holding(None) if self.owner == Owner::Human => Hand::Holding(Some(now + HOLD)),
            Hand::Holding(Some(until)) if now >= until => Hand::Off,
            Hand::Off | Hand::Watching(_) | Hand::Holding(_) => before,
        };
        matches!((before, self.hand), (Hand::Watching(_), Hand::Holding(_)))
    }
}

impl Node for Taker {
    fn name(&self) -> &'static str {
        "taker"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Beacon, Topic::Status, Topic::Tick, Topic::Observation]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Input, Topic::Proposal]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only subscribed topics arrive")]
    fn receive(&mut self, _: MonoTime, message: &Message, _: &mut Outbox) {
        match message {
            Message::Beacon(beacon) => self.known.beacon = *beacon,
            Message::Status(status) => self.known.status = status.clone(),
            Message::Tick(record) => self.recorded(record),
            Message::Observation(observation) => {
                self.known.observation = observation.header.unwrap_or_default().seq
            }
            _ => {}
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        let due = self.next;
        self.next = (self.next + self.period).max(now);
        self.seq += 1;
        let pressed = self.act(now);
        let mut input = self.known.input(self.seq);
        input.clutch = matches!(self.hand, Hand::Holding(_));
        let idle = self.hand == Hand::Off && self.owner == Owner::Hold && self.known.open();
        if idle && self.seq.is_multiple_of(RESUME_EVERY) {
            input.acts.push(Act::Resume.into());
        }
        if pressed {
            self.presses += 1;
            let press = Press { sent: Sent { due, at: Clock::System.now() }, after_tick: self.tick };
            self.notes.open().presses.push(press);
        }
        out.publish(input);
        if now >= self.propose_at {
            self.propose_at = now + PROPOSE_EVERY;
            out.publish(self.known.proposal(self.seq));
        }
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}
