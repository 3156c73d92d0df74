use retake_units::{Epoch, MonoTime};

use crate::{
    Cause, Config, Group, GroupSet, OperatorId, Owner, Stage,
    group::MAX_GROUPS,
    operator::{Button, Lease, Request},
};

/// Everything authority depends on. Made only by [`State::new`] and [`crate::step`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    pub(crate) epoch: Epoch,
    pub(crate) stopped: bool,
    pub(crate) episode_open: bool,
    pub(crate) groups: [Group; MAX_GROUPS],
    pub(crate) lease: Option<Lease>,
    pub(crate) request: Option<Request>,
    pub(crate) stage: Stage,
    /// Until when the policy counts as alive.
    pub(crate) policy_until: MonoTime,
    /// Until when the robot counts as alive.
    pub(crate) robot_until: MonoTime,
}

impl State {
    /// After a start or restart: nobody owns anything, in an epoch that must be higher than any used before.
    pub const fn new(epoch: Epoch) -> Self {
        Self {
            epoch,
            stopped: false,
            episode_open: false,
            groups: [Group { epoch, ..Group::INITIAL }; MAX_GROUPS],
            lease: None,
            request: None,
            stage: Stage::Fresh,
            policy_until: MonoTime::ZERO,
            robot_until: MonoTime::ZERO,
        }
    }

    /// The current epoch.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Stop is latched.
    pub const fn stopped(&self) -> bool {
        self.stopped
    }

    /// The authority over the group at `index`.
    pub fn group(&self, index: usize) -> Group {
        self.groups.get(index).copied().unwrap_or(Group::INITIAL)
    }

    /// Who holds the lease.
    pub fn operator(&self) -> Option<OperatorId> {
        self.lease.map(|lease| lease.operator)
    }

    /// Who has asked for the lease that another holds.
    pub fn requested_by(&self) -> Option<OperatorId> {
        self.request.map(|request| request.operator)
    }

    /// Where in its protocol the episode is.
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// The operator's clutch or rewind button is down but must be released before it counts.
    pub fn needs_release(&self) -> bool {
        self.lease.is_some_and(|lease| !lease.clutch.disarmed.is_empty() || lease.rewind == Button::Disarmed)
    }

    /// A rewind goes on because it was tapped, not because the button is held.
    pub fn rewind_tapped(&self) -> bool {
        self.lease.is_some_and(|lease| lease.tap_until.is_some())
    }

    /// The robot has been heard lately.
    pub fn robot_alive(&self, now: MonoTime) -> bool {
        now < self.robot_until
    }

    /// The policy has proposed something valid lately.
    pub fn policy_alive(&self, now: MonoTime) -> bool {
        now < self.policy_until
    }

    /// Groups whose owner `wanted` accepts.
    pub fn owned(&self, config: &Config, wanted: impl Fn(Owner) -> bool) -> GroupSet {
        config
            .groups
            .iter()
            .filter(|index| wanted(self.group(*index).owner))
            .fold(GroupSet::NONE, GroupSet::with)
    }

    /// Gives `groups` a new owner. The caller raises the epoch.
    pub(crate) fn give(&mut self, groups: GroupSet, owner: Owner, cause: Cause) {
        for index in groups.iter() {
            if let Some(group) = self.groups.get_mut(index) {
                *group = Group { owner, cause, epoch: self.epoch.next() };
            }
        }
    }
}
