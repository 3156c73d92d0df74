//! An operator whose hands the test moves.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use nalgebra::{UnitQuaternion, Vector3};
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{
        self, Act, Beacon, DriveMode, Frame, Header, OperatorInput, Pose, RewindTarget, rewind_target::Place,
    },
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
    /// Where to along the path while rewind is down.
    pub scrub: Option<f64>,
    /// Place of the path to go to while rewind is down.
    pub rewind_to: Option<Place>,
    /// Groups the clutch takes.
    pub groups: Vec<String>,
    /// What the clutch makes of the motion.
    pub mode: DriveMode,
}

/// What a tracked hand controller says, in robot axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracked {
    /// Its pose was measured.
    pub tracked: bool,
    /// Where the grip is, metres.
    pub position: [f64; 3],
    /// How it is turned, rotation vector, radians.
    pub turned: [f64; 3],
    /// 0 released to 1 squeezed.
    pub trigger: f64,
    /// The hand means the tool's axes.
    pub in_tool_frame: bool,
    /// Slow and exact.
    pub precision: bool,
    /// How often the headset was recentred.
    pub recentres: u32,
}

impl Default for Tracked {
    fn default() -> Self {
        Self {
            tracked: true,
            position: [0.0; 3],
            turned: [0.0; 3],
            trigger: 0.0,
            in_tool_frame: false,
            precision: false,
            recentres: 0,
        }
    }
}

impl Tracked {
    fn wire(&self) -> pb::Hand {
        let q = UnitQuaternion::new(Vector3::from(self.turned));
        let [x, y, z] = self.position;
        pb::Hand {
            name: "right".into(),
            tracked: self.tracked,
            grip: Some(Pose { x, y, z, qx: q.i, qy: q.j, qz: q.k, qw: q.w }),
            squeeze: 0.0,
            trigger: self.trigger,
            groups: Vec::new(),
        }
    }
}

#[derive(Debug, Default)]
struct Hands {
    hand: Hand,
    tracked: Option<Tracked>,
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

    /// The operator has a hand controller, which is there and says this from now on.
    pub fn track(&self, tracked: Tracked) {
        self.hands.lock().unwrap().tracked = Some(tracked);
    }

    /// The hand controller is switched off.
    pub fn untrack(&self) {
        self.hands.lock().unwrap().tracked = None;
    }

    /// Holds the clutch and pushes the stick.
    pub fn drive(&self, twist: [f64; 6]) {
        self.set(Hand { clutch: true, twist, ..Hand::default() });
    }

    /// Holds rewind.
    pub fn rewind(&self) {
        self.set(Hand { rewind: true, ..Hand::default() });
    }

    /// Holds rewind, and goes along the path at this fraction of its speed.
    pub fn scrub(&self, scrub: f64) {
        self.set(Hand { rewind: true, scrub: Some(scrub), ..Hand::default() });
    }

    /// Holds rewind to go to a place of the path.
    pub fn rewind_to(&self, place: Place) {
        self.set(Hand { rewind: true, rewind_to: Some(place), ..Hand::default() });
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
        let (hand, tracked) = (hands.hand.clone(), hands.tracked.clone());
        let tool = tracked.as_ref().is_some_and(|tracked| tracked.in_tool_frame);
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
            scrub: hand.scrub,
            rewind_to: hand.rewind_to.map(|place| RewindTarget { place: Some(place) }),
            mode: hand.mode.into(),
            acts,
            frame: if tool { Frame::Tool } else { Frame::Base }.into(),
            precision: tracked.as_ref().is_some_and(|tracked| tracked.precision),
            recentres: tracked.as_ref().map_or(0, |tracked| tracked.recentres),
            hands: tracked.iter().map(Tracked::wire).collect(),
            ..OperatorInput::default()
        });
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}
