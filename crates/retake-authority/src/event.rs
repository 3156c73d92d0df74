use core::time::Duration;

use retake_units::Epoch;

use crate::{GroupSet, OperatorId};

/// Something happened. Whoever reports it has already refused what was stale, repeated or malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An operator's device was heard.
    Input {
        /// Whose.
        operator: OperatorId,
        /// How long ago at most it was said: the age of the beacon it answers to. Who is there is known for that much less.
        age: Duration,
        /// Groups whose clutch is down.
        clutch: GroupSet,
        /// What a clutch that is pressed now makes of the operator's motion.
        drive: Drive,
        /// The rewind button is down.
        rewind: bool,
        /// The device was read well: it is plugged in, mapped, tracked.
        valid: bool,
    },
    /// An operator did something once, on purpose.
    Act {
        /// Who.
        operator: OperatorId,
        /// What.
        act: Act,
    },
    /// The policy proposed something valid, computed in `epoch`.
    Proposed {
        /// Epoch the policy believed in.
        epoch: Epoch,
    },
    /// The policy proposed something that is not a command: not finite, or of the wrong length.
    PolicyFaulted,
    /// The policy wants these groups to be further from where they are than a change of owner may bridge.
    PolicyFar {
        /// Which.
        groups: GroupSet,
    },
    /// Help is needed, and the policy may not go on without the operator.
    HelpNeeded,
    /// The robot reported what it measures.
    RobotSeen,
    /// The driver stopped by itself.
    DriverTripped,
    /// The rewinder cannot go on.
    RewindEnded(RewindEnd),
    /// The robot is at a start state, and may be driven.
    EpisodeOpened,
    /// The episode is over, and nobody drives until the next is open.
    EpisodeClosed,
    /// The scene was put back to a former state of the same episode.
    Restored,
    /// Time passed.
    Elapsed,
}

/// What a clutch makes of the operator's motion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drive {
    /// The operator alone drives the group.
    #[default]
    Direct,
    /// The policy goes on driving it, and the operator adds a bounded difference.
    Residual,
}

/// What an operator can do once, on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Give the held groups to the policy.
    Resume,
    /// Take the policy's groups to hold.
    Pause,
    /// Stop everything. Anyone may, with or without the lease.
    Stop,
    /// Permit a restart after a stop. Moves nothing.
    ClearStop,
    /// Give up the lease.
    ReleaseLease,
    /// Ask for the lease that another operator holds.
    RequestLease,
    /// Go back a little along the path without holding the button.
    RewindTap,
    /// From here on the human recovers.
    MarkRecovery,
    /// From here on the human makes progress.
    MarkCorrection,
}

/// Why a rewind cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewindEnd {
    /// It is at the path's beginning.
    Exhausted,
    /// The next step crosses a gripper event.
    AtGripper,
    /// The robot does not follow.
    Blocked,
    /// It is where it was told to go.
    Arrived,
    /// The arm touched something.
    Contact,
    /// A limit would not let it follow the path.
    Limited,
}

/// Why an event changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Stop is latched; clear it first.
    Stopped,
    /// No episode is open.
    NoEpisode,
    /// Another operator holds the lease.
    Busy,
    /// The clutch or rewind button must be released before it counts.
    NotArmed,
    /// The policy has proposed nothing valid lately.
    PolicySilent,
    /// The robot is not heard.
    RobotLost,
    /// No group is in hold.
    NothingToResume,
    /// The policy drives nothing.
    NothingToPause,
    /// Stop is not latched.
    NotStopped,
    /// The protocol does not allow it at this stage.
    Protocol,
    /// The policy drives none of these groups, so there is nothing to share.
    NothingToShare,
    /// The clutch is held: let go of it first.
    ClutchHeld,
    /// The operator's device is not read well.
    DeviceLost,
    /// Another operator has asked for the lease already.
    AlreadyRequested,
    /// It may have been said so long ago that it does not show that anybody is there.
    Late,
}
