use retake_units::{Epoch, MonoTime};

/// At most this many groups.
pub const MAX_GROUPS: usize = 8;

/// A set of groups, by their index in the robot's descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupSet(u8);

impl GroupSet {
    /// No group.
    pub const NONE: Self = Self(0);
    /// Every group there can be.
    pub const ALL: Self = Self(u8::MAX);

    /// The first `count` groups.
    pub const fn first(count: usize) -> Self {
        if count >= MAX_GROUPS { Self(u8::MAX) } else { Self((1 << count) - 1) }
    }

    /// This set and the group at `index`; an index beyond [`MAX_GROUPS`] adds nothing.
    #[must_use]
    pub const fn with(self, index: usize) -> Self {
        if index < MAX_GROUPS { Self(self.0 | 1 << index) } else { self }
    }

    /// Groups in either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Groups in this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Groups in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The group at `index` is in the set.
    pub const fn contains(self, index: usize) -> bool {
        index < MAX_GROUPS && self.0 & (1 << index) != 0
    }

    /// No group is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Indices in the set, rising.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..MAX_GROUPS).filter(move |index| self.contains(*index))
    }
}

/// Who drives a group. Each variant carries what is true only while it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The policy, until its lease ends; each valid proposal renews it.
    Policy {
        /// End of the lease.
        until: MonoTime,
    },
    /// The operator, as long as the clutch is held and the operator is heard.
    Human,
    /// The policy until its lease ends, with a bounded difference that the operator adds as long as the clutch is held and the
    /// operator is heard.
    Shared {
        /// End of the policy's lease.
        until: MonoTime,
    },
    /// The rewinder, as long as the rewind button is held and the operator is heard.
    Rewind,
    /// Nobody: the group comes to rest and stays.
    Hold,
}

/// Why a group has the owner it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing has happened yet.
    Started,
    /// The operator pressed the clutch.
    ClutchPressed,
    /// The operator let go of the clutch.
    ClutchReleased,
    /// The operator gave the group to the policy.
    Resumed,
    /// The operator took the group from the policy without driving.
    Paused,
    /// The operator pressed rewind.
    RewindPressed,
    /// The operator let go of rewind.
    RewindReleased,
    /// The path has been rewound to its beginning.
    RewindExhausted,
    /// The path crosses a gripper event, and the operator must say whether to go on.
    RewindAtGripper,
    /// The robot did not follow the path, or touched something.
    RewindBlocked,
    /// The operator who drove is not heard any more.
    OperatorLost,
    /// The policy proposed nothing valid in time.
    PolicyStale,
    /// The policy proposed something that is not a command.
    PolicyFault,
    /// The robot is not heard any more.
    RobotLost,
    /// The driver stopped by itself.
    DriverTripped,
    /// Somebody pressed stop.
    Stopped,
    /// Stop was cleared.
    StopCleared,
    /// An episode can begin.
    EpisodeReady,
    /// The episode is over.
    EpisodeEnded,
    /// The lease went to another operator.
    LeasePassed,
    /// The policy wanted to be further away than a change of owner may bridge.
    PolicyFar,
    /// Help is needed, and the service waits for the operator.
    HelpNeeded,
    /// The rewind came to where it was told to go.
    RewindArrived,
    /// The arm touched something while rewinding.
    RewindContact,
    /// A limit would not let the rewind follow the path.
    RewindLimited,
    /// The scene was put back to a former state.
    Restored,
}

/// One group's authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Who drives it.
    pub owner: Owner,
    /// Why.
    pub cause: Cause,
    /// The epoch that began with this owner. Nothing decided before it may still move the group.
    pub epoch: Epoch,
}

impl Group {
    pub(crate) const INITIAL: Self = Self { owner: Owner::Hold, cause: Cause::Started, epoch: Epoch(0) };
}
