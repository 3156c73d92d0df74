//! A node of a deployment dies: the robot holds still, and moves again only when someone asks for it.

use std::path::{Path, PathBuf};

use retake_wire::pb::{Cause, Outcome, Owner, Phase, TickRecord};
use rustix::process::Signal;

use crate::{
    deployment::{Launched, Plan},
    process::{alone, wait_for},
    story::{applied, arm_segments, assert_whole, recording_in, ticks, told},
};

/// Long enough that no attempt ends while a node dies.
const PLAN: Plan = Plan { task: "nut-on-peg", policy: "expert", operator: "none", episodes: None };

fn owned_by(tick: &TickRecord, owner: Owner) -> bool {
    tick.groups.len() == 2 && tick.groups.iter().all(|group| group.owner() == owner)
}

/// A deployment whose policy has driven for half a second, and its recording.
fn driving(plan: &Plan) -> (Launched, PathBuf) {
    let launched = Launched::start(plan);
    let recording = wait_for("a recording", || recording_in(&launched.recordings()));
    wait_for("the policy to drive", || {
        let driven = |tick: &&TickRecord| tick.phase() == Phase::Running && owned_by(tick, Owner::Policy);
        (ticks(&recording).iter().rev().take_while(driven).count() >= 25).then_some(())
    });
    (launched, recording)
}

/// Ticks from the one at which the policy was found stale.
fn since_stale(recording: &Path) -> Vec<TickRecord> {
    let stale = |tick: &TickRecord| tick.groups.iter().any(|group| group.cause() == Cause::PolicyStale);
    ticks(recording).into_iter().skip_while(|tick| !stale(tick)).collect()
}

#[test]
fn after_a_policy_dies_the_robot_holds_even_when_the_policy_is_back() {
    let _alone = alone();
    let (mut launched, recording) = driving(&PLAN);
    let died = launched.kill("policy");
    wait_for("half a second of proposals while the robot holds", || {
        let proposed = |tick: &&TickRecord| tick.groups.iter().all(|group| !group.proposal.is_empty());
        let held = since_stale(&recording);
        // The first ones are what is left of the dead policy's last chunk.
        (held.len() > 50 && held.iter().skip(25).filter(proposed).count() >= 25).then_some(())
    });
    assert_ne!(launched.pid_of("policy"), died, "it was started again");
    launched.signal(Signal::INT);
    let (ended, dir) = launched.end();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.err.contains("[policy] crashed"), "{ended:?}");

    let held = since_stale(&recording);
    let moved = held.iter().find(|tick| !owned_by(tick, Owner::Hold));
    assert!(moved.is_none(), "somebody drove again without being asked: {moved:?}");
    let end = held.last().unwrap();
    for tick in &held[25..] {
        for (group, last) in tick.groups.iter().zip(&end.groups) {
            assert_eq!(group.command, last.command, "it moved at tick {}", tick.tick);
        }
    }
    assert_whole(&told(&recording).info);
    drop(dir);
}

#[test]
fn after_a_policy_dies_an_operator_brings_it_back() {
    let _alone = alone();
    let (mut launched, recording) = driving(&Plan { operator: "scripted:supervisor", ..PLAN });
    launched.kill("policy");
    let story = wait_for("the policy to be resumed", || {
        let mut story = arm_segments(&told(&recording)).into_iter();
        let stale = story.find(|(kind, began)| (kind.as_str(), began.as_str()) == ("hold", "policy_stale"));
        let rest: Vec<_> = stale.into_iter().chain(story).collect();
        rest.iter().any(|(kind, _)| kind == "policy").then_some(rest)
    });
    let asked = ["clutch_pressed", "rewind_pressed", "resumed"];
    assert!(asked.contains(&story[1].1.as_str()), "{story:?}");
    let resumed = story.iter().find(|(kind, _)| kind == "policy").unwrap();
    assert_eq!(resumed.1, "resumed", "{story:?}");
    launched.signal(Signal::INT);
    let (ended, _dir) = launched.end();
    assert!(ended.status.success(), "{ended:?}");
}

#[test]
fn when_the_arbiter_dies_the_driver_stops_by_itself_and_the_deployment_ends() {
    let _alone = alone();
    let (mut launched, recording) = driving(&PLAN);
    launched.kill("intervention");
    let (ended, dir) = launched.end();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let last = ended.err.lines().last().unwrap();
    assert!(last.contains("intervention") && !last.contains("policy"), "{ended:?}");
    assert!(ended.err.contains("intervention: crashed (signal: 9"), "{ended:?}");

    let applied = applied(&recording);
    let tripped = applied.iter().position(|report| report.outcome() == Outcome::Watchdog);
    let after = &applied[tripped.unwrap()..];
    for report in after {
        assert!(report.tripped && report.outcome() != Outcome::Applied, "{report:?}");
        assert_eq!(report.position, after[0].position, "the set-point moved after the gate had tripped");
    }
    let info = told(&recording).info;
    assert_eq!(info.state, "closed");
    assert!(info.integrity.is_whole() && info.missing_ticks == 0, "{info:?}");
    drop(dir);
}
