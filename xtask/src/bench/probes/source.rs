use std::time::Duration;

use retake_bus::Clock;
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{Act, OperatorInput, Owner, TickRecord},
};

use super::{Followed, Known, Notebook, Sent};

/// Whose wishes are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Input,
    Proposal,
}

/// An operator, and beside it a policy, at one rate.
pub(crate) struct Source {
    wish: Wish,
    known: Known,
    period: Duration,
    next: MonoTime,
    seq: u64,
    notes: Notebook,
}

/// Presses of resume are this many wishes apart.
const RESUME_EVERY: u64 = 20;

impl Source {
    pub(crate) fn new(
        wish: Wish,
        home: Vec<Vec<f64>>,
        (period, control_period): (Duration, Duration),
        start: MonoTime,
        notes: Notebook,
    ) -> Self {
        Self { wish, known: Known::new(home, control_period), period, next: start, seq: 0, notes }
    }

    fn input(&self) -> OperatorInput {
        let (open, held) = (self.known.open(), self.known.owner() == Owner::Hold);
        let resume = self.wish == Wish::Proposal && open && held && self.seq.is_multiple_of(RESUME_EVERY);
        OperatorInput {
            clutch: self.wish == Wish::Input && open && !self.known.status.needs_release,
            acts: if resume { vec![Act::Resume.into()] } else { Vec::new() },
            ..self.known.input(self.seq)
        }
    }

    /// Notes a tick in which the owner under test followed a wish of ours.
    fn recorded(&self, record: &TickRecord) {
        let Some(arm) = record.groups.first() else { return };
        let wish = match (self.wish, arm.owner()) {
            (Wish::Input, Owner::Human) => {
                record.input.as_ref().and_then(|input| input.header).map(|header| header.seq)
            }
            (Wish::Proposal, Owner::Policy) => (arm.chunk > 0).then_some(arm.chunk),
            _ => None,
        };
        let nanos = |nanos: i64| u64::try_from(nanos).unwrap_or(0);
        self.notes.open().followed.extend(wish.map(|wish| Followed {
            tick: record.tick,
            wish,
            at: MonoTime::from_nanos(nanos(record.at_nanos)),
            late: Duration::from_nanos(nanos(record.late_nanos)),
        }));
    }
}

impl Node for Source {
    fn name(&self) -> &'static str {
        "source"
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
        // A stall is not made up for by a burst: that would not be paced traffic.
        self.next = (self.next + self.period).max(now);
        self.seq += 1;
        let at = Clock::System.now();
        let input = self.input();
        let wish: Message = match self.wish {
            Wish::Proposal => self.known.proposal(self.seq).into(),
            Wish::Input => input.clone().into(),
        };
        let mut notes = self.notes.open();
        notes.sent.insert(self.seq, Sent { due, at });
        if notes.bytes.0 == 0 && self.known.open() {
            notes.bytes.0 = wish.encode().len();
        }
        out.publish(wish);
        if self.wish == Wish::Proposal {
            out.publish(input);
        }
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}
