//! One deployment and its runs: engage, trouble, clear, watch, recover.

use std::{collections::BTreeMap, time::Duration};

use rand::{Rng as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use retake_bus::Clock;
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Act, OperatorInput, Outcome, Owner, Phase},
};

use super::{
    check::{Braking, Checker, Violation, braking_began},
    child::{Event, What},
    hand::{Hand, Order},
    link::Wire,
    mode::{Engage, Mode},
    node::Kind,
    station::{Station, View},
    wiretap::Frame,
};

/// What had to make the robot stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stopper {
    OperatorLost,
    ArbiterLost,
    StopPressed,
    Released,
}

/// What one run found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) engaged: bool,
    pub(crate) applied: u64,
    pub(crate) refused: u64,
    pub(crate) violations: Vec<Violation>,
    pub(crate) stops: Vec<(Stopper, Duration)>,
    /// Robots that had not begun to brake when the run ended.
    pub(crate) unstopped: Vec<Stopper>,
    /// The deployment had to be begun anew.
    pub(crate) unsettled: bool,
    /// What was on the wire, if something was unsafe or the robot did not brake.
    pub(crate) wire: String,
}

/// A deployment with its checker.
#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) station: Station,
    checker: Checker,
    pub(crate) random: ChaCha8Rng,
    /// From when on the robot had to stop, and why.
    pub(crate) stoppers: Vec<(Stopper, MonoTime)>,
    seed: u64,
}

pub(super) const AWAY: Hand = Hand { clutch: false, rewind: false, away: true, stick: [0.0; 3] };
pub(super) const IDLE: Hand = Hand { away: false, ..AWAY };
const SETTLE: Duration = Duration::from_secs(6);
/// Frames of the last moments may still be in a pipe.
const PIPE: Duration = Duration::from_millis(40);
/// A robot that is all but at rest has its last commands before it.
const REST: Duration = Duration::from_millis(80);

pub(super) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl Campaign {
    pub(crate) fn start(seed: u64) -> anyhow::Result<Self> {
        let random = ChaCha8Rng::seed_from_u64(seed);
        let (station, checker) = (Station::start(seed)?, Checker::default());
        let mut campaign = Self { station, checker, random, stoppers: Vec::new(), seed };
        if !campaign.settle()? {
            anyhow::bail!("the deployment does not come up: {:?}", campaign.station.view.status);
        }
        Ok(campaign)
    }

    /// One run of `mode`. The deployment is left in a state from which the next run can begin.
    pub(crate) fn run(&mut self, mode: &Mode, seed: u64) -> anyhow::Result<Found> {
        self.random = ChaCha8Rng::seed_from_u64(seed);
        self.stoppers.clear();
        let engage = *mode.engage.choose(&mut self.random).unwrap_or(&Engage::Human);
        let mut outcome = Found { engaged: self.engage(engage), ..Found::default() };
        if outcome.engaged {
            let dwell = self.random.random_range(100..220);
            self.station.pass(millis(dwell));
            self.trouble(mode.trouble, engage)?;
        }
        if !self.settle()? {
            // A deployment that does not recover by itself is begun anew, and that is told.
            super::tell(&format!(
                "{}: the deployment did not settle: {:?}",
                mode.name, self.station.view.status
            ));
            outcome.unsettled = true;
            self.judge(&mut outcome);
            self.seed = self.seed.wrapping_add(0x9e37_79b9);
            self.station = Station::start(self.seed)?;
            self.checker = Checker::default();
            self.settle()?;
            return Ok(outcome);
        }
        self.judge(&mut outcome);
        Ok(outcome)
    }

    fn judge(&mut self, outcome: &mut Found) {
        if !self.stoppers.is_empty() {
            self.station.pass(REST);
        }
        let until = Clock::System.now();
        self.station.pass(PIPE);
        let events = self.station.take(until);
        let (applied, refused) = (self.checker.applied, self.checker.refused);
        events.iter().for_each(|event| self.checker.note(event));
        outcome.applied = self.checker.applied - applied;
        outcome.refused = self.checker.refused - refused;
        outcome.violations = self.checker.take();
        let speeds = speeds(&events);
        for (stopper, from) in std::mem::take(&mut self.stoppers) {
            let from = truly(&events, stopper, from);
            let stopped = match stopper {
                Stopper::ArbiterLost => watchdog(&events, from),
                Stopper::OperatorLost | Stopper::StopPressed | Stopper::Released => {
                    braking_began(&speeds, from)
                }
            };
            match stopped {
                Braking::AtRest => {}
                Braking::Began(at) => outcome.stops.push((stopper, at.since(from))),
                Braking::Never => outcome.unstopped.push(stopper),
            }
        }
        if !outcome.violations.is_empty() || !outcome.unstopped.is_empty() {
            outcome.wire = super::dump::text(&events, &outcome.violations);
        }
    }

    /// A stick that keeps the robot where it has room.
    pub(super) fn stick(&mut self) -> [f64; 3] {
        let tool = self.station.view.observation.as_ref().and_then(|observation| observation.tool);
        let tool = tool.unwrap_or_default();
        let towards = [0.5 - tool.x, -tool.y, 0.35 - tool.z];
        towards.map(|way| {
            let size = self.random.random_range(0.4..1.0);
            let sign = if way.abs() < 0.06 { self.random.random_bool(0.5) } else { way > 0.0 };
            if sign { size } else { -size }
        })
    }

    fn engage(&mut self, engage: Engage) -> bool {
        let stick = self.stick();
        match engage {
            Engage::Human => self.drive(stick),
            Engage::Policy => {
                self.station.order(Kind::Alice, Order::Act(Act::Resume));
                self.station.wait(millis(500), |view| view.owned_by(Owner::Policy))
            }
            Engage::Rewind => {
                let drove = self.drive(stick);
                self.station.pass(millis(250));
                self.station.hand(Kind::Alice, IDLE);
                if !drove || !self.station.wait(millis(500), |view| view.owned_by(Owner::Hold)) {
                    return false;
                }
                self.station.pass(millis(30));
                self.station.hand(Kind::Alice, Hand { rewind: true, stick, ..IDLE });
                self.station.wait(millis(500), |view| view.owned_by(Owner::Rewind))
            }
        }
    }

    pub(super) fn drive(&mut self, stick: [f64; 3]) -> bool {
        self.station.hand(Kind::Alice, Hand { clutch: true, stick, ..IDLE });
        self.station.wait(millis(500), |view| view.owned_by(Owner::Human))
    }

    pub(super) fn due(&mut self, stopper: Stopper) {
        self.stoppers.push((stopper, Clock::System.now()));
    }

    /// Ends all trouble and waits until everyone is there, nobody drives and the robot is at rest.
    pub(super) fn settle(&mut self) -> anyhow::Result<bool> {
        self.station.relay.clear();
        for kind in Kind::ALL {
            self.station.relay.link(kind)?.set(Wire::default());
        }
        let deadline = Clock::System.now() + SETTLE;
        loop {
            self.station.revive()?;
            self.station.hand(Kind::Bob, AWAY);
            self.station.hand(Kind::Alice, IDLE);
            if self.station.wait(millis(60), settled) {
                return Ok(true);
            }
            if Clock::System.now() >= deadline {
                return Ok(false);
            }
            let Some((_, status)) = &self.station.view.status else { continue };
            let act = if status.stopped {
                Act::ClearStop
            } else if status.groups.iter().any(|group| group.owner() == Owner::Policy) {
                Act::Pause
            } else {
                continue;
            };
            self.station.order(Kind::Alice, Order::Act(act));
            self.station.pass(millis(60));
        }
    }
}

/// All is well and at rest. A status is only believed if it is of now.
fn settled(view: &View) -> bool {
    let Some((at, status)) = &view.status else { return false };
    let fresh = Clock::System.now().since(*at) < millis(350);
    let there = status.robot_alive && status.policy_alive && status.operator == Kind::Alice.name();
    let free = !status.stopped && !status.needs_release;
    let open = matches!(status.phase(), Phase::Ready | Phase::Running);
    let slow = view.observation.as_ref().is_some_and(|observation| {
        observation.velocity.iter().flat_map(|group| &group.values).all(|value| value.abs() < 0.02)
    });
    fresh && there && free && open && slow && view.owned_by(Owner::Hold)
}

/// The fastest value of each command that the driver applied, as a share of the fastest joint's limit.
fn speeds(events: &[Event]) -> Vec<(MonoTime, f64)> {
    let mut last: Option<Vec<f64>> = None;
    let mut speeds = Vec::new();
    for event in events {
        let Some(Message::Applied(applied)) = said(event) else { continue };
        let now: Vec<f64> = applied.position.iter().take(1).flat_map(|group| group.values.clone()).collect();
        if let Some(last) = last.replace(now.clone())
            && matches!(applied.outcome(), Outcome::Applied | Outcome::Watchdog)
        {
            let fastest = now.iter().zip(&last).map(|(now, last)| (now - last).abs()).fold(0.0, f64::max);
            // At 50 Hz the slower joints' limit of 1.83 rad/s is 37 mrad per tick.
            speeds.push((event.at, fastest / 0.0367));
        }
    }
    speeds
}

/// What a process said.
fn said(event: &Event) -> Option<&Message> {
    let What::Frame(frame) = &event.what else { return None };
    let Frame { arrived: false, message, .. } = frame.as_ref() else { return None };
    Some(message)
}

fn input(event: &Event) -> Option<&OperatorInput> {
    if let Some(Message::Input(input)) = said(event) { Some(input) } else { None }
}

/// When it really happened, as the process that was lost or that said it knows.
fn truly(events: &[Event], stopper: Stopper, from: MonoTime) -> MonoTime {
    let alice = |event: &&Event| event.who == Kind::Alice;
    let stop = |event: &&Event| input(event).is_some_and(|input| input.acts().any(|act| act == Act::Stop));
    let up = |event: &&Event| input(event).is_some_and(|input| !input.clutch && !input.rewind);
    let mut after = events.iter().filter(|event| event.at >= from);
    let found = match stopper {
        Stopper::OperatorLost => {
            let mut before = events.iter().rev().filter(|event| event.at <= from).filter(alice);
            before.find(|event| input(event).is_some())
        }
        Stopper::StopPressed => after.find(stop),
        Stopper::Released => after.filter(alice).find(up),
        Stopper::ArbiterLost => None,
    };
    found.map_or(from, |event| event.at)
}

/// When the driver stopped by itself.
fn watchdog(events: &[Event], from: MonoTime) -> Braking {
    let mut after = events.iter().filter(|event| event.at >= from);
    let tripped = after.find(|event| {
        matches!(said(event), Some(Message::Applied(applied)) if applied.outcome() == Outcome::Watchdog)
    });
    tripped.map_or(Braking::Never, |event| Braking::Began(event.at))
}

/// Counts by name.
pub(crate) fn counted(violations: &[Violation]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for violation in violations {
        *counts.entry(violation.what.name()).or_default() += 1;
    }
    counts
}
