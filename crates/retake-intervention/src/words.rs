//! The wire's words for what the pure crates decide, and prompts for people.

use retake_authority::{Cause, Owner, Refusal, Stage};
use retake_episode::{EndReason, Kind, Phase, Verdict};
use retake_wire::pb;

pub(crate) const fn owner(owner: Owner) -> pb::Owner {
    match owner {
        Owner::Policy { .. } => pb::Owner::Policy,
        Owner::Human => pb::Owner::Human,
        Owner::Shared { .. } => pb::Owner::Shared,
        Owner::Rewind => pb::Owner::Rewind,
        Owner::Hold => pb::Owner::Hold,
    }
}

pub(crate) const fn cause(cause: Cause) -> pb::Cause {
    match cause {
        Cause::Started => pb::Cause::Started,
        Cause::ClutchPressed => pb::Cause::ClutchPressed,
        Cause::ClutchReleased => pb::Cause::ClutchReleased,
        Cause::Resumed => pb::Cause::Resumed,
        Cause::Paused => pb::Cause::Paused,
        Cause::RewindPressed => pb::Cause::RewindPressed,
        Cause::RewindReleased => pb::Cause::RewindReleased,
        Cause::RewindExhausted => pb::Cause::RewindExhausted,
        Cause::RewindAtGripper => pb::Cause::RewindGripper,
        Cause::RewindBlocked => pb::Cause::RewindBlocked,
        Cause::OperatorLost => pb::Cause::OperatorLost,
        Cause::PolicyStale => pb::Cause::PolicyStale,
        Cause::PolicyFault => pb::Cause::PolicyFault,
        Cause::RobotLost => pb::Cause::RobotLost,
        Cause::DriverTripped => pb::Cause::DriverTripped,
        Cause::Stopped => pb::Cause::Stopped,
        Cause::StopCleared => pb::Cause::StopCleared,
        Cause::EpisodeReady => pb::Cause::EpisodeReady,
        Cause::EpisodeEnded => pb::Cause::EpisodeEnded,
        Cause::LeasePassed => pb::Cause::LeasePassed,
        Cause::PolicyFar => pb::Cause::PolicyFar,
        Cause::HelpNeeded => pb::Cause::HelpNeeded,
        Cause::RewindArrived => pb::Cause::RewindArrived,
        Cause::RewindContact => pb::Cause::RewindContact,
        Cause::RewindLimited => pb::Cause::RewindLimit,
        Cause::Restored => pb::Cause::Restored,
    }
}

pub(crate) const fn kind(kind: Kind) -> pb::SegmentKind {
    match kind {
        Kind::Policy => pb::SegmentKind::Policy,
        Kind::Rewind => pb::SegmentKind::Rewind,
        Kind::Recovery => pb::SegmentKind::Recovery,
        Kind::Correction => pb::SegmentKind::Correction,
        Kind::Demo => pb::SegmentKind::Demo,
        Kind::Hold => pb::SegmentKind::Hold,
        Kind::Reset => pb::SegmentKind::Reset,
    }
}

pub(crate) const fn stage(stage: Stage) -> pb::Stage {
    match stage {
        Stage::Fresh => pb::Stage::Fresh,
        Stage::Demo => pb::Stage::Demo,
        Stage::Policy => pb::Stage::Policy,
        Stage::Recovery => pb::Stage::Recovery,
        Stage::Correction => pb::Stage::Correction,
    }
}

pub(crate) const fn phase(phase: Phase) -> pb::Phase {
    match phase {
        Phase::Waiting => pb::Phase::Waiting,
        Phase::Resetting => pb::Phase::Resetting,
        Phase::Ready => pb::Phase::Ready,
        Phase::Running => pb::Phase::Running,
        Phase::Ended => pb::Phase::Ended,
    }
}

pub(crate) const fn verdict(verdict: Option<Verdict>) -> pb::Verdict {
    match verdict {
        None => pb::Verdict::Unspecified,
        Some(Verdict::Success) => pb::Verdict::Success,
        Some(Verdict::Failure) => pb::Verdict::Failure,
        Some(Verdict::Discarded) => pb::Verdict::Discarded,
    }
}

pub(crate) const fn reason(reason: EndReason) -> pb::EndReason {
    match reason {
        EndReason::Task => pb::EndReason::Task,
        EndReason::Time => pb::EndReason::Time,
        EndReason::Operator => pb::EndReason::Operator,
        EndReason::Shutdown => pb::EndReason::Shutdown,
        EndReason::Robot => pb::EndReason::Robot,
    }
}

/// Code and sentence for something an operator asked for and did not get.
pub(crate) const fn refusal(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Stopped => ("stopped", "Stop is latched: clear it first."),
        Refusal::NoEpisode => {
            ("no_episode", "No episode is open: wait for the reset, or ask for the next episode.")
        }
        Refusal::Busy => ("busy", "Another operator holds the lease."),
        Refusal::NotArmed => ("not_armed", "Let go of the button first, then press it again."),
        Refusal::PolicySilent => {
            ("policy_silent", "The policy proposes nothing valid, so it cannot be resumed.")
        }
        Refusal::RobotLost => ("robot_lost", "The robot is not heard."),
        Refusal::NothingToResume => {
            ("nothing_to_resume", "Nothing is in hold, so there is nothing to resume.")
        }
        Refusal::NothingToPause => {
            ("nothing_to_pause", "The policy drives nothing, so there is nothing to pause.")
        }
        Refusal::NotStopped => ("not_stopped", "Stop is not latched."),
        Refusal::Protocol => ("protocol", "The protocol does not allow that at this stage of the episode."),
        Refusal::NothingToShare => {
            ("nothing_to_share", "The policy drives none of these groups, so there is nothing to add to.")
        }
        Refusal::ClutchHeld => ("clutch_held", "Let go of the clutch before you rewind."),
        Refusal::DeviceLost => ("device_lost", "The device is not read well, so it moves nothing."),
        Refusal::AlreadyRequested => {
            ("already_requested", "Another operator has asked for the lease already.")
        }
        Refusal::Late => ("late", "An input that was too long on its way was refused."),
    }
}

/// Why a group that holds does so, and what would move it.
pub(crate) const fn hold_prompt(cause: Cause) -> &'static str {
    match cause {
        Cause::Stopped => "STOPPED. Clear the stop to go on.",
        Cause::StopCleared => "Stop cleared. Resume the policy or hold the clutch.",
        Cause::OperatorLost => {
            "Operator lost. Release the clutch, then press it again, or resume the policy."
        }
        Cause::PolicyStale => "The policy has gone silent. Take over, or resume it when it is back.",
        Cause::PolicyFault => "The policy proposed something that is no command. Take over, or resume it.",
        Cause::RobotLost => "The robot is not heard.",
        Cause::DriverTripped => "The robot's driver stopped by itself. Resume the policy or hold the clutch.",
        Cause::RewindExhausted => "Rewound to the start. Hold the clutch to drive, or resume the policy.",
        Cause::RewindAtGripper => "The gripper moved here. Press rewind again to go further back.",
        Cause::RewindBlocked => "Rewind stopped: the robot does not follow. Hold the clutch to free it.",
        Cause::EpisodeReady => "Ready. Resume the policy, or hold the clutch to demonstrate.",
        Cause::EpisodeEnded => "Episode over.",
        Cause::LeasePassed => "Another operator has the robot now.",
        Cause::PolicyFar => {
            "The policy wants to be far from where the robot is. Drive closer with the clutch, or resume it."
        }
        Cause::HelpNeeded => "The policy needs you. Take over, or resume it.",
        Cause::RewindArrived => "Rewound to where you asked. Hold the clutch to drive, or resume the policy.",
        Cause::RewindContact => "Rewind stopped: the arm touched something. Hold the clutch to free it.",
        Cause::RewindLimited => "Rewind stopped: a limit is in the way. Hold the clutch to drive around.",
        Cause::Restored => "The scene is as it was. Resume the policy or hold the clutch.",
        Cause::ClutchReleased | Cause::RewindReleased | Cause::Paused => {
            "Hold. Hold the clutch to drive, or resume the policy."
        }
        Cause::Started | Cause::ClutchPressed | Cause::Resumed | Cause::RewindPressed => "Hold.",
    }
}
