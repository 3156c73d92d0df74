//! An operator whose hands the campaign moves, and their words for it.
#![expect(clippy::wildcard_enum_match_arm, reason = "only subscribed topics arrive")]

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{Act, Beacon, Header, OperatorInput, Status},
};

/// As a gamepad that is read 100 times a second.
const PERIOD: Duration = Duration::from_millis(10);

/// What the hands do, from now on. The stick stays where it is when the clutch is let go.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Hand {
    pub(crate) clutch: bool,
    pub(crate) rewind: bool,
    /// Nobody is there: nothing is said.
    pub(crate) away: bool,
    /// Tool velocity as a fraction of full speed.
    pub(crate) stick: [f64; 3],
}

/// One line of the pipe from the campaign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    Hand(Hand),
    Act(Act),
}

impl Order {
    pub(crate) fn line(self) -> String {
        match self {
            Self::Hand(Hand { clutch, rewind, away, stick: [x, y, z] }) => {
                let [clutch, rewind, away] = [clutch, rewind, away].map(u8::from);
                format!("hand {clutch} {rewind} {away} {x} {y} {z}\n")
            }
            Self::Act(act) => format!("act {}\n", i32::from(act)),
        }
    }

    pub(crate) fn parse(line: &str) -> anyhow::Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["hand", clutch, rewind, away, x, y, z] => Ok(Self::Hand(Hand {
                clutch: *clutch == "1",
                rewind: *rewind == "1",
                away: *away == "1",
                stick: [x.parse()?, y.parse()?, z.parse()?],
            })),
            ["act", number] => Ok(Self::Act(Act::try_from(number.parse::<i32>()?).context("no such act")?)),
            _ => anyhow::bail!("an order that means nothing: {line:?}"),
        }
    }
}

/// What the hands do and what they still have to do once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hands(Arc<Mutex<(Hand, Vec<Act>)>>);

impl Hands {
    pub(crate) fn obey(&self, order: Order) {
        let mut hands = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match order {
            Order::Hand(hand) => hands.0 = hand,
            Order::Act(act) => hands.1.push(act),
        }
    }

    fn take(&self) -> (Hand, Vec<Act>) {
        let mut hands = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (hands.0, std::mem::take(&mut hands.1))
    }
}

/// The operator's node. As every operator's node it says stop again until the service says that it has stopped.
#[derive(Debug)]
pub(crate) struct HandOperator {
    name: &'static str,
    hands: Hands,
    session: u64,
    beacon: Beacon,
    seq: u64,
    stopping: bool,
    next: MonoTime,
}

impl HandOperator {
    pub(crate) fn new(name: &'static str, hands: Hands, session: u64, start: MonoTime) -> Self {
        Self { name, hands, session, beacon: Beacon::default(), seq: 0, stopping: false, next: start }
    }
}

impl Node for HandOperator {
    fn name(&self) -> &str {
        self.name
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Beacon, Topic::Status]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Input]
    }

    fn receive(&mut self, _: MonoTime, message: &Message, _: &mut Outbox) {
        match message {
            Message::Beacon(beacon)
                if beacon.session != self.beacon.session || beacon.tick >= self.beacon.tick =>
            {
                self.beacon = *beacon;
            }
            Message::Status(Status { stopped: true, .. }) => self.stopping = false,
            _ => {}
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.next = self.next + PERIOD;
        if self.next <= now {
            self.next = now + PERIOD;
        }
        let (hand, mut acts) = self.hands.take();
        if hand.away {
            return;
        }
        if acts.contains(&Act::Stop) {
            self.stopping = true;
        } else if self.stopping {
            acts.push(Act::Stop);
        }
        self.seq += 1;
        let [x, y, z] = hand.stick;
        out.publish(OperatorInput {
            header: Some(Header {
                epoch: self.beacon.epoch,
                seq: self.seq,
                beacon: self.beacon.nonce,
                sent_nanos: now.wire_nanos(),
                session: self.session,
            }),
            operator: self.name.to_owned(),
            device: "campaign".to_owned(),
            clutch: hand.clutch,
            rewind: hand.rewind,
            valid: true,
            twist: vec![x, y, z, 0.0, 0.0, 0.0],
            acts: acts.into_iter().map(i32::from).collect(),
            ..OperatorInput::default()
        });
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_survive_the_pipe() {
        let hand = Hand { clutch: true, rewind: false, away: true, stick: [0.5, -0.25, 0.0] };
        for order in [Order::Hand(hand), Order::Act(Act::Resume)] {
            assert_eq!(Order::parse(&order.line()).unwrap(), order);
        }
        assert!(Order::parse("hand 1").is_err());
    }
}
