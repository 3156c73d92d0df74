//! What happened, and questions to it. Every answer is found by reading backwards from now.

use std::time::Duration;

use retake_authority::{Act, Cause, Config, Event, GroupSet, OperatorId, Stage};
use retake_units::MonoTime;

/// Who drives, without what the answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Policy,
    Human,
    Shared,
    Rewind,
    Hold,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Fact {
    /// An event was told.
    Said(Event),
    /// The policy proposed in an epoch that has begun.
    Proposed { epoch: u64 },
    /// A group was given to somebody.
    Given { group: usize, who: Who, cause: Cause, epoch: u64 },
    /// Whatever of these is down has lost its effect.
    Disarmed { groups: GroupSet, rewind: bool },
    /// The lease began for somebody, or ended for everybody.
    Lease(Option<OperatorId>),
    /// Somebody asked for the lease, or does so no more.
    Asked(Option<OperatorId>),
    /// The holder of the lease did something.
    Active,
    /// Stop was latched, or cleared.
    Stop(bool),
    /// A tapped rewind began, or was no more.
    Tap(bool),
    /// The protocol went on.
    Stage(Stage),
}

/// What the newest readings say of one button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Up,
    /// It was seen up before it went down, and nothing has taken its effect away since.
    Held,
    /// It must come up before it counts.
    MustRelease,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct History(Vec<(MonoTime, Fact)>);

type At<T> = (usize, MonoTime, T);

impl History {
    pub(crate) fn add(&mut self, now: MonoTime, fact: Fact) {
        self.0.push((now, fact));
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Facts from `since` on, newest first.
    fn back_to(&self, since: usize) -> impl Iterator<Item = At<Fact>> + '_ {
        let facts = self.0.get(since..).unwrap_or_default().iter().enumerate();
        facts.rev().map(move |(index, (at, fact))| (since + index, *at, *fact))
    }

    fn newest<T>(&self, since: usize, wanted: impl Fn(Fact) -> Option<T>) -> Option<At<T>> {
        self.back_to(since).find_map(|(index, at, fact)| Some((index, at, wanted(fact)?)))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "one question asks for one fact")]
    pub(crate) fn lease(&self) -> Option<At<OperatorId>> {
        let (index, at, holder) = self.newest(0, |fact| match fact {
            Fact::Lease(holder) => Some(holder),
            _ => None,
        })?;
        Some((index, at, holder?))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "one question asks for one fact")]
    pub(crate) fn asked(&self) -> Option<At<OperatorId>> {
        let (index, at, asking) = self.newest(0, |fact| match fact {
            Fact::Asked(asking) => Some(asking),
            _ => None,
        })?;
        Some((index, at, asking?))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "one question asks for one fact")]
    pub(crate) fn stopped(&self) -> bool {
        let latched = self.newest(0, |fact| match fact {
            Fact::Stop(latched) => Some(latched),
            _ => None,
        });
        latched.is_some_and(|(_, _, latched)| latched)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "one question asks for one fact")]
    pub(crate) fn stage(&self) -> Stage {
        let stage = self.newest(0, |fact| match fact {
            Fact::Stage(stage) => Some(stage),
            _ => None,
        });
        stage.map_or(Stage::Fresh, |(_, _, stage)| stage)
    }

    /// When a tap began that has not ended, if that was in this lease.
    #[expect(clippy::wildcard_enum_match_arm, reason = "one question asks for one fact")]
    pub(crate) fn tapped(&self) -> Option<MonoTime> {
        let (since, _, _) = self.lease()?;
        let (_, at, tapped) = self.newest(since, |fact| match fact {
            Fact::Tap(tapped) => Some(tapped),
            _ => None,
        })?;
        tapped.then_some(at)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "one question asks for one fact")]
    pub(crate) fn episode_open(&self) -> bool {
        let open = self.newest(0, |fact| match fact {
            Fact::Said(Event::EpisodeOpened) => Some(true),
            Fact::Said(Event::EpisodeClosed) => Some(false),
            _ => None,
        });
        open.is_some_and(|(_, _, open)| open)
    }

    fn within(at: Option<MonoTime>, span: Duration, now: MonoTime) -> bool {
        at.is_some_and(|at| now < at + span)
    }

    pub(crate) fn robot_alive(&self, config: &Config, now: MonoTime) -> bool {
        let seen = self.newest(0, |fact| matches!(fact, Fact::Said(Event::RobotSeen)).then_some(()));
        Self::within(seen.map(|(_, at, ())| at), config.robot_timeout, now)
    }

    pub(crate) fn policy_alive(&self, config: &Config, now: MonoTime) -> bool {
        let proposed = self.newest(0, |fact| matches!(fact, Fact::Proposed { .. }).then_some(()));
        Self::within(proposed.map(|(_, at, ())| at), config.policy_timeout, now)
    }

    /// Until when what an operator said from `since` on shows that they are there.
    #[expect(clippy::wildcard_enum_match_arm, reason = "one question asks for one fact")]
    pub(crate) fn heard(&self, operator: OperatorId, since: usize, timeout: Duration) -> Option<MonoTime> {
        self.back_to(since).find_map(|(_, at, fact)| match fact {
            Fact::Said(Event::Input { operator: who, age, .. }) if who == operator => {
                Some(at + (timeout - age))
            }
            _ => None,
        })
    }

    /// When the holder of the lease that began at `since` asked for it, if that is how they got it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "one question asks for one fact")]
    pub(crate) fn asking(&self, operator: OperatorId, since: usize) -> Option<(usize, MonoTime)> {
        let before = self.0.get(..since)?.iter().enumerate().rev();
        let mut asked = before.into_iter().filter_map(|(index, (at, fact))| match fact {
            Fact::Asked(who) => Some((index, *at, *who)),
            _ => None,
        });
        asked.next().filter(|(_, _, who)| *who == Some(operator)).map(|(index, at, _)| (index, at))
    }

    /// When the holder of the lease last did anything, the beginning of the lease included.
    pub(crate) fn active(&self) -> Option<MonoTime> {
        let (since, began, _) = self.lease()?;
        let active = self.newest(since, |fact| matches!(fact, Fact::Active).then_some(()));
        Some(active.map_or(began, |(_, at, ())| at))
    }

    /// The newest reading of the holder's device in this lease is a good one.
    pub(crate) fn device_read(&self) -> bool {
        self.readings().next().is_some_and(|(_, input)| input.is_some())
    }

    /// The holder's readings in this lease, newest first: the clutch and rewind, nothing if the device was lost.
    fn readings(&self) -> impl Iterator<Item = (usize, Option<(GroupSet, bool)>)> + '_ {
        let (since, holder) = self.lease().map_or((self.len(), None), |(index, _, who)| (index, Some(who)));
        self.back_to(since).filter_map(move |(index, _, fact)| match fact {
            Fact::Said(Event::Input { operator, clutch, rewind, valid, .. }) if Some(operator) == holder => {
                Some((index, valid.then_some((clutch, rewind))))
            }
            Fact::Said(_)
            | Fact::Proposed { .. }
            | Fact::Given { .. }
            | Fact::Disarmed { .. }
            | Fact::Lease(_)
            | Fact::Asked(_)
            | Fact::Active
            | Fact::Stop(_)
            | Fact::Tap(_)
            | Fact::Stage(_) => None,
        })
    }

    /// A button is held if, going back from now, every reading has it down and nothing took its effect away, until one that
    /// has it up.
    fn level(
        &self,
        down: impl Fn((GroupSet, bool)) -> bool,
        takes: impl Fn(GroupSet, bool) -> bool,
    ) -> Level {
        let mut readings = self.readings();
        let Some((newest, Some(reading))) = readings.next() else { return Level::MustRelease };
        if !down(reading) {
            return Level::Up;
        }
        let mut went_down = newest;
        loop {
            match readings.next() {
                Some((index, Some(reading))) if down(reading) => went_down = index,
                Some((_, Some(_))) => break,
                Some((_, None)) | None => return Level::MustRelease,
            }
        }
        let taken = self
            .back_to(went_down)
            .any(|(_, _, fact)| matches!(fact, Fact::Disarmed { groups, rewind } if takes(groups, rewind)));
        if taken { Level::MustRelease } else { Level::Held }
    }

    pub(crate) fn clutch(&self, group: usize) -> Level {
        self.level(|(clutch, _)| clutch.contains(group), |groups, _| groups.contains(group))
    }

    pub(crate) fn rewind(&self) -> Level {
        self.level(|(_, rewind)| rewind, |_, rewind| rewind)
    }

    /// Groups whose clutch is held.
    pub(crate) fn held(&self, config: &Config) -> GroupSet {
        let held = config.groups.iter().filter(|group| self.clutch(*group) == Level::Held);
        held.fold(GroupSet::NONE, GroupSet::with)
    }

    /// Who was last given a group before `until`, why, and when.
    #[expect(clippy::wildcard_enum_match_arm, reason = "one question asks for one fact")]
    fn given_before(&self, group: usize, until: usize) -> Option<At<(Who, Cause, u64)>> {
        let given = |fact| match fact {
            Fact::Given { group: of, who, cause, epoch } if of == group => Some((who, cause, epoch)),
            _ => None,
        };
        let before = self.0.get(..until).unwrap_or_default().iter().enumerate().rev();
        before.into_iter().find_map(|(index, (at, fact))| Some((index, *at, given(*fact)?)))
    }

    pub(crate) fn given(&self, group: usize) -> Option<(Who, Cause, u64)> {
        self.given_before(group, self.len()).map(|(_, _, given)| given)
    }

    /// When the policy last earned its lease on a group, looking back from `until`: with its newest proposal of the owner's
    /// epoch, or else when it was given the group. Who shares a group inherits the lease as it was.
    pub(crate) fn earned(&self, group: usize, until: usize) -> Option<MonoTime> {
        let (since, at, (who, _, began)) = self.given_before(group, until)?;
        let facts = self.0.get(since..until).unwrap_or_default().iter().rev();
        let newest = facts
            .clone()
            .find(|(_, fact)| matches!(fact, Fact::Proposed { epoch } if *epoch >= began))
            .map(|(at, _)| *at);
        match who {
            Who::Policy => Some(newest.unwrap_or(at)),
            Who::Shared => newest.or_else(|| self.earned(group, since)),
            Who::Human | Who::Rewind | Who::Hold => None,
        }
    }

    /// Something was given since `mark`.
    pub(crate) fn gave(&self, mark: usize) -> bool {
        self.back_to(mark).any(|(_, _, fact)| matches!(fact, Fact::Given { .. }))
    }
}

/// It is the holder's own business, and shows that they are there.
pub(crate) const fn needs_lease(act: Act) -> bool {
    match act {
        Act::Stop | Act::RequestLease => false,
        Act::Resume
        | Act::Pause
        | Act::ClearStop
        | Act::ReleaseLease
        | Act::RewindTap
        | Act::MarkRecovery
        | Act::MarkCorrection => true,
    }
}
