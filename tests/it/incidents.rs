//! What has gone wrong with other people's robots, and must not with this one. Each test is named after what happened there.

mod owners;

use std::{sync::Arc, sync::Mutex, time::Duration};

use retake_devices::{
    PadConfig, PadOperator,
    pad::{RecordedSource, parse_stream},
};
use retake_node::Fate;
use retake_tests::{ARM, Deployment, Hand, Run, Station, assert_motion_within_limits};
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Act, Cause, OperatorInput, Owner},
};

const TICK: Duration = Duration::from_millis(20);
/// An operator who is lost is noticed after this long.
const OPERATOR: Duration = Duration::from_millis(100);
/// From full speed to rest.
const BRAKING: Duration = Duration::from_millis(600);
const UP: [f64; 6] = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
const DOWN: [f64; 6] = [0.0, 0.0, -1.0, 0.0, 0.0, 0.0];

fn ready(stations: &[&Station]) -> Run {
    let deployment = Deployment::new("lift", "expert").no_time_limit();
    let mut run = stations.iter().fold(deployment, |deployment, station| deployment.station(station)).start();
    run.until_ready();
    run
}

fn silent() -> Hand {
    Hand { silent: true, ..Hand::default() }
}

fn last_input(run: &Run) -> OperatorInput {
    run.seen().inputs.last().unwrap().1.clone()
}

/// From `from` on nobody drives anything, and once it has braked nothing moves.
fn assert_nobody_drives(run: &Run, from: MonoTime) {
    let seen = run.seen();
    let resting = from + BRAKING;
    let mut stood: Option<&Vec<f64>> = None;
    for tick in seen.ticks_since(from) {
        assert!(tick.groups.iter().all(|group| group.owner() == Owner::Hold), "tick {}", tick.tick);
        if tick.at_nanos >= resting.wire_nanos() {
            let command = &tick.groups[ARM].command;
            assert_eq!(stood.get_or_insert(command), &command, "tick {}", tick.tick);
        }
    }
    assert!(stood.is_some());
}

/// The radio of a gamepad was lost, and its driver repeated the last axes for ever: a robot drove off a kerb
/// (joystick_drivers #92).
#[test]
fn the_last_axes_repeated_for_ever_move_nothing() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    ada.drive(UP);
    run.millis(500);
    let (cut, mut last) = (run.now(), last_input(&run));
    ada.set(silent());
    for _ in 0..500 {
        run.millis(20);
        run.inject(last.clone());
        // And the same once more from a repeater that counts its messages.
        last.header.as_mut().unwrap().seq += 1;
        run.inject(last.clone());
    }
    let lost = cut + OPERATOR + OPERATOR + TICK;
    assert_nobody_drives(&run, lost);
    assert!(run.seen().all(Owner::Hold, Cause::OperatorLost));
    assert_motion_within_limits(&run.finish());
}

/// The same through the automatic repeat of the joystick node, which comes back with the link (osr-rover #70, duckietown #200):
/// the buttons of before the loss count for nothing when it does.
#[test]
fn axes_that_come_back_after_a_loss_move_nothing_until_the_clutch_was_let_go() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    ada.drive(UP);
    run.millis(500);
    let cut = run.now();
    run.link(|_, message, _| if matches!(message, Message::Input(_)) { Fate::Lose } else { Fate::Deliver });
    run.millis(2000);
    run.heal();
    run.millis(3000);
    assert_nobody_drives(&run, cut + OPERATOR + TICK + TICK);
    assert!(run.seen().status.last().unwrap().1.needs_release);
    ada.release();
    run.millis(60);
    ada.drive(UP);
    run.millis(60);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed), "and then it does");
}

/// The dead-man button was released and motion went on for up to five seconds, because the release made no message (PR2 #134,
/// teleop_tools #45).
#[test]
fn a_release_without_a_message_stops_the_robot() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    ada.drive(UP);
    run.millis(500);
    let last = run.seen().inputs.last().unwrap().0;
    ada.set(silent());
    run.millis(5000);
    assert_nobody_drives(&run, last + OPERATOR + TICK);
}

/// As before, and the messages that say so are lost one by one while those of a nervous finger come through.
#[test]
fn a_release_whose_messages_are_lost_stops_the_robot() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    ada.drive(UP);
    run.millis(500);
    let last = run.seen().inputs.last().unwrap().0;
    run.link(|_, message, _| {
        let released = matches!(message, Message::Input(input) if !input.clutch);
        if released { Fate::Lose } else { Fate::Deliver }
    });
    ada.set(Hand { twist: UP, ..Hand::default() });
    run.millis(2000);
    ada.drive(UP);
    run.millis(1000);
    assert_nobody_drives(&run, last + OPERATOR + TICK);
}

/// The dead-man goes up while the stick is still pushed: it is the button that counts, at the next tick.
#[test]
fn the_dead_man_counts_and_not_the_axes() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    ada.drive(UP);
    run.millis(500);
    let released = run.now();
    ada.set(Hand { twist: UP, ..Hand::default() });
    run.millis(2000);
    let heard = run.seen().inputs.iter().find(|(at, _)| *at > released).unwrap().0;
    assert_nobody_drives(&run, heard);
    assert!(run.seen().all(Owner::Hold, Cause::ClutchReleased));
}

/// One message was processed twice, and did twice what it said (pr2_apps #25).
#[test]
fn what_is_said_once_and_comes_twice_is_done_once() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    ada.drive(UP);
    run.millis(1500);
    ada.release();
    run.millis(200);
    let again = Duration::from_millis(60);
    run.link(
        move |_, message, _| {
            if matches!(message, Message::Input(_)) { Fate::Repeat(again) } else { Fate::Deliver }
        },
    );
    let refused = run.seen().tick().counters.unwrap().inputs_refused;
    ada.act(Act::Resume);
    run.millis(30);
    ada.act(Act::Pause);
    run.millis(1000);
    let seen = run.seen();
    assert!(seen.all(Owner::Hold, Cause::Paused), "the second resume came after the pause: {:?}", seen.who());
    assert!(seen.tick().counters.unwrap().inputs_refused - refused > 40, "each second one is counted");
}

/// The source of highest priority, which said stop, stopped publishing, and the multiplexer let navigation through
/// (joystick_drivers #304).
#[test]
fn a_stop_outlives_whoever_said_it() {
    let (ada, bob) = (Station::new("ada"), Station::new("bob"));
    let mut run = ready(&[&ada, &bob]);
    run.resume(&ada);
    run.millis(500);
    bob.act(Act::Stop);
    run.millis(40);
    bob.set(silent());
    let stopped = run.now();
    for _ in 0..20 {
        ada.act(Act::Resume);
        ada.drive(UP);
        run.millis(250);
        ada.release();
        run.millis(250);
    }
    assert_nobody_drives(&run, stopped);
    assert!(run.seen().tick().stopped);
}

/// A link stalls for three seconds and then delivers everything at once: nothing of it is believed.
#[test]
fn a_burst_after_a_stall_is_not_believed() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    run.resume(&ada);
    let burst = run.now() + Duration::from_secs(3);
    run.link(move |now, message, to| {
        let stalled = to == "intervention" && matches!(message, Message::Input(_) | Message::Proposal(_));
        if stalled && now < burst { Fate::Delay(burst.since(now)) } else { Fate::Deliver }
    });
    run.millis(40);
    let before = run.seen().tick().counters.unwrap();
    let cut = run.now();
    for _ in 0..10 {
        ada.act(Act::Resume);
        ada.drive(UP);
        run.millis(150);
        ada.release();
        run.millis(120);
    }
    ada.set(silent());
    run.millis(1000);
    let seen = run.seen();
    let inputs = seen.inputs.iter().filter(|(at, _)| *at >= cut).count() as u64;
    let after = seen.tick().counters.unwrap();
    assert!(inputs > 100);
    assert!(after.inputs_refused - before.inputs_refused >= inputs, "none of the inputs is believed");
    assert!(after.proposals_refused > before.proposals_refused);
    drop(seen);
    assert_nobody_drives(&run, burst);
}

/// The sender's clock is an hour off either way: nobody looks at it.
#[test]
fn a_clock_that_is_wrong_by_an_hour_changes_nothing() {
    let hour = 3_600_000_000_000_i64;
    let decisions = |error: i64| {
        let ada = Station::new("ada");
        let mut run = ready(&[&ada]);
        let copies = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&copies);
        // Every input is lost, and comes with the wrong time of sending instead.
        run.link(move |_, message, _| {
            let Message::Input(input) = message else { return Fate::Deliver };
            if input.device == "wrong clock" {
                return Fate::Deliver;
            }
            let mut input = input.clone();
            input.device = "wrong clock".into();
            input.header.as_mut().unwrap().sent_nanos += error;
            taken.lock().unwrap().push(input);
            Fate::Lose
        });
        for step in 0..200 {
            match step {
                10 => ada.act(Act::Resume),
                60 => ada.drive(UP),
                110 => ada.rewind(),
                140 => ada.release(),
                150 => ada.act(Act::Resume),
                _ => {}
            }
            run.millis(10);
            let inputs = std::mem::take(&mut *copies.lock().unwrap());
            inputs.into_iter().for_each(|input| run.inject(input));
        }
        let seen = run.finish();
        let groups = |tick: &retake_wire::pb::TickRecord| {
            tick.groups
                .iter()
                .map(|group| (group.owner(), group.cause(), group.command.clone()))
                .collect::<Vec<_>>()
        };
        seen.ticks.iter().map(groups).collect::<Vec<_>>()
    };
    let right = decisions(0);
    let driven = |owner| right.iter().any(|groups| groups.iter().any(|(is, _, _)| *is == owner));
    assert!(driven(Owner::Policy) && driven(Owner::Human) && driven(Owner::Rewind));
    for error in [hour, -hour, i64::MAX / 2] {
        assert!(decisions(error) == right, "{error} ns");
    }
}

/// A stop is one short press, and the link may lose just that message (rosbridge and joy drop under load and say nothing): it is
/// said again until the arbiter says that it stopped.
#[test]
fn a_stop_that_is_lost_in_transit_is_said_again() {
    let stream = r#"{"at_nanos":0,"kind":"connected","name":"Xbox 360 Controller","uuid":"030000005e0400008e02000014010000","mapping":"database"}
{"at_nanos":500000000,"kind":"button","button":"start","pressed":true}
{"at_nanos":620000000,"kind":"button","button":"start","pressed":false}
{"at_nanos":2000000000,"kind":"button","button":"mode","pressed":true}
{"at_nanos":2080000000,"kind":"button","button":"mode","pressed":false}"#;
    let source = RecordedSource::new(parse_stream(stream).unwrap());
    let pad = PadOperator::new(PadConfig::new("ada", 42), source);
    let mut run = Deployment::new("lift", "expert").no_time_limit().operator(pad).start();
    run.millis(1990);
    assert!(run.seen().all(Owner::Policy, Cause::Resumed), "{:?}", run.seen().who());
    // What is said while the button is down is lost.
    let healed = run.now() + Duration::from_millis(70);
    run.link(
        move |now, message, _| {
            if matches!(message, Message::Input(_)) && now <= healed { Fate::Lose } else { Fate::Deliver }
        },
    );
    run.millis(120);
    {
        let seen = run.seen();
        for (at, i) in seen.inputs.iter().rev().take(12) {
            println!("{at:?} MonoTime {:?} {}", i.acts, i.valid);
        }
        for t in seen.ticks.iter().rev().take(12) {
            println!(
                "{:?} GroupTick {:?} {:?} {:?}",
                t.at_nanos,
                t.groups[0].owner(),
                t.groups[0].cause(),
                t.counters
            );
        }
    }
    assert!(run.seen().all(Owner::Hold, Cause::Stopped), "{:?}", run.seen().who());
    run.millis(1000);
    let seen = run.finish();
    let acts = |(_, input): &(MonoTime, OperatorInput)| input.acts().any(|act| act == Act::Stop);
    let said = seen.inputs.iter().filter(|input| acts(input)).count();
    assert!((2..40).contains(&said), "until it is confirmed, and no longer: {said}");
}
