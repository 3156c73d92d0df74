//! Random walks of the state machine beside its reference model.

use retake_model::{Coverage, walk};

/// 10⁵ events. `cargo xtask fuzz` tells more.
#[test]
fn the_state_machine_is_the_model_on_every_walk() {
    let mut met = Coverage::default();
    for seed in 0..400 {
        match walk(seed, 250) {
            Ok(coverage) => met.add(&coverage),
            Err(failure) => panic!("{failure}"),
        }
    }
    for name in REACHED {
        assert!(met.of(name) >= 5, "walks must reach {name}: {met:?}");
    }
}

/// Every owner, and every cause and refusal that the rules can give.
const REACHED: [&str; 42] = [
    "Policy",
    "Human",
    "Shared",
    "Rewind",
    "Hold",
    "ClutchPressed",
    "ClutchReleased",
    "Resumed",
    "Paused",
    "RewindPressed",
    "RewindReleased",
    "RewindExhausted",
    "RewindAtGripper",
    "RewindBlocked",
    "RewindArrived",
    "RewindContact",
    "RewindLimited",
    "OperatorLost",
    "PolicyStale",
    "PolicyFault",
    "PolicyFar",
    "HelpNeeded",
    "RobotLost",
    "DriverTripped",
    "Stopped",
    "StopCleared",
    "EpisodeReady",
    "EpisodeEnded",
    "Restored",
    "LeasePassed",
    "NoEpisode",
    "Busy",
    "PolicySilent",
    "NothingToResume",
    "NothingToPause",
    "NotStopped",
    "Protocol",
    "NothingToShare",
    "ClutchHeld",
    "DeviceLost",
    "AlreadyRequested",
    "lease passed on",
];
