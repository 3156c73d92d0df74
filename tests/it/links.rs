//! Faults between the robot and the intervention node.

use std::time::Duration;

use retake_node::Fate;
use retake_tests::{ARM, Deployment, Run, Station, assert_motion_within_limits};
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Cause, Outcome, Owner},
};

const TICK: Duration = Duration::from_millis(20);

fn moving(station: &Station) -> Run {
    let mut run = Deployment::new("nut-on-peg", "expert").no_time_limit().station(station).start();
    run.until_ready();
    run.resume(station);
    run.until("it moves", |seen| seen.speed() > 0.2);
    run
}

fn command(message: &Message) -> bool {
    matches!(message, Message::Command(_))
}

fn from_robot(message: &Message) -> bool {
    matches!(message, Message::Observation(_) | Message::Applied(_))
}

#[test]
fn lost_commands_trip_the_driver_and_what_follows_continues_without_a_jump() {
    let ada = Station::new("ada");
    let mut run = moving(&ada);
    let cut = run.now();
    let healed = cut + Duration::from_millis(200);
    run.link(
        move |now, message, _| if command(message) && now <= healed { Fate::Lose } else { Fate::Deliver },
    );
    run.until("the trip is told", |seen| seen.all(Owner::Hold, Cause::DriverTripped));
    assert!(run.now().since(cut) <= Duration::from_millis(50) + 3 * TICK, "{:?}", run.now().since(cut));
    run.millis(3000);
    {
        let seen = run.seen();
        let (tripped, _) =
            seen.applied.iter().find(|(_, applied)| applied.outcome() == Outcome::Watchdog).unwrap();
        assert!(tripped.since(cut) <= Duration::from_millis(50) + TICK);
        assert!(seen.all(Owner::Hold, Cause::DriverTripped), "nobody drives before a resume");
        assert_eq!(seen.tick().counters.unwrap().driver_trips, 1);
        assert!(!seen.applied.last().unwrap().1.tripped, "a new epoch frees the driver");
        assert!(seen.speed() < 0.01);
    }
    run.resume(&ada);
    run.until("it moves again", |seen| seen.speed() > 0.2);
    let seen = run.finish();
    let limits = &seen.descriptor.as_ref().unwrap().groups[ARM].velocity;
    for pair in seen.applied.windows(2).filter(|pair| pair[0].0 >= cut) {
        let steps = pair[0].1.position[ARM].values.iter().zip(&pair[1].1.position[ARM].values);
        for ((from, to), limit) in steps.zip(limits) {
            assert!((to - from).abs() <= limit * 0.02 * 1.0001, "a jump of {} at {:?}", to - from, pair[1].0);
        }
    }
}

fn robot_lost(run: &mut Run, link: impl Fn(&Message) -> bool + Send + 'static) -> MonoTime {
    let cut = run.now();
    run.link(
        move |_, message, to| if to == "intervention" && link(message) { Fate::Lose } else { Fate::Deliver },
    );
    run.until("everything is held", |seen| {
        seen.tick().groups.iter().all(|group| group.owner() == Owner::Hold)
    });
    cut
}

#[test]
fn a_robot_that_is_not_heard_is_held() {
    let ada = Station::new("ada");
    let mut run = moving(&ada);
    let cut = robot_lost(&mut run, from_robot);
    assert!(run.seen().all(Owner::Hold, Cause::RobotLost), "{:?}", run.seen().who());
    assert!(run.now().since(cut) <= Duration::from_millis(200) + 2 * TICK);
    ada.act(retake_wire::pb::Act::Resume);
    run.millis(1000);
    assert!(run.seen().all(Owner::Hold, Cause::RobotLost), "nobody may drive a robot that is not heard");
    assert!(run.seen().noticed("robot_lost", cut));
    run.heal();
    run.millis(1000);
    assert!(
        run.seen().tick().groups.iter().all(|group| group.owner() == Owner::Hold),
        "it waits for a resume"
    );
    assert!(run.seen().speed() < 0.01);
    run.resume(&ada);
    run.until("it moves again", |seen| seen.speed() > 0.2);
}

#[test]
fn lost_observations_alone_stop_the_driver_first() {
    let ada = Station::new("ada");
    let mut run = moving(&ada);
    // Commands echo the driver's nonces, which come with observations: without them they age.
    let cut = robot_lost(&mut run, |message| matches!(message, Message::Observation(_)));
    assert!(run.now().since(cut) <= Duration::from_millis(200) + 2 * TICK, "{:?}", run.now().since(cut));
    run.millis(1000);
    assert!(run.seen().speed() < 0.01);
    run.heal();
    run.millis(500);
    run.resume(&ada);
    run.until("it moves again", |seen| seen.speed() > 0.2);
}

#[test]
fn commands_that_come_twice_are_applied_once() {
    let ada = Station::new("ada");
    let mut run = moving(&ada);
    let from = run.now();
    let again = Duration::from_millis(5);
    run.link(move |_, message, _| if command(message) { Fate::Repeat(again) } else { Fate::Deliver });
    run.millis(1000);
    let seen = run.finish();
    let since = || seen.applied.iter().filter(|(at, _)| *at >= from);
    let count = |outcome: Outcome| since().filter(|(_, applied)| applied.outcome() == outcome).count();
    assert_eq!(
        count(Outcome::Applied) + count(Outcome::OldSequence) + count(Outcome::OldEpoch),
        since().count()
    );
    assert!(count(Outcome::OldSequence) >= 45, "{}", count(Outcome::OldSequence));
    assert_motion_within_limits(&seen);
}

/// Counted from when a word arrived, the operator's timeout would begin anew after whatever the word took on its way.
#[test]
fn a_slow_link_does_not_keep_the_robot_going_for_longer() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("lift", "expert").no_time_limit().station(&ada).start();
    run.until_ready();
    let way = Duration::from_millis(50);
    run.link(
        move |_, message, _| {
            if matches!(message, Message::Input(_)) { Fate::Delay(way) } else { Fate::Deliver }
        },
    );
    run.millis(300);
    ada.drive([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    run.until("she drives", |seen| seen.all(Owner::Human, Cause::ClutchPressed));
    run.millis(1000);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed), "over a link of {way:?} one can drive");
    run.kill("ada");
    let silent = run.now();
    run.until("she is lost", |seen| seen.all(Owner::Hold, Cause::OperatorLost));
    let after = run.now().since(silent);
    assert!(after <= Duration::from_millis(100) + TICK, "held only {after:?} after her last word");
}
