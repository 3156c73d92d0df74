//! An arbiter that comes back owns nothing, and begins above everything that was used before.

use std::fs;

use retake_wire::pb::{Cause, Owner, Phase, TickRecord};
use rustix::process::Signal;

use crate::{
    deployment::{Launched, Plan},
    process::{alone, retake, wait_for},
    story::{recording_in, ticks},
};

const PLAN: Plan = Plan { task: "nut-on-peg", policy: "expert", operator: "none", episodes: None };

fn all(tick: &TickRecord, owner: Owner) -> bool {
    tick.groups.len() == 2 && tick.groups.iter().all(|group| group.owner() == owner)
}

/// Ticks of the first arbiter, and of the one after it.
fn runs(ticks: Vec<TickRecord>) -> (Vec<TickRecord>, Vec<TickRecord>) {
    let cut = ticks.windows(2).position(|pair| pair[1].tick < pair[0].tick).map_or(ticks.len(), |at| at + 1);
    let mut first = ticks;
    let second = first.split_off(cut);
    (first, second)
}

#[test]
fn a_killed_arbiter_comes_back_with_a_higher_epoch_and_owns_nothing_until_someone_asks() {
    let _alone = alone();
    let mut launched = Launched::start_as(&PLAN, |text| {
        text.replace("kind = \"intervention\"", "kind = \"intervention\"\nrestart = \"on-failure\"")
    });
    let recording = wait_for("a recording", || recording_in(&launched.recordings()));
    wait_for("the policy to drive", || {
        let driven = |tick: &&TickRecord| tick.phase() == Phase::Running && all(tick, Owner::Policy);
        (ticks(&recording).iter().rev().take_while(driven).count() >= 25).then_some(())
    });
    launched.kill("intervention");
    wait_for("two seconds of the next arbiter", || (runs(ticks(&recording)).1.len() > 100).then_some(()));
    launched.signal(Signal::INT);
    let (ended, dir) = launched.end();
    assert!(ended.err.contains("[intervention] crashed"), "{ended:?}");

    let (before, after) = runs(ticks(&recording));
    let used = before.iter().map(|tick| tick.epoch).max().unwrap();
    let lowest = after.iter().map(|tick| tick.epoch).min().unwrap();
    assert!(lowest > used && lowest - used >= 1 << 31, "{lowest} after {used}");
    let held = after.iter().take_while(|tick| all(tick, Owner::Hold)).count();
    assert!(held > 0, "it began as an owner");
    if let Some(driven) = after.get(held) {
        assert!(driven.groups.iter().all(|group| group.cause() == Cause::Resumed), "{driven:?}");
    }

    // Each arbiter's decisions are its own, and both are repeated.
    let told = retake(dir.path(), &["replay", recording.to_str().unwrap(), "--verify", "--json"]);
    let report = told.json();
    assert_eq!(report["verdict"], "identical", "{report}");
    let ticks: Vec<_> =
        report["sessions"].as_array().unwrap().iter().map(|run| run["ticks"].as_u64()).collect();
    assert_eq!(ticks.len(), 2, "{report}");
    assert_eq!(ticks[1], Some(after.len() as u64));
}

#[test]
fn an_arbiter_does_not_start_beside_another_nor_on_a_damaged_epoch() {
    let _alone = alone();
    let launched = Launched::start(&PLAN);
    let recording = wait_for("a recording", || recording_in(&launched.recordings()));
    wait_for("ticks", || (!ticks(&recording).is_empty()).then_some(()));
    let file = launched.launch_file();
    let dir = file.parent().unwrap().to_owned();
    // Another deployment of the same robot, on other ports.
    let text = fs::read_to_string(&file).unwrap();
    let other = PLAN.text(&dir.join("recordings"));
    assert_ne!(text, other);
    fs::write(dir.join("other.toml"), other).unwrap();
    let node = |dir: &std::path::Path| retake(dir, &["node", "intervention", "--launch", "other.toml"]);
    node(&dir).assert_refused(&["another arbiter of this robot", "stop it first"]);
    launched.signal(Signal::INT);
    let (ended, dir) = launched.end();
    assert!(ended.status.success(), "{ended:?}");
    let kept = dir.path().join("state/epoch");
    assert_eq!(fs::read_to_string(&kept).unwrap().lines().count(), 2);
    fs::write(&kept, "12\n13\n").unwrap();
    node(dir.path()).assert_refused(&["state/epoch is damaged", "remove the file"]);
}
