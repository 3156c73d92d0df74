//! What follows from the history, rule by rule.

use std::time::Duration;

use retake_authority::{
    Act, Cause, Config, Drive, Event, GroupSet, Move, OperatorId, Refusal, RewindEnd, Stage, Supervision,
};
use retake_units::{Epoch, MonoTime};

use crate::{
    history::{Fact, History, Level, Who, needs_lease},
    protocol,
};

/// Authority as its history tells.
#[derive(Clone, Debug)]
pub struct Model {
    pub(crate) config: Config,
    pub(crate) history: History,
    pub(crate) epoch: u64,
}

impl Model {
    /// Nothing has happened yet.
    pub fn new(config: Config, epoch: Epoch) -> Self {
        Self { config, history: History::default(), epoch: epoch.0 }
    }

    /// Something happens at `now`. Answers which groups must have changed hands and why it is refused, if it is.
    pub fn tell(&mut self, event: Event, now: MonoTime) -> (GroupSet, Option<Refusal>) {
        let (mark, before) = (self.history.len(), (self.holder(), self.history.stopped()));
        let owners: Vec<Who> = self.config.groups.iter().map(|group| self.who(group)).collect();
        self.time_passes(now);
        let refusal = self.believe(event, now).err();
        self.nobody_watches(now);
        if self.history.gave(mark) || before != (self.holder(), self.history.stopped()) {
            self.epoch += 1;
        }
        let changed = self.config.groups.iter().zip(owners).filter(|(group, was)| self.who(*group) != *was);
        (changed.fold(GroupSet::NONE, |set, (group, _)| set.with(group)), refusal)
    }

    pub(crate) fn holder(&self) -> Option<OperatorId> {
        self.history.lease().map(|(_, _, holder)| holder)
    }

    fn who(&self, group: usize) -> Who {
        self.history.given(group).map_or(Who::Hold, |(who, _, _)| who)
    }

    fn driven_by(&self, wanted: &[Who]) -> GroupSet {
        let groups = self.config.groups.iter().filter(|group| wanted.contains(&self.who(*group)));
        groups.fold(GroupSet::NONE, GroupSet::with)
    }

    fn give(&mut self, groups: GroupSet, who: Who, cause: Cause, now: MonoTime) {
        for group in groups.iter() {
            self.history.add(now, Fact::Given { group, who, cause, epoch: self.epoch + 1 });
        }
    }

    /// Groups go to hold against their drivers' will: whatever button drove them must come up before it counts again.
    fn take(&mut self, groups: GroupSet, cause: Cause, now: MonoTime) {
        let rewind = groups.iter().any(|group| self.who(group) == Who::Rewind);
        self.history.add(now, Fact::Disarmed { groups, rewind });
        if rewind {
            self.history.add(now, Fact::Tap(false));
        }
        self.give(groups, Who::Hold, cause, now);
    }

    fn take_from(&mut self, drivers: &[Who], cause: Cause, now: MonoTime) {
        self.take(self.driven_by(drivers), cause, now);
    }

    /// Whatever is over is over before anything else counts: the robot, the operator, the tap, the policy.
    fn time_passes(&mut self, now: MonoTime) {
        if !self.history.robot_alive(&self.config, now) {
            self.take_from(DRIVERS, Cause::RobotLost, now);
        }
        if self.asked_until().is_some_and(|until| now >= until) {
            self.history.add(now, Fact::Asked(None));
        }
        if self.lease_until().is_some_and(|until| now >= until) {
            self.lease_ends(Cause::OperatorLost, now);
        } else if self.idle_until().is_some_and(|until| now >= until) {
            self.lease_ends(Cause::LeasePassed, now);
        }
        if self.history.tapped().is_some_and(|at| now >= at + self.config.tap_limit) {
            self.take_from(&[Who::Rewind], Cause::RewindReleased, now);
            self.history.add(now, Fact::Tap(false));
        }
        self.nobody_watches(now);
        let stale = self.driven_by(AUTOMATIC).iter().filter(|group| {
            let earned = self.history.earned(*group, self.history.len());
            earned.is_none_or(|at| now >= at + self.config.policy_timeout)
        });
        let stale = stale.fold(GroupSet::NONE, GroupSet::with);
        self.take(stale, Cause::PolicyStale, now);
    }

    fn nobody_watches(&mut self, now: MonoTime) {
        if self.holder().is_none() && self.config.supervision == Supervision::Required {
            self.take_from(AUTOMATIC, Cause::OperatorLost, now);
        }
    }

    /// The holder was last heard in this lease; whoever got it by asking was heard before, and when they asked.
    fn lease_until(&self) -> Option<MonoTime> {
        let (since, began, holder) = self.history.lease()?;
        let timeout = self.config.operator_timeout;
        let asked = self.history.asking(holder, since);
        let heard = self.history.heard(holder, asked.map_or(since, |(index, _)| index), timeout);
        Some(heard.unwrap_or_else(|| asked.map_or(began, |(_, at)| at) + timeout))
    }

    fn asked_until(&self) -> Option<MonoTime> {
        let (since, at, who) = self.history.asked()?;
        let timeout = self.config.operator_timeout;
        Some(self.history.heard(who, since, timeout).unwrap_or(at + timeout))
    }

    fn idle_until(&self) -> Option<MonoTime> {
        let ((_, asked, _), active) = (self.history.asked()?, self.history.active()?);
        Some(active.max(asked) + self.config.idle_release)
    }

    fn lease_ends(&mut self, cause: Cause, now: MonoTime) {
        self.take_from(OPERATED, cause, now);
        let next = self.history.asked().map(|(_, _, who)| who);
        self.history.add(now, Fact::Lease(next));
        self.history.add(now, Fact::Asked(None));
    }

    fn believe(&mut self, event: Event, now: MonoTime) -> Result<(), Refusal> {
        match event {
            Event::Input { age, .. } if age >= self.config.operator_timeout => return Err(Refusal::Late),
            Event::Input { operator, age, clutch, drive, rewind, valid } => {
                let clutch = clutch.and(self.config.groups);
                return self.input((operator, age), (clutch, drive, rewind, valid), now);
            }
            Event::Act { operator, act } => return self.act(operator, act, now),
            Event::Proposed { epoch } if epoch.0 <= self.epoch => {
                self.history.add(now, Fact::Proposed { epoch: epoch.0 });
            }
            Event::Proposed { .. } => {}
            Event::PolicyFaulted => self.take_from(AUTOMATIC, Cause::PolicyFault, now),
            Event::PolicyFar { groups } => {
                self.take(self.driven_by(AUTOMATIC).and(groups), Cause::PolicyFar, now)
            }
            Event::HelpNeeded => self.take_from(AUTOMATIC, Cause::HelpNeeded, now),
            Event::RobotSeen | Event::Elapsed => self.history.add(now, Fact::Said(event)),
            Event::DriverTripped => self.take(self.config.groups, Cause::DriverTripped, now),
            Event::RewindEnded(end) => self.take_from(&[Who::Rewind], why(end), now),
            Event::EpisodeOpened => {
                self.history.add(now, Fact::Said(event));
                self.history.add(now, Fact::Stage(Stage::Fresh));
                self.take(self.config.groups, Cause::EpisodeReady, now);
            }
            Event::EpisodeClosed => {
                self.history.add(now, Fact::Said(event));
                self.take(self.config.groups, Cause::EpisodeEnded, now);
            }
            Event::Restored => self.take(self.config.groups, Cause::Restored, now),
        }
        Ok(())
    }

    fn input(
        &mut self,
        (operator, age): (OperatorId, Duration),
        (clutch, drive, rewind, valid): (GroupSet, Drive, bool, bool),
        now: MonoTime,
    ) -> Result<(), Refusal> {
        let event = Event::Input { operator, age, clutch, drive, rewind, valid };
        if self.holder().is_some_and(|holder| holder != operator) {
            self.history.add(now, Fact::Said(event));
            return if clutch.is_empty() && !rewind { Ok(()) } else { Err(Refusal::Busy) };
        }
        let were = (self.history.held(&self.config), self.history.rewind());
        if !valid {
            self.history.add(now, Fact::Tap(false));
            self.history.add(now, Fact::Said(event));
            self.take_from(OPERATED, Cause::OperatorLost, now);
            return Ok(());
        }
        if self.holder().is_none() {
            self.history.add(now, Fact::Lease(Some(operator)));
        }
        self.history.add(now, Fact::Said(event));
        let (held, held_rewind) = (self.history.held(&self.config), self.history.rewind());
        if !held.is_empty() || held_rewind == Level::Held {
            self.history.add(now, Fact::Active);
        }
        if were.1 == Level::Held && held_rewind == Level::Up {
            self.history.add(now, Fact::Tap(false));
            self.give(self.driven_by(&[Who::Rewind]), Who::Hold, Cause::RewindReleased, now);
        }
        let let_go = were.0.without(clutch).and(self.driven_by(CLUTCHED));
        self.give(let_go, Who::Hold, Cause::ClutchReleased, now);
        let (pressed, rewound) = (held.without(were.0), held_rewind == Level::Held && were.1 != Level::Held);
        let done = if !pressed.is_empty() {
            self.clutch_pressed(pressed, drive, now)
        } else if rewound {
            self.rewind_pressed(now)
        } else {
            return Ok(());
        };
        if done.is_err() {
            self.history.add(now, Fact::Disarmed { groups: pressed, rewind: rewound });
        }
        done
    }

    fn clutch_pressed(&mut self, pressed: GroupSet, drive: Drive, now: MonoTime) -> Result<(), Refusal> {
        self.may_drive(now)?;
        let (groups, who) = match drive {
            Drive::Direct => (pressed, Who::Human),
            Drive::Residual => (self.driven_by(&[Who::Policy]).and(pressed), Who::Shared),
        };
        if groups.is_empty() {
            return Err(Refusal::NothingToShare);
        }
        self.go_on(Move::TakeOver, now)?;
        let rewound = self.driven_by(&[Who::Rewind]).without(groups);
        self.take(rewound, Cause::RewindReleased, now);
        self.history.add(now, Fact::Disarmed { groups: pressed.without(groups), rewind: true });
        self.history.add(now, Fact::Tap(false));
        self.give(groups, who, Cause::ClutchPressed, now);
        Ok(())
    }

    fn rewind_pressed(&mut self, now: MonoTime) -> Result<(), Refusal> {
        self.may_drive(now)?;
        self.go_on(Move::Rewind, now)?;
        self.history.add(now, Fact::Disarmed { groups: GroupSet::ALL, rewind: false });
        self.history.add(now, Fact::Tap(false));
        self.give(self.config.groups, Who::Rewind, Cause::RewindPressed, now);
        Ok(())
    }

    fn act(&mut self, operator: OperatorId, act: Act, now: MonoTime) -> Result<(), Refusal> {
        if needs_lease(act) {
            if self.holder() != Some(operator) {
                return Err(Refusal::Busy);
            }
            self.history.add(now, Fact::Active);
        }
        match act {
            Act::Stop if self.history.stopped() => {}
            Act::Stop => {
                self.history.add(now, Fact::Stop(true));
                self.take(self.config.groups, Cause::Stopped, now);
            }
            Act::ClearStop if !self.history.stopped() => return Err(Refusal::NotStopped),
            Act::ClearStop => {
                self.history.add(now, Fact::Stop(false));
                self.history.add(now, Fact::Disarmed { groups: GroupSet::ALL, rewind: true });
                self.take(self.config.groups, Cause::StopCleared, now);
            }
            Act::RequestLease => return self.ask(operator, now),
            Act::ReleaseLease => self.lease_ends(Cause::ClutchReleased, now),
            Act::Resume => return self.resume(now),
            Act::Pause => return self.pause(now),
            Act::RewindTap => return self.tap(now),
            Act::MarkRecovery => return self.go_on(Move::MarkRecovery, now),
            Act::MarkCorrection => return self.go_on(Move::MarkCorrection, now),
        }
        Ok(())
    }

    fn ask(&mut self, operator: OperatorId, now: MonoTime) -> Result<(), Refusal> {
        match self.history.asked() {
            Some(_) if self.holder() == Some(operator) => {}
            Some((_, _, first)) if first != operator => return Err(Refusal::AlreadyRequested),
            Some(_) => {}
            None if self.holder() == Some(operator) => {}
            None => self.history.add(now, Fact::Asked(Some(operator))),
        }
        if self.holder().is_none() {
            self.lease_ends(Cause::LeasePassed, now);
        }
        Ok(())
    }

    fn resume(&mut self, now: MonoTime) -> Result<(), Refusal> {
        self.may_drive(now)?;
        if !self.history.policy_alive(&self.config, now) {
            return Err(Refusal::PolicySilent);
        }
        let held = self.driven_by(&[Who::Hold]);
        if held.is_empty() {
            return Err(Refusal::NothingToResume);
        }
        self.go_on(Move::Resume, now)?;
        self.give(held, Who::Policy, Cause::Resumed, now);
        Ok(())
    }

    fn pause(&mut self, now: MonoTime) -> Result<(), Refusal> {
        let mut paused = self.driven_by(AUTOMATIC);
        if self.history.tapped().is_some() {
            paused = paused.or(self.driven_by(&[Who::Rewind]));
        }
        if paused.is_empty() {
            return Err(Refusal::NothingToPause);
        }
        self.take(paused, Cause::Paused, now);
        Ok(())
    }

    fn tap(&mut self, now: MonoTime) -> Result<(), Refusal> {
        self.may_drive(now)?;
        if !self.history.device_read() {
            return Err(Refusal::DeviceLost);
        }
        if !self.history.held(&self.config).is_empty() {
            return Err(Refusal::ClutchHeld);
        }
        self.go_on(Move::Rewind, now)?;
        self.history.add(now, Fact::Tap(true));
        self.give(self.config.groups, Who::Rewind, Cause::RewindPressed, now);
        Ok(())
    }

    fn go_on(&mut self, step: Move, now: MonoTime) -> Result<(), Refusal> {
        let led =
            protocol::lead(self.config.protocol, self.history.stage(), step).ok_or(Refusal::Protocol)?;
        self.history.add(now, Fact::Stage(led));
        Ok(())
    }

    fn may_drive(&self, now: MonoTime) -> Result<(), Refusal> {
        let obstacles = [
            (self.history.stopped(), Refusal::Stopped),
            (!self.history.episode_open(), Refusal::NoEpisode),
            (!self.history.robot_alive(&self.config, now), Refusal::RobotLost),
        ];
        obstacles.iter().find(|(there, _)| *there).map_or(Ok(()), |(_, refusal)| Err(*refusal))
    }
}

const DRIVERS: &[Who] = &[Who::Policy, Who::Human, Who::Shared, Who::Rewind];
/// The policy's proposals are needed.
const AUTOMATIC: &[Who] = &[Who::Policy, Who::Shared];
/// The operator's hand is needed.
const OPERATED: &[Who] = &[Who::Human, Who::Shared, Who::Rewind];
const CLUTCHED: &[Who] = &[Who::Human, Who::Shared];

const fn why(end: RewindEnd) -> Cause {
    match end {
        RewindEnd::Exhausted => Cause::RewindExhausted,
        RewindEnd::AtGripper => Cause::RewindAtGripper,
        RewindEnd::Blocked => Cause::RewindBlocked,
        RewindEnd::Arrived => Cause::RewindArrived,
        RewindEnd::Contact => Cause::RewindContact,
        RewindEnd::Limited => Cause::RewindLimited,
    }
}
