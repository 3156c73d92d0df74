//! What ends a rewind by itself: contact, a robot that does not follow, a limit.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use retake_tests::{
    ARM, Deployment, Run, Station, assert_motion_within_limits, assert_nothing_refused,
    assert_segments_are_the_ticks,
};
use retake_units::MonoTime;
use retake_wire::pb::{Cause, Observation, Owner};

/// A number that the test sets and the robot's alteration reads.
type Dial = Arc<AtomicU32>;

/// A second of driving, with a robot that alters what it says as the dial tells.
fn driven(ada: &Station, dial: &Dial, mut alter: impl FnMut(u32, &mut Observation) + Send + 'static) -> Run {
    let read = Arc::clone(dial);
    let deployment = Deployment::new("lift", "expert").no_time_limit().station(ada);
    let mut run = deployment.altered(move |_, seen| alter(read.load(Ordering::Relaxed), seen)).start();
    run.until_ready();
    ada.drive([0.0, 0.6, 0.0, 0.0, 0.0, 0.5]);
    run.millis(1500);
    ada.release();
    run.millis(400);
    run
}

/// Lets a rewind go on for a while, in which nothing may end it.
fn goes_on(run: &mut Run, millis: u64) {
    run.millis(millis);
    assert!(run.seen().all(Owner::Rewind, Cause::RewindPressed), "{:?}", run.seen().who());
}

/// The rewind has ended for this reason, and nothing moves any more however long the button is held.
fn ends(mut run: Run, cause: Cause, from: MonoTime, within_millis: u64) {
    run.millis(within_millis);
    assert!(run.seen().all(Owner::Hold, cause), "{:?}", run.seen().who());
    run.millis(800);
    let rest = run.seen().tick().groups[ARM].command.clone();
    run.millis(400);
    assert_eq!(run.seen().tick().groups[ARM].command, rest, "it is still moving");
    let seen = run.finish();
    assert!(seen.all(Owner::Hold, cause));
    assert!(seen.ticks_since(from).any(|tick| tick.groups[ARM].owner() == Owner::Rewind));
    assert_motion_within_limits(&seen);
    assert_nothing_refused(&seen);
    assert_segments_are_the_ticks(&seen);
}

#[test]
fn contact_ends_a_rewind_but_neither_rest_nor_a_light_touch_does() {
    let (ada, newtons) = (Station::new("ada"), Dial::default());
    let mut run = driven(&ada, &newtons, |newtons, seen| seen.contact_force = f64::from(newtons));
    // It rests on something already: that is no contact of the rewind's.
    newtons.store(60, Ordering::Relaxed);
    run.millis(100);
    let from = run.now();
    ada.rewind();
    run.millis(60);
    goes_on(&mut run, 200);
    newtons.store(70, Ordering::Relaxed);
    goes_on(&mut run, 100);
    // What it rested on is left behind; a light touch.
    newtons.store(0, Ordering::Relaxed);
    goes_on(&mut run, 100);
    newtons.store(30, Ordering::Relaxed);
    goes_on(&mut run, 100);
    // A knock.
    newtons.store(90, Ordering::Relaxed);
    goes_on(&mut run, 40);
    newtons.store(30, Ordering::Relaxed);
    goes_on(&mut run, 60);
    newtons.store(50, Ordering::Relaxed);
    ends(run, Cause::RewindContact, from, 140);
}

#[test]
fn a_robot_that_does_not_follow_ends_the_rewind() {
    let (ada, stuck) = (Station::new("ada"), Dial::default());
    let mut at = None;
    let mut run = driven(&ada, &stuck, move |stuck, seen| {
        let arm = &mut seen.position[ARM].values;
        if stuck > 0 {
            arm.clone_from(at.get_or_insert_with(|| arm.clone()));
        }
    });
    stuck.store(1, Ordering::Relaxed);
    let from = run.now();
    ada.rewind();
    run.millis(60);
    goes_on(&mut run, 200);
    ends(run, Cause::RewindBlocked, from, 800);
}

#[test]
fn a_limit_that_keeps_the_arm_off_the_path_ends_the_rewind() {
    let (ada, off) = (Station::new("ada"), Dial::default());
    // For a while the robot measures its elbow elsewhere, where the tool would be far out of the workspace.
    let mut run = driven(&ada, &off, |off, seen| {
        let shift = f64::from(off) * 0.01;
        seen.position[ARM].values[3] += shift;
    });
    for step in (1..=120).chain((0..120).rev()) {
        off.store(step, Ordering::Relaxed);
        ada.drive([0.0, 0.1, 0.0, 0.0, 0.0, 0.0]);
        run.millis(20);
    }
    ada.release();
    run.millis(400);
    let from = run.now();
    ada.rewind();
    run.until("a limit ends it", |seen| seen.group(ARM).owner() == Owner::Hold && seen.now_since(from) > 0.2);
    ends(run, Cause::RewindLimit, from, 20);
}
