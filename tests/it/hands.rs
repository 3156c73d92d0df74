//! Driving with a tracked hand controller.

use nalgebra::{Isometry3, Vector3};
use retake_kinematics::Model;
use retake_tests::{
    ARM, Deployment, GRIPPER, Hand, Run, Seen, Station, Tracked, assert_motion_within_limits,
    assert_nothing_refused,
};
use retake_wire::pb::{Cause, Owner};

fn tool(seen: &Seen) -> Isometry3<f64> {
    let robot = seen.descriptor.as_ref().unwrap();
    let chain = Model::from_urdf(&robot.urdf).unwrap().chain(&robot.tool_link).unwrap();
    chain.forward(&seen.group(ARM).command)
}

fn place(run: &Run) -> Vector3<f64> {
    tool(&run.seen()).translation.vector
}

/// The policy drives, and an operator with a hand controller watches.
fn watched(station: &Station) -> Run {
    let mut run = Deployment::new("lift", "expert").no_time_limit().station(station).start();
    station.track(Tracked::default());
    run.until_ready();
    run.resume(station);
    run.millis(600);
    run
}

fn squeeze(station: &Station) {
    station.set(Hand { clutch: true, ..Hand::default() });
}

/// Moves the hand along a straight way within a second, and lets the robot arrive.
fn carry(run: &mut Run, station: &Station, from: &Tracked, by: [f64; 3]) -> Tracked {
    let mut hand = from.clone();
    for step in 1..=50 {
        let share = f64::from(step) / 50.0;
        hand.position = std::array::from_fn(|i| from.position[i] + share * by[i]);
        station.track(hand.clone());
        run.millis(20);
    }
    run.millis(1500);
    hand
}

#[test]
fn a_hand_takes_over_moves_the_tool_loses_tracking_and_begins_anew_far_away() {
    let ada = Station::new("ada");
    let mut run = watched(&ada);
    let mut hand = Tracked { position: [0.3, -0.2, 1.1], ..Tracked::default() };
    ada.track(hand.clone());
    run.millis(200);
    squeeze(&ada);
    run.millis(1000);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed));
    let start = place(&run);
    run.millis(500);
    assert!((place(&run) - start).norm() < 1e-6, "a still hand moves nothing");
    assert!(run.seen().tick().goal.is_some());

    for (axis, by) in [(0, 0.1), (1, 0.1), (2, 0.1), (2, -0.1)] {
        let before = place(&run);
        let mut way = [0.0; 3];
        way[axis] = by;
        hand = carry(&mut run, &ada, &hand, way);
        let moved = place(&run) - before;
        assert!((moved - Vector3::from(way)).norm() < 0.003, "axis {axis}: {moved:?}");
    }

    // Lost: held at once, although the clutch is down, and still after tracking is back, somewhere else.
    ada.track(Tracked { tracked: false, ..hand.clone() });
    run.millis(60);
    assert!(run.seen().all(Owner::Hold, Cause::ClutchReleased));
    hand.position = [-0.9, 0.8, 0.4];
    ada.track(hand.clone());
    run.millis(1000);
    assert!(run.seen().all(Owner::Hold, Cause::ClutchReleased));
    assert!(run.seen().status.last().unwrap().1.needs_release);
    assert!(run.seen().notices.iter().any(|(_, notice)| notice.code == "hand_lost"));
    let held = place(&run);
    ada.release();
    run.millis(100);
    squeeze(&ada);
    run.millis(500);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed));
    assert!((place(&run) - held).norm() < 1e-6, "engaging far away moves nothing");

    // Recentred under the hand: as if it were somewhere else, so it lets go.
    ada.track(Tracked { recentres: 1, position: [0.0; 3], ..hand.clone() });
    run.millis(60);
    assert!(run.seen().all(Owner::Hold, Cause::ClutchReleased));
    assert!((place(&run) - held).norm() < 1e-6);
    assert!(run.seen().tick().goal.is_none());
    let seen = run.finish();
    assert_motion_within_limits(&seen);
    assert_nothing_refused(&seen);
}

#[test]
fn a_turned_wrist_turns_the_tool_about_the_same_axis_in_place() {
    for axis in 0..3 {
        let ada = Station::new("ada");
        let mut run = watched(&ada);
        squeeze(&ada);
        run.millis(1000);
        let before = tool(&run.seen());
        let mut turned = [0.0; 3];
        for step in 1..=50 {
            turned[axis] = 0.3 * f64::from(step) / 50.0;
            ada.track(Tracked { turned, ..Tracked::default() });
            run.millis(20);
        }
        run.millis(1500);
        let after = tool(&run.seen());
        let turn = (after.rotation * before.rotation.inverse()).scaled_axis();
        assert!((turn - Vector3::from(turned)).norm() < 0.01, "axis {axis}: {turn:?}");
        assert!((after.translation.vector - before.translation.vector).norm() < 0.003);
    }
}

#[test]
fn the_trigger_takes_the_gripper_over_only_where_it_meets_it() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("lift", "expert").no_time_limit().station(&ada).start();
    ada.track(Tracked::default());
    run.until_ready();
    run.resume(&ada);
    run.until("the policy has gripped", |seen| seen.group(GRIPPER).command[0] < 0.05);
    run.millis(500);
    squeeze(&ada);
    run.millis(1000);
    let gripped = run.seen().group(GRIPPER).command[0];
    assert!(gripped < 0.05, "a released trigger drops nothing: {gripped}");
    ada.track(Tracked { trigger: 1.0, ..Tracked::default() });
    run.millis(1000);
    ada.track(Tracked { trigger: 0.0, ..Tracked::default() });
    run.millis(1000);
    let opened = run.seen().group(GRIPPER).command[0];
    assert!(opened > 0.07, "once it has met it, it opens: {opened}");
    assert_motion_within_limits(&run.finish());
}

#[test]
fn a_hand_that_vanishes_from_the_input_lets_go_although_the_stick_is_pushed() {
    let ada = Station::new("ada");
    let mut run = watched(&ada);
    squeeze(&ada);
    run.millis(500);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed));
    ada.untrack();
    ada.drive([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    run.millis(60);
    assert!(run.seen().all(Owner::Hold, Cause::ClutchReleased));
    run.millis(500);
    assert!(run.seen().all(Owner::Hold, Cause::ClutchReleased));
    ada.release();
    run.millis(100);
    ada.drive([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    run.millis(100);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed), "the stick is an operator's, too");
}

#[test]
fn precision_shrinks_the_way_and_changes_without_a_step() {
    let ada = Station::new("ada");
    let mut run = watched(&ada);
    squeeze(&ada);
    run.millis(1000);
    let hand = carry(&mut run, &ada, &Tracked::default(), [0.0, 0.05, 0.0]);
    let before = place(&run);
    let hand = Tracked { precision: true, ..hand };
    ada.track(hand.clone());
    run.millis(500);
    assert!((place(&run) - before).norm() < 1e-4, "the change moves nothing");
    carry(&mut run, &ada, &hand, [0.0, 0.1, 0.0]);
    let moved = place(&run) - before;
    assert!((moved - Vector3::new(0.0, 0.03, 0.0)).norm() < 0.002, "{moved:?}");
}

#[test]
fn a_hand_beyond_the_wall_slides_the_tool_along_it() {
    let ada = Station::new("ada");
    let mut run = watched(&ada);
    squeeze(&ada);
    run.millis(1000);
    let before = place(&run);
    let hand = carry(&mut run, &ada, &Tracked::default(), [0.0, 0.0, -0.6]);
    let down = place(&run);
    assert!(down.z < before.z - 0.02);
    carry(&mut run, &ada, &hand, [0.0, 0.1, 0.0]);
    let along = place(&run) - down;
    assert!((along.y - 0.1).abs() < 0.01 && along.z.abs() < 0.01, "{along:?}");
    assert_motion_within_limits(&run.finish());
}
