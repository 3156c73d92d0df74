//! What really reached the intervention node and when, and what may follow from it. Only what can be known without knowing the
//! node: who has a hand on a button now, who spoke lately, who said stop.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use retake_deployment::Settings;
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Act, Command, Group, OperatorInput, Owner, Phase, TickRecord},
};

use super::Met;

const INPUT_AGE: Duration = Duration::from_millis(100);
const ROBOT_TIMEOUT: Duration = Duration::from_millis(200);
/// A tap may move the robot for this long.
const TAP_LIMIT: Duration = Duration::from_secs(2);
/// From full speed to rest, with room to spare: 1.9 rad/s at 12 rad/s² and 400 rad/s³ takes 0.2 s.
const BRAKING: Duration = Duration::from_millis(600);
/// The trajectory generator is exact to about a nanometre; three differences of it over a period are to 1e-3 rad/s³.
const SLACK: f64 = 1.0 + 1e-4;
const TRAIL: usize = 40;
const BEACONS: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Truth {
    groups: Vec<Group>,
    period: f64,
    operator_timeout: Duration,
    policy_timeout: Duration,
    beacons: VecDeque<(u64, MonoTime)>,
    epoch: u64,
    numbers: BTreeMap<u64, u64>,
    hands: BTreeMap<String, (MonoTime, OperatorInput)>,
    resumed: Option<MonoTime>,
    proposed: Option<MonoTime>,
    robot: Option<MonoTime>,
    tapped: Option<MonoTime>,
    stopped: bool,
    last: Option<TickRecord>,
    /// Since when each group has had its owner without interruption.
    since: Vec<MonoTime>,
    /// Newest first, as long as they follow each other: none after a command to stop, which the driver does not go by.
    commands: VecDeque<Command>,
    pub(super) met: Met,
    pub(super) wrong: Option<String>,
    pub(super) trail: VecDeque<String>,
}

fn within(now: MonoTime, then: Option<MonoTime>, span: Duration) -> bool {
    then.is_some_and(|then| now < then + span)
}

impl Truth {
    pub(super) fn begin(&mut self, settings: &Settings) {
        self.groups.clone_from(&settings.descriptor.groups);
        self.period = 1.0 / settings.descriptor.control_hz;
        self.operator_timeout = settings.operator_timeout;
        self.policy_timeout = settings.policy_timeout;
        self.since = vec![MonoTime::ZERO; self.groups.len()];
    }

    fn note(&mut self, now: MonoTime, what: String) {
        if self.trail.len() == TRAIL {
            self.trail.pop_front();
        }
        self.trail.push_back(format!("{:>10.3} s  {what}", now.nanos() as f64 * 1e-9));
    }

    pub(super) fn died(&mut self, now: MonoTime) {
        self.note(now, "the intervention node dies".into());
    }

    /// Starts again, knowing nothing, and answers the highest epoch that was ever seen.
    pub(super) fn rose(&mut self, now: MonoTime) -> u64 {
        self.note(now, "the intervention node starts again".into());
        self.met.restarts += 1;
        self.beacons.clear();
        self.numbers.clear();
        self.hands.clear();
        self.commands.clear();
        (self.resumed, self.proposed, self.robot, self.tapped) = (None, None, None, None);
        (self.stopped, self.last) = (false, None);
        self.since.fill(now);
        self.epoch
    }

    /// Something reached the intervention node.
    #[expect(clippy::wildcard_enum_match_arm, reason = "only what it subscribes to arrives")]
    pub(super) fn arrived(&mut self, now: MonoTime, message: &Message) {
        match message {
            Message::Observation(_) => self.robot = Some(now),
            Message::Proposal(_) => self.proposed = Some(now),
            Message::Applied(applied) if applied.tripped => {
                // Commands begin anew where the driver stopped.
                self.commands.clear();
                self.since.fill(now);
            }
            Message::Input(input) => self.heard(now, input),
            _ => {}
        }
    }

    fn heard(&mut self, now: MonoTime, input: &OperatorInput) {
        let fresh = self.fresh(now, input);
        let (who, clutch, rewind) = (&input.operator, input.clutch, input.rewind);
        let acts: Vec<Act> = input.acts().collect();
        let text = format!(
            "{} {who}: clutch {clutch} {:?}, rewind {rewind}, valid {}, {acts:?}",
            if fresh { "hears" } else { "must not believe" },
            input.groups,
            input.valid
        );
        self.note(now, text);
        if !fresh {
            return;
        }
        self.hands.insert(input.operator.clone(), (now, input.clone()));
        for act in acts {
            #[expect(clippy::wildcard_enum_match_arm, reason = "no other act matters here")]
            match act {
                Act::Stop => {
                    self.met.stops += u64::from(!self.stopped);
                    self.stopped = true;
                }
                Act::ClearStop => self.stopped = false,
                Act::Resume => self.resumed = Some(now),
                Act::RewindTap => self.tapped = Some(now),
                _ => {}
            }
        }
    }

    /// It answers to something said lately, and is newer than everything of its sender.
    fn fresh(&mut self, now: MonoTime, input: &OperatorInput) -> bool {
        let Some(header) = input.header else { return false };
        let issued = self.beacons.iter().find(|(nonce, _)| *nonce == header.beacon);
        let young = issued.is_some_and(|(_, at)| now.since(*at) <= INPUT_AGE);
        let newer = self.numbers.get(&header.session).is_none_or(|newest| header.seq > *newest);
        if young && newer && header.epoch <= self.epoch {
            self.numbers.insert(header.session, header.seq);
            return true;
        }
        false
    }

    /// The intervention node said something.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest follows from these")]
    pub(super) fn said(&mut self, now: MonoTime, message: &Message) {
        let judged = match message {
            Message::Beacon(beacon) => {
                if self.beacons.len() == BEACONS {
                    self.beacons.pop_front();
                }
                self.beacons.push_back((beacon.nonce, now));
                self.epoch = self.epoch.max(beacon.epoch);
                Ok(())
            }
            Message::Reset(_) => {
                // The scene is put back by other means, and commands begin anew after it.
                self.commands.clear();
                self.since.fill(now);
                Ok(())
            }
            Message::Command(command) => self.commanded(command),
            Message::Tick(tick) => self.ticked(now, tick),
            _ => Ok(()),
        };
        if let Err(what) = judged
            && self.wrong.is_none()
        {
            self.wrong = Some(format!("{} ns: {what}", now.nanos()));
        }
    }

    /// Every command, and so every change of owner, is within every limit.
    fn commanded(&mut self, command: &Command) -> Result<(), String> {
        let follows = self.commands.front().is_none_or(|last| command.tick == last.tick + 1);
        if command.stop || !follows {
            self.commands.clear();
        }
        if command.stop {
            return Ok(());
        }
        self.commands.push_front(command.clone());
        self.commands.truncate(4);
        let dt = self.period;
        for (index, group) in self.groups.iter().enumerate() {
            for value in 0..group.lower.len() {
                let p: Vec<f64> = self.commands.iter().map(|c| c.position[index].values[value]).collect();
                let within = |name: &str, is: f64, limit: f64| {
                    let holds = is.abs() <= limit * SLACK;
                    holds.then_some(()).ok_or(format!("{}[{value}]: {name} {is}, limit {limit}", group.name))
                };
                within("position", p[0] - p[0].clamp(group.lower[value], group.upper[value]), 1e-9)?;
                if let [a, b, ..] = p[..] {
                    within("velocity", (a - b) / dt, group.velocity[value])?;
                }
                if let [a, b, c, ..] = p[..] {
                    within("acceleration", (a - 2.0 * b + c) / dt.powi(2), group.acceleration[value])?;
                }
                if let [a, b, c, d] = p[..] {
                    within("jerk", (a - 3.0 * b + 3.0 * c - d) / dt.powi(3), group.jerk[value])?;
                }
            }
        }
        Ok(())
    }

    fn ticked(&mut self, now: MonoTime, tick: &TickRecord) -> Result<(), String> {
        self.met.ticks += 1;
        let last = self.last.replace(tick.clone());
        if last.as_ref().is_some_and(|last| tick.epoch < last.epoch) || tick.epoch < self.epoch {
            return Err("the epoch fell".into());
        }
        let before = last.as_ref().map_or(&[][..], |last| last.groups.as_slice());
        for (index, group) in tick.groups.iter().enumerate() {
            let was = before.get(index).map_or(Owner::Hold, |before| before.owner());
            if was != group.owner() {
                self.met.changes += 1;
                self.since[index] = now;
                self.note(
                    now,
                    format!("{}: {was:?} → {:?} {:?}", self.groups[index].name, group.owner(), group.cause()),
                );
            }
            let driven = match group.owner() {
                Owner::Policy => Some(0),
                Owner::Human => Some(1),
                Owner::Rewind => Some(2),
                Owner::Shared => Some(3),
                Owner::Hold | Owner::Unspecified => None,
            };
            driven.into_iter().for_each(|owner| self.met.driven[owner] += 1);
            self.may_own(now, index, group.owner(), was, last.as_ref(), tick)?;
            if let Some(before) =
                before.get(index).filter(|_| self.commands.len() > 1 && last.as_ref().is_some_and(drivable))
            {
                self.moves(now, index, (&before.command, &group.command), group.owner())?;
            }
        }
        if !drivable(tick) {
            self.since.fill(now);
        }
        Ok(())
    }

    /// Whoever drives has the right to, now.
    fn may_own(
        &self,
        now: MonoTime,
        index: usize,
        owner: Owner,
        was: Owner,
        last: Option<&TickRecord>,
        tick: &TickRecord,
    ) -> Result<(), String> {
        let name = &self.groups[index].name;
        let must = |holds: bool, what: &str| {
            if holds { Ok(()) } else { Err(format!("tick {} {name}, {owner:?}: {what}", tick.tick)) }
        };
        let heard =
            self.hands.values().filter(|(at, input)| now < *at + self.operator_timeout && input.valid);
        let clutched = heard
            .clone()
            .any(|(_, input)| input.clutch && (input.groups.is_empty() || input.groups.contains(name)));
        let rewound = heard.clone().any(|(_, input)| input.rewind)
            || (within(now, self.tapped, TAP_LIMIT) && heard.clone().next().is_some());
        match owner {
            Owner::Hold => return Ok(()),
            Owner::Unspecified => return Err("a group without an owner".into()),
            Owner::Human => must(clutched, "nobody's hand is on the clutch")?,
            Owner::Shared => must(clutched, "nobody's hand is on the clutch")?,
            Owner::Rewind => must(rewound, "nobody's hand is on rewind")?,
            Owner::Policy => {}
        }
        if matches!(owner, Owner::Policy | Owner::Shared) {
            let spoke = within(now, self.proposed, self.policy_timeout);
            must(spoke || within(now, self.resumed, self.policy_timeout), "the policy is silent")?;
            let before = last.map_or(MonoTime::ZERO, |last| {
                MonoTime::from_nanos(u64::try_from(last.at_nanos).unwrap_or(0))
            });
            let resumed = self.resumed.is_some_and(|at| at >= before);
            let drove = matches!(was, Owner::Policy | Owner::Shared);
            must(drove || resumed, "the policy was given the robot without a word")?;
        }
        must(!self.stopped, "it was told to stop")?;
        must(within(now, self.robot, ROBOT_TIMEOUT), "the robot is silent")?;
        must(drivable(tick), "there is no episode to drive in")
    }

    /// What nobody drives comes to rest and stays; what a human only closes does not open.
    fn moves(
        &self,
        now: MonoTime,
        index: usize,
        (was, is): (&[f64], &[f64]),
        owner: Owner,
    ) -> Result<(), String> {
        let name = &self.groups[index].name;
        if now < self.since[index] + BRAKING {
            return Ok(());
        }
        let moved = was.iter().zip(is).map(|(was, is)| is - was);
        let most = moved.clone().fold(0.0, |most: f64, moved| most.max(moved.abs()));
        let opened = moved.fold(0.0, f64::max);
        match owner {
            Owner::Hold if most > 1e-9 => Err(format!("{name} moves by {most} and nobody drives it")),
            Owner::Human if is.len() == 1 && opened > 1e-9 => {
                Err(format!("{name} opens by {opened} under a hand that closes it"))
            }
            Owner::Hold
            | Owner::Human
            | Owner::Policy
            | Owner::Shared
            | Owner::Rewind
            | Owner::Unspecified => Ok(()),
        }
    }
}

fn drivable(tick: &TickRecord) -> bool {
    matches!(tick.phase(), Phase::Ready | Phase::Running)
}
