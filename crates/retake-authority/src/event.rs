use retake_units::Epoch;

use crate::{GroupSet, OperatorId};

/// Something happened. Whoever reports it has already refused what was stale, repeated or malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An operator's device was heard.
    Input {
        /// Whose.
        operator: OperatorId,
        /// The clutch is down.
        clutch: bool,
        /// The rewind button is down.
        rewind: bool,
        /// Groups the clutch takes.
        groups: GroupSet,
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
    /// Time passed.
    Elapsed,
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
}
