//! Back along the measured way.

use retake_tests::{
    ARM, Deployment, GRIPPER, Run, Station, assert_motion_within_limits, assert_nothing_refused,
    assert_segments_are_the_ticks,
};
use retake_units::MonoTime;
use retake_wire::pb::{Cause, Observation, Owner, TickRecord};

/// How far from the earlier way the measured arm may be, radians of one joint. The way is kept every 2 mrad, and its chords
/// cut corners; the servo lags by what it was behind on the way there and is ahead on the way back: 20 ms at the 0.5 rad/s
/// of a rewind are 10 mrad along the way, but only a small part of that across it.
const ACROSS: f64 = 0.01;

fn driving(task: &str, station: &Station) -> Run {
    let mut run = Deployment::new(task, "expert").no_time_limit().station(station).start();
    run.until_ready();
    run.resume(station);
    run
}

fn arm(tick: &TickRecord) -> &[f64] {
    &tick.groups[ARM].measured
}

/// Distance of a point to the chord between two others, largest joint, and how far along the chord it is nearest.
fn across(from: &[f64], to: &[f64], point: &[f64]) -> (f64, f64) {
    let along: f64 = from.iter().zip(to).map(|(a, b)| (b - a) * (b - a)).sum();
    let share: f64 = from.iter().zip(to).zip(point).map(|((a, b), p)| (b - a) * (p - a)).sum();
    let share = if along > 0.0 { (share / along).clamp(0.0, 1.0) } else { 0.0 };
    let nearest = from.iter().zip(to).zip(point).map(|((a, b), p)| (a + share * (b - a) - p).abs());
    (nearest.fold(0.0, f64::max), share)
}

/// Place on the earlier way that is nearest to a point, in ticks, and the distance to it.
fn place(way: &[&TickRecord], point: &[f64]) -> (f64, f64) {
    let chords = way.windows(2).enumerate();
    let places = chords.map(|(index, pair)| {
        let (distance, share) = across(arm(pair[0]), arm(pair[1]), point);
        (distance, index as f64 + share)
    });
    places.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(distance, at)| (at, distance)).unwrap()
}

#[test]
fn the_arm_goes_back_along_the_way_it_came() {
    let ada = Station::new("ada");
    let mut run = driving("nut-on-peg", &ada);
    run.millis(1200);
    ada.rewind();
    run.millis(900);
    ada.release();
    run.millis(500);
    let seen = run.finish();
    let (back, way): (Vec<_>, Vec<_>) =
        seen.ticks.iter().partition(|tick| tick.groups[ARM].owner() == Owner::Rewind);
    let way: Vec<_> =
        way.into_iter().filter(|tick| tick.tick <= back[0].tick && !tick.groups.is_empty()).collect();
    let places: Vec<(f64, f64)> = back.iter().map(|tick| place(&way, arm(tick))).collect();
    // The command was on its way when rewind was pressed: it brakes first, and the arm with it.
    let turned = places.iter().position(|(at, _)| *at < places[0].0 - 2.0).unwrap();
    assert!(turned < 15, "it goes on for {turned} ticks before it turns");
    for (pair, tick) in places[turned..].windows(2).zip(&back[turned..]) {
        assert!(
            pair[1].0 <= pair[0].0 + 0.2,
            "tick {}: forward from {} to {}",
            tick.tick,
            pair[0].0,
            pair[1].0
        );
        assert!(pair[1].1 < ACROSS, "tick {}: {} rad beside the way", tick.tick, pair[1].1);
    }
    let (first, last) = (places[turned].0, places[places.len() - 1].0);
    assert!(last < first - 10.0, "it went back from {first} to {last} only");
    assert_motion_within_limits(&seen);
    assert_nothing_refused(&seen);
    assert_segments_are_the_ticks(&seen);
}

#[test]
fn a_rewind_to_the_start_ends_there() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("nut-on-peg", "expert").no_time_limit().station(&ada).start();
    run.until_ready();
    let start = arm(run.seen().tick()).to_vec();
    ada.drive([0.5, 0.5, -0.5, 0.0, 0.0, 0.5]);
    run.millis(1500);
    ada.release();
    run.millis(200);
    ada.rewind();
    run.until("the way is exhausted", |seen| seen.all(Owner::Hold, Cause::RewindExhausted));
    let from = run.now();
    run.millis(1000);
    let seen = run.finish();
    let off = |tick| arm(tick).iter().zip(&start).map(|(is, was)| (is - was).abs()).fold(0.0, f64::max);
    assert!(seen.ticks.iter().map(off).fold(0.0, f64::max) > 0.2, "it went somewhere");
    assert!(off(seen.tick()) < 5e-3, "{} rad from the start", off(seen.tick()));
    assert!(seen.ticks_since(from).all(|tick| tick.groups.iter().all(|group| group.owner() == Owner::Hold)));
    assert_segments_are_the_ticks(&seen);
}

fn stage(run: &mut Run, stage: u32) {
    run.until("the stage is reached", |seen| seen.observations.last().is_some_and(|(_, o)| o.stage >= stage));
}

/// Gripper's commands since a time, which must all be the same.
fn gripper_since(run: &Run, from: MonoTime) -> Vec<f64> {
    let seen = run.seen();
    let rewound = seen.ticks_since(from).filter(|tick| tick.groups[ARM].owner() == Owner::Rewind);
    rewound.map(|tick| tick.groups[GRIPPER].command[0]).collect()
}

fn nut_in_tool(observation: &Observation) -> [f64; 3] {
    let (nut, tool) = (observation.objects[0], observation.tool.unwrap());
    let of = |pose: retake_wire::pb::Pose| {
        nalgebra::Isometry3::from_parts(
            nalgebra::Translation3::new(pose.x, pose.y, pose.z),
            nalgebra::UnitQuaternion::new_normalize(nalgebra::Quaternion::new(
                pose.qw, pose.qx, pose.qy, pose.qz,
            )),
        )
    };
    (of(tool).inverse() * of(nut)).translation.vector.into()
}

#[test]
fn what_is_in_the_hand_stays_there_and_a_gripper_event_asks_first() {
    let ada = Station::new("ada");
    let mut run = driving("nut-on-peg", &ada);
    stage(&mut run, 4);
    run.millis(400);
    let held = nut_in_tool(&run.seen().observations.last().unwrap().1);
    let height = run.seen().observations.last().unwrap().1.objects[0].z;
    assert!(height > 0.03, "the nut is in the air: {height}");
    let from = run.now();
    ada.rewind();
    run.millis(500);
    let now = nut_in_tool(&run.seen().observations.last().unwrap().1);
    let slip = held.iter().zip(&now).map(|(was, is)| (was - is).abs()).fold(0.0, f64::max);
    assert!(slip < 4e-3, "the nut slipped by {slip} m in the hand");
    run.until("it pauses at the gripper event", |seen| seen.all(Owner::Hold, Cause::RewindGripper));
    let commands = gripper_since(&run, from);
    assert!(commands.len() > 40 && commands.iter().all(|width| *width == commands[0]), "{commands:?}");
    run.millis(1000);
    assert!(run.seen().all(Owner::Hold, Cause::RewindGripper), "the button is still down");
    // Closing on the nut was one event, opening wide enough for its handle at the start another.
    for (ends, why) in [(Cause::RewindGripper, "the opening"), (Cause::RewindExhausted, "the start")] {
        ada.release();
        run.millis(500);
        assert!(
            run.seen().all(Owner::Hold, Cause::RewindGripper),
            "nothing moves before it is pressed again"
        );
        let pressed = run.now();
        ada.rewind();
        run.millis(100);
        run.until(why, |seen| seen.group(ARM).owner() == Owner::Hold);
        assert!(run.seen().all(Owner::Hold, ends), "{why}: {:?}", run.seen().who());
        let commands = gripper_since(&run, pressed);
        assert!(commands.len() > 3 && commands.iter().all(|width| *width == commands[0]), "{commands:?}");
    }
    let seen = run.finish();
    assert_motion_within_limits(&seen);
    assert_nothing_refused(&seen);
    assert_segments_are_the_ticks(&seen);
}
