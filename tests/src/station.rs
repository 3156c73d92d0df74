//! An operator whose hands the test moves.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{Act, Beacon, Header, OperatorInput},
};

/// What the operator's hands do, from now on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hand {
    /// Clutch is down.
    pub clutch: bool,
    /// Rewind is down.
    pub rewind: bool,
    /// The device is unplugged but still talked to.
    pub lost: bool,
    /// The line is dead: nothing is sent.
    pub silent: bool,
    /// Stick, as a fraction of full speed.
    pub twist: [f64; 6],
    /// Gripper speed, as a fraction.
    pub gripper: f64,
    /// Groups the clutch takes.
    pub groups: Vec<String>,
}

#[derive(Debug, Default)]
struct Hands {
    hand: Hand,
    acts: Vec<Act>,
}

/// The test's end of an operator.
#[derive(Clone, Debug)]
pub struct Station {
    name: String,
    hands: Arc<Mutex<Hands>>,
}

impl Station {
    /// An operator who does nothing yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), hands: Arc::default() }
    }

    /// Their name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Moves the hands.
    pub fn set(&self, hand: Hand) {
        self.hands.lock().unwrap().hand = hand;
    }

    /// Holds the clutch and pushes the stick.
    pub fn drive(&self, twist: [f64; 6]) {
        self.set(Hand { clutch: true, twist, ..Hand::default() });
    }

    /// Holds rewind.
    pub fn rewind(&self) {
        self.set(Hand { rewind: true, ..Hand::default() });
    }

    /// Lets everything go.
    pub fn release(&self) {
        self.set(Hand::default());
    }

    /// Does something once, with the next input.
    pub fn act(&self, act: Act) {
        self.hands.lock().unwrap().acts.push(act);
    }

    pub(crate) fn node(&self, session: u64, first: MonoTime) -> StationNode {
        StationNode { station: self.clone(), beacon: Beacon::default(), session, seq: 0, next: first }
    }
}

/// The deployment's end of it.
pub(crate) struct StationNode {
    station: Station,
    beacon: Beacon,
    session: u64,
    seq: u64,
    next: MonoTime,
}

impl fmt::Debug for StationNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StationNode").field("name", &self.station.name).finish_non_exhaustive()
    }
}

const PERIOD: Duration = Duration::from_millis(20);

impl Node for StationNode {
    fn name(&self) -> &str {
        &self.station.name
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Beacon]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Input]
    }

    fn receive(&mut self, _: MonoTime, message: &Message, _: &mut Outbox) {
        if let Message::Beacon(beacon) = message {
            self.beacon = *beacon;
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.next = self.next + PERIOD;
        let mut hands = self.station.hands.lock().unwrap();
        if hands.hand.silent {
            return;
        }
        self.seq += 1;
        let acts = std::mem::take(&mut hands.acts).into_iter().map(i32::from).collect();
        let hand = hands.hand.clone();
        out.publish(OperatorInput {
            header: Some(Header {
                epoch: self.beacon.epoch,
                seq: self.seq,
                beacon: self.beacon.nonce,
                sent_nanos: now.wire_nanos(),
                session: self.session,
            }),
            operator: self.station.name.clone(),
            device: "test".into(),
            clutch: hand.clutch,
            rewind: hand.rewind,
            valid: !hand.lost,
            twist: hand.twist.to_vec(),
            gripper: hand.gripper,
            groups: hand.groups,
            acts,
            ..OperatorInput::default()
        });
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}
