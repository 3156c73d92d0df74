//! Faults between an operator and the intervention node.

use std::time::Duration;

use retake_node::Fate;
use retake_tests::{Deployment, Run, Station};
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Act, Cause, OperatorInput, Owner},
};

const TICK: Duration = Duration::from_millis(20);
const UP: [f64; 6] = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0];

fn ready(stations: &[&Station]) -> Run {
    let deployment = Deployment::new("lift", "expert").no_time_limit();
    let mut run = stations.iter().fold(deployment, |deployment, station| deployment.station(station)).start();
    run.until_ready();
    run
}

fn input(message: &Message) -> Option<&OperatorInput> {
    if let Message::Input(input) = message { Some(input) } else { None }
}

#[test]
fn an_operator_lost_while_driving_stops_the_robot_for_good() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    ada.drive(UP);
    run.millis(500);
    run.link(|_, message, _| if input(message).is_some() { Fate::Lose } else { Fate::Deliver });
    let cut = run.now();
    run.until("the operator is lost", |seen| seen.all(Owner::Hold, Cause::OperatorLost));
    assert!(run.now().since(cut) <= Duration::from_millis(100) + TICK, "{:?}", run.now().since(cut));
    run.millis(500);
    let (from, command) = (run.now(), run.seen().group(0).command.clone());
    run.millis(3000);
    run.heal();
    run.millis(1000);
    let seen = run.seen();
    for tick in seen.ticks_since(from) {
        assert!(tick.groups.iter().all(|group| group.owner() == Owner::Hold), "the clutch was never let go");
        assert_eq!(tick.groups[0].command, command);
    }
}

#[test]
fn a_device_that_is_unplugged_stops_the_robot_at_once() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    ada.drive(UP);
    run.millis(500);
    ada.set(retake_tests::Hand { clutch: true, twist: UP, lost: true, ..Default::default() });
    run.millis(40);
    assert!(run.seen().all(Owner::Hold, Cause::OperatorLost));
    ada.drive(UP);
    run.millis(500);
    assert!(
        run.seen().all(Owner::Hold, Cause::OperatorLost),
        "plugged in with the clutch down, it must come up first"
    );
}

#[test]
fn inputs_held_back_for_three_seconds_do_nothing_when_they_burst_in() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    let cut = run.now();
    let burst = cut + Duration::from_secs(3);
    run.link(move |now, message, _| match input(message) {
        Some(_) if now < burst => Fate::Delay(burst.since(now)),
        Some(_) | None => Fate::Deliver,
    });
    run.millis(200);
    let before = run.seen().tick().counters.unwrap().inputs_refused;
    ada.drive(UP);
    run.millis(1000);
    ada.release();
    ada.act(Act::Resume);
    run.millis(1000);
    ada.set(retake_tests::Hand { silent: true, ..Default::default() });
    run.millis(1500);
    let seen = run.seen();
    let held = seen.inputs.iter().filter(|(at, _)| *at >= cut).count() as u64;
    assert!(held > 100);
    assert_eq!(seen.tick().counters.unwrap().inputs_refused - before, held, "all of them, and only them");
    assert!(seen.noticed("stale", burst));
    for tick in seen.ticks_since(cut) {
        assert!(tick.groups.iter().all(|group| group.owner() == Owner::Hold), "tick {}", tick.tick);
    }
}

/// Every input arrives again 50 ms later: within the age that is accepted.
fn twice(run: &mut Run) {
    let again = Duration::from_millis(50);
    run.link(move |_, message, _| if input(message).is_some() { Fate::Repeat(again) } else { Fate::Deliver });
}

fn paused_stays_paused(run: &mut Run, ada: &Station) {
    twice(run);
    ada.act(Act::Resume);
    run.until("the policy drives", |seen| seen.all(Owner::Policy, Cause::Resumed));
    ada.act(Act::Pause);
    run.until("it is paused", |seen| seen.all(Owner::Hold, Cause::Paused));
    let from = run.now();
    run.millis(500);
    assert_held(run, from, Cause::Paused);
    ada.drive(UP);
    run.millis(60);
    ada.release();
    run.until("it is let go", |seen| seen.all(Owner::Hold, Cause::ClutchReleased));
    let from = run.now();
    run.millis(500);
    assert_held(run, from, Cause::ClutchReleased);
}

fn assert_held(run: &Run, from: MonoTime, cause: Cause) {
    for tick in run.seen().ticks_since(from) {
        for group in &tick.groups {
            assert_eq!((group.owner(), group.cause()), (Owner::Hold, cause), "tick {}", tick.tick);
        }
    }
}

#[test]
fn inputs_that_come_twice_act_once() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    paused_stays_paused(&mut run, &ada);
    assert!(run.seen().noticed("repeated", MonoTime::ZERO));
}

#[test]
fn inputs_that_come_twice_act_once_while_another_operator_talks() {
    let (ada, bob) = (Station::new("ada"), Station::new("bob"));
    let mut run = ready(&[&ada, &bob]);
    paused_stays_paused(&mut run, &ada);
}

#[test]
fn a_second_operator_cannot_drive_until_the_lease_is_given_up() {
    let (ada, bob) = (Station::new("ada"), Station::new("bob"));
    let mut run = ready(&[&ada, &bob]);
    let from = run.now();
    bob.drive(UP);
    bob.act(Act::Resume);
    run.millis(500);
    assert!(run.seen().noticed("busy", from) || run.seen().noticed("busy", MonoTime::ZERO));
    assert!(run.seen().all(Owner::Hold, Cause::EpisodeReady), "{:?}", run.seen().who());
    bob.release();
    ada.act(Act::ReleaseLease);
    run.millis(10);
    ada.set(retake_tests::Hand { silent: true, ..Default::default() });
    run.millis(300);
    assert_eq!(run.seen().status.last().unwrap().1.operator, "bob");
    bob.drive(UP);
    run.millis(100);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed));
}
