//! retake's own nodes on the same trace.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use retake_node::{Lockstep, Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{Act, Beacon, Header, OperatorInput, Owner, Phase, Pose},
};

use super::{Verdict, trace::Trace};
use crate::faults::{
    check::Checker,
    child::{Event, What},
    node::{Kind, settings},
    wiretap::Frame,
};

/// When the trace began, once it has.
type Start = Arc<Mutex<Option<MonoTime>>>;

/// Says the trace: each message with the header of its time, at the time the link brings it.
struct Operator {
    trace: Trace,
    begun: Start,
    beacon: Beacon,
    ready: bool,
    /// Headers of what was sent, by number; the beginning is before the trace.
    beacons: Vec<(u64, u64, u64)>,
    arrived: usize,
    seq: u64,
    next: MonoTime,
}

const LEAD: u64 = 10_000;
const SESSION: u64 = 0x7ace;

impl Operator {
    fn input(&self, number: u64, (epoch, beacon): (u64, u64), clutch: bool) -> OperatorInput {
        OperatorInput {
            header: Some(Header { epoch, seq: number, beacon, sent_nanos: 0, session: SESSION }),
            operator: Kind::Alice.name().into(),
            clutch,
            valid: true,
            twist: vec![0.8, 0.0, 0.0, 0.0, 0.0, 0.0],
            ..OperatorInput::default()
        }
    }
}

impl Node for Operator {
    fn name(&self) -> &'static str {
        "alice"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Beacon, Topic::Status]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Input]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only subscribed topics arrive")]
    fn receive(&mut self, now: MonoTime, message: &Message, _: &mut Outbox) {
        match message {
            Message::Beacon(beacon) => self.beacon = *beacon,
            Message::Status(status) => {
                self.ready = status.phase() == Phase::Ready;
                let driving = status.groups.iter().any(|group| group.owner() == Owner::Policy);
                let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
                if driving && begun.is_none() {
                    *begun = Some(now + Duration::from_millis(100));
                }
            }
            _ => {}
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.next = now + Duration::from_millis(1);
        let newest = (self.beacon.epoch, self.beacon.nonce);
        let begun = *self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(begun) = begun.filter(|begun| now >= *begun) else {
            // Before the trace: somebody is there, and starts the policy.
            if (now.nanos() / 1_000_000).is_multiple_of(10) {
                self.seq += 1;
                let mut input = self.input(self.seq, newest, false);
                if self.ready && begun.is_none() && self.seq.is_multiple_of(20) {
                    input.acts.push(Act::Resume.into());
                }
                out.publish(input);
            }
            return;
        };
        let at = u64::try_from(now.since(begun).as_millis()).unwrap_or(u64::MAX);
        for said in self.trace.said.iter().filter(|said| said.sent_ms == at) {
            if !self.beacons.iter().any(|(number, ..)| *number == said.number) {
                self.beacons.push((said.number, newest.0, newest.1));
            }
        }
        while let Some(said) = self.trace.said.get(self.arrived).filter(|said| said.arrives_ms <= at) {
            let of = self.beacons.iter().find(|(number, ..)| *number == said.number);
            if let Some((_, epoch, beacon)) = of {
                out.publish(self.input(LEAD + said.number, (*epoch, *beacon), said.clutch));
            }
            self.arrived += 1;
        }
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}

#[derive(Default)]
struct Tap {
    events: Vec<Event>,
    tool: Vec<(MonoTime, Pose)>,
    human: Vec<(MonoTime, bool)>,
}

impl Tap {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only what the checker looks at")]
    fn note(&mut self, at: MonoTime, message: &Message) {
        let mut push = |who, arrived| {
            let frame = Box::new(Frame { at, arrived, message: message.clone() });
            self.events.push(Event { at, who, what: What::Frame(frame) });
        };
        match message {
            Message::Input(_) => {
                push(Kind::Alice, false);
                push(Kind::Intervention, true);
            }
            Message::Proposal(_) => {
                push(Kind::Policy, false);
                push(Kind::Intervention, true);
            }
            Message::Command(_) => {
                push(Kind::Intervention, false);
                push(Kind::Driver, true);
            }
            Message::Applied(_) | Message::Descriptor(_) => push(Kind::Driver, false),
            Message::Observation(observation) => {
                push(Kind::Driver, false);
                self.tool.push((at, observation.tool.unwrap_or_default()));
            }
            Message::Reset(_) => push(Kind::Driver, true),
            Message::Beacon(_) => push(Kind::Intervention, false),
            Message::Tick(tick) => {
                let human = tick.groups.iter().any(|group| group.owner() == Owner::Human);
                self.human.push((at, human));
            }
            _ => {}
        }
    }
}

pub(super) fn judge(trace: &Trace) -> anyhow::Result<Verdict> {
    let mut settings = settings(7)?;
    settings.first_epoch = 1;
    let (start, begun) = (MonoTime::ZERO, Start::default());
    let operator = Operator {
        trace: trace.clone(),
        begun: Arc::clone(&begun),
        beacon: Beacon::default(),
        ready: false,
        beacons: Vec::new(),
        arrived: 0,
        seq: 0,
        next: start,
    };
    let nodes: Vec<Box<dyn Node>> = vec![
        Box::new(settings.sim(start)?),
        Box::new(settings.policy(start)),
        Box::new(settings.arbiter(start)),
        Box::new(operator),
    ];
    let mut lockstep = Lockstep::new(nodes, start);
    let tap = Arc::new(Mutex::new(Tap::default()));
    let shared = Arc::clone(&tap);
    lockstep.set_tap(move |at, _, message| {
        shared.lock().unwrap_or_else(PoisonError::into_inner).note(at, message)
    });
    let begun = loop {
        let next = lockstep.now() + Duration::from_millis(20);
        lockstep.run_until(next)?;
        if let Some(begun) = *begun.lock().unwrap_or_else(PoisonError::into_inner) {
            break begun;
        }
        anyhow::ensure!(next < MonoTime::from_nanos(20_000_000_000), "the policy never drove");
    };
    lockstep.run_until(begun + Duration::from_millis(trace.until_ms))?;
    let tap = tap.lock().unwrap_or_else(PoisonError::into_inner);
    let mut checker = Checker::default();
    tap.events.iter().for_each(|event| checker.note(event));
    let at = |ms: u64| begun + Duration::from_millis(ms);
    Ok(verdict(&tap, checker.take().len() as u64, at(trace.press_ms), at(trace.end_ms)))
}

fn verdict(tap: &Tap, unsafes: u64, press: MonoTime, end: MonoTime) -> Verdict {
    let millis = |at: MonoTime, from: MonoTime| at.since(from).as_secs_f64() * 1e3;
    let velocities: Vec<(MonoTime, [f64; 3])> = tap
        .tool
        .windows(2)
        .filter_map(|pair| {
            let ((from, a), (at, b)) = (pair.first()?, pair.last()?);
            let seconds = at.since(*from).as_secs_f64();
            Some((*at, [b.x - a.x, b.y - a.y, b.z - a.z].map(|way| way / seconds)))
        })
        .collect();
    let norm = |v: [f64; 3]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
    let steps = velocities.windows(2).filter_map(|pair| {
        let ((_, a), (at, b)) = (pair.first()?, pair.last()?);
        let near = at.nanos().abs_diff(press.nanos()) < 300_000_000;
        near.then(|| norm([b[0] - a[0], b[1] - a[1], b[2] - a[2]]))
    });
    let rest = velocities.iter().find(|(at, v)| *at > end && norm(*v) < 0.005);
    let human = tap.human.iter().find(|(at, human)| *at >= press && *human);
    Verdict {
        unsafes,
        stop_ms: rest.map(|(at, _)| millis(*at, end)),
        takeover_ms: human.map(|(at, _)| millis(*at, press)),
        step: steps.fold(0.0, f64::max),
    }
}
