//! Two nodes at the ends of the way from a wish to a command, which note when they sent and received what.

use std::{
    collections::BTreeMap,
    f64::consts::TAU,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use retake_bus::Clock;
use retake_gate::{Gate, GateConfig};
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{
        Act, Beacon, GroupValues, Header, Observation, OperatorInput, Owner, Phase, Pose, Proposal,
        ProposalStep, RobotDescriptor, Status, TickRecord,
    },
};

/// Whose wishes are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Input,
    Proposal,
}

/// A tick that followed a wish, as the arbiter recorded it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Followed {
    pub(crate) tick: u64,
    pub(crate) wish: u64,
    pub(crate) at: MonoTime,
    pub(crate) late: Duration,
}

/// What both ends noted.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) sent: BTreeMap<u64, MonoTime>,
    pub(crate) followed: Vec<Followed>,
    pub(crate) commands: BTreeMap<u64, MonoTime>,
    /// Bytes of the last wish and of the last command.
    pub(crate) bytes: (usize, usize),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Notebook(Arc<Mutex<Notes>>);

impl Notebook {
    fn open(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(&self) -> Notes {
        std::mem::take(&mut *self.open())
    }
}

/// An operator, and beside it a policy, at one rate that is no multiple of the tick's: so wishes come at all times between ticks.
pub(crate) struct Source {
    wish: Wish,
    home: Vec<Vec<f64>>,
    period: Duration,
    next: MonoTime,
    seq: u64,
    beacon: Beacon,
    status: Status,
    observation: u64,
    notes: Notebook,
}

/// Presses of resume are this many wishes apart.
const RESUME_EVERY: u64 = 20;
const STEPS: u32 = 16;
const CONTROL_PERIOD_NANOS: i64 = 20_000_000;

impl Source {
    pub(crate) fn new(
        wish: Wish,
        home: Vec<Vec<f64>>,
        period: Duration,
        start: MonoTime,
        notes: Notebook,
    ) -> Self {
        let (beacon, status) = (Beacon::default(), Status::default());
        Self { wish, home, period, next: start, seq: 0, beacon, status, observation: 0, notes }
    }

    fn header(&self, session: u64) -> Header {
        Header {
            epoch: self.beacon.epoch,
            seq: self.seq,
            beacon: self.beacon.nonce,
            session,
            ..Header::default()
        }
    }

    /// Slowly to and fro, so that commands change and stay near the start.
    fn swing(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a small count")]
        let turns = self.seq as f64 * 0.01;
        (turns * TAU).sin()
    }

    fn input(&self) -> OperatorInput {
        let open = matches!(self.status.phase(), Phase::Ready | Phase::Running);
        let held = self.status.groups.first().is_some_and(|group| group.owner() == Owner::Hold);
        let resume = self.wish == Wish::Proposal && open && held && self.seq.is_multiple_of(RESUME_EVERY);
        OperatorInput {
            header: Some(self.header(0x01)),
            operator: "probe".into(),
            device: "probe".into(),
            clutch: self.wish == Wish::Input && open && !self.status.needs_release,
            valid: true,
            twist: vec![0.0, 0.0, 0.3 * self.swing(), 0.0, 0.0, 0.0],
            acts: if resume { vec![Act::Resume.into()] } else { Vec::new() },
            raw: vec![0.0; 16],
            ..OperatorInput::default()
        }
    }

    fn proposal(&self) -> Proposal {
        let mut values = self.home.clone();
        values.iter_mut().take(1).flatten().for_each(|value| *value += 0.02 * self.swing());
        let groups = values.into_iter().map(|values| GroupValues { values }).collect();
        let step = ProposalStep { groups };
        Proposal {
            header: Some(self.header(0x02)),
            version: "probe".into(),
            chunk: self.seq,
            observation_seq: self.observation,
            period_nanos: CONTROL_PERIOD_NANOS,
            steps: (0..STEPS).map(|_| step.clone()).collect(),
            ..Proposal::default()
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
            Message::Beacon(beacon) => self.beacon = *beacon,
            Message::Status(status) => self.status = status.clone(),
            Message::Tick(record) => self.recorded(record),
            Message::Observation(observation) => {
                self.observation = observation.header.unwrap_or_default().seq
            }
            _ => {}
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        // A stall is not made up for by a burst: that would not be paced traffic.
        self.next = (self.next + self.period).max(now);
        self.seq += 1;
        let sent = Clock::System.now();
        let input = self.input();
        let wish: Message = match self.wish {
            Wish::Proposal => self.proposal().into(),
            Wish::Input => input.clone().into(),
        };
        let mut notes = self.notes.open();
        notes.sent.insert(self.seq, sent);
        notes.bytes.0 = wish.encode().len();
        out.publish(wish);
        if self.wish == Wish::Proposal {
            out.publish(input);
        }
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}

/// A robot that is always where it was told to be, behind the same gate as every driver.
pub(crate) struct Driver {
    descriptor: RobotDescriptor,
    home: Vec<Vec<f64>>,
    gate: Gate,
    period: Duration,
    next: MonoTime,
    seq: u64,
    resets: u64,
    notes: Notebook,
}

const DESCRIBE_EVERY: u64 = 25;
const SESSION: u64 = 0x03;

impl Driver {
    pub(crate) fn new(
        descriptor: RobotDescriptor,
        home: Vec<Vec<f64>>,
        start: MonoTime,
        notes: Notebook,
    ) -> Self {
        let gate = Gate::new(GateConfig::from_descriptor(&descriptor), home.clone());
        let period = Duration::from_secs_f64(1.0 / descriptor.control_hz);
        Self { descriptor, home, gate, period, next: start, seq: 0, resets: 0, notes }
    }

    fn observation(&mut self, now: MonoTime) -> Observation {
        self.gate.issue(self.seq, now);
        let group = |values: &Vec<f64>| GroupValues { values: values.clone() };
        Observation {
            header: Some(Header { seq: self.seq, session: SESSION, ..Header::default() }),
            captured_nanos: now.wire_nanos(),
            position: self.gate.set_point().iter().map(group).collect(),
            tool: Some(Pose { x: 0.45, z: 0.3, qw: 1.0, ..Pose::default() }),
            driver_beacon: self.seq,
            resets: self.resets,
            ..Observation::default()
        }
    }
}

impl Node for Driver {
    fn name(&self) -> &'static str {
        "driver"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Command, Topic::Reset]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Descriptor, Topic::Observation, Topic::Applied]
    }

    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        // The clock at the moment the driver acts, so that the mailbox and the thread's waking are in the figure.
        let acts = Clock::System.now();
        if let Message::Command(command) = message {
            out.publish(self.gate.offer(command, now));
            let mut notes = self.notes.open();
            notes.commands.insert(command.tick, acts);
            notes.bytes.1 = message.encode().len();
        } else if let Message::Reset(reset) = message
            && reset.resets > self.resets
        {
            self.resets = reset.resets;
            out.publish(self.gate.rest_at(self.home.clone(), now));
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.next = (self.next + self.period).max(now);
        if self.seq.is_multiple_of(DESCRIBE_EVERY) {
            out.publish(self.descriptor.clone());
        }
        self.seq += 1;
        if let Some(applied) = self.gate.watch(now) {
            out.publish(applied);
        }
        out.publish(self.observation(now));
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}
