//! Incidents of who drives.

use retake_deployment::Settings;
use retake_tests::GRIPPER;
use retake_wire::pb::{Outcome, Phase};

use super::*;

/// Two operators want opposite things at the same time: one of them has it, and nothing of the other's mixes in.
#[test]
fn two_operators_never_interleave() {
    let (ada, bob) = (Station::new("ada"), Station::new("bob"));
    let mut run = ready(&[&ada, &bob]);
    let from = run.now();
    ada.drive(UP);
    bob.drive(DOWN);
    run.millis(800);
    let seen = run.seen();
    let driven: Vec<_> =
        seen.ticks_since(from).filter(|tick| tick.groups[ARM].owner() == Owner::Human).collect();
    assert!(driven.len() > 30);
    for tick in &driven {
        assert_eq!(tick.input.as_ref().unwrap().operator, "ada", "tick {}", tick.tick);
        assert!(tick.twist[2] > 0.0, "tick {}: {:?}", tick.tick, tick.twist);
    }
    assert!(seen.noticed("busy", from), "and the other is told");
}

/// The lease passes when its holder gives it up, with no button of the next one counting yet.
#[test]
fn a_lease_that_is_asked_for_passes_when_it_is_given_up() {
    let (ada, bob) = (Station::new("ada"), Station::new("bob"));
    let mut run = ready(&[&ada, &bob]);
    ada.drive(UP);
    run.millis(300);
    bob.act(Act::RequestLease);
    bob.drive(DOWN);
    run.millis(300);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed), "asking takes nothing away");
    ada.release();
    ada.act(Act::ReleaseLease);
    run.millis(40);
    let from = run.now();
    run.millis(1000);
    assert_eq!(run.seen().status.last().unwrap().1.operator, "bob");
    assert_nobody_drives(&run, from);
    bob.release();
    run.millis(60);
    bob.drive(DOWN);
    run.millis(60);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed));
    assert!(run.seen().tick().twist[2] < 0.0);
}

/// A holder who has gone for coffee and left the pad on the table does not keep the robot from a colleague who asks.
#[test]
fn an_idle_lease_passes_to_who_asked_and_only_then() {
    let (ada, bob) = (Station::new("ada"), Station::new("bob"));
    let mut run = ready(&[&ada, &bob]);
    run.millis(30_000);
    assert_eq!(run.seen().status.last().unwrap().1.operator, "ada", "nobody has asked");
    bob.act(Act::RequestLease);
    let asked = run.now();
    run.until("the lease passes", |seen| seen.status.last().unwrap().1.operator == "bob");
    let waited = run.now().since(asked);
    assert!(waited >= Duration::from_secs(10) && waited < Duration::from_secs(11), "{waited:?}");
}

/// The policy hangs. It has three of its periods.
#[test]
fn a_policy_that_hangs_is_held_within_three_of_its_periods() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    run.resume(&ada);
    run.millis(600);
    run.kill("policy");
    let last = run.seen().proposals.last().unwrap().0;
    run.millis(2000);
    assert_nobody_drives(&run, last + Duration::from_millis(480) + TICK);
    assert!(run.seen().all(Owner::Hold, Cause::PolicyStale));
}

/// The intervention node is killed while a human drives and started again: the driver has stopped by itself, and the new one
/// begins with a higher epoch, owning nothing.
#[test]
fn a_restart_comes_up_holding_with_a_higher_epoch() {
    let ada = Station::new("ada");
    let deployment = Deployment::new("lift", "expert").no_time_limit().episodes(0).station(&ada);
    let settings = deployment.settings().clone();
    let mut run = deployment.start();
    for episode in 1..3 {
        run.until("another episode is ready", |seen| {
            seen.phase() == Phase::Ready && seen.tick().episode == episode
        });
        ada.release();
        run.millis(60);
        ada.drive(UP);
        run.millis(500);
        ada.act(Act::Failure);
    }
    run.until("the third is ready", |seen| seen.phase() == Phase::Ready && seen.tick().episode == 3);
    ada.release();
    run.millis(60);
    ada.drive(UP);
    run.millis(500);
    run.kill("intervention");
    let (killed, epoch) = (run.now(), run.seen().tick().epoch);
    run.millis(500);
    let tripped =
        run.seen().applied.iter().find(|(at, applied)| *at > killed && applied.tripped).unwrap().clone();
    assert_eq!(tripped.1.outcome(), Outcome::Watchdog);
    assert!(tripped.0 <= killed + Duration::from_millis(50) + TICK);
    let again = run.now();
    run.restart(Settings { first_epoch: epoch + 1, entropy: 99, ..settings }.arbiter(again));
    run.millis(3000);
    {
        let seen = run.seen();
        let first = seen.ticks_since(again).next().unwrap();
        assert!(first.epoch > epoch);
        for tick in seen.ticks_since(again) {
            assert!(
                tick.groups.iter().all(|group| group.owner() == Owner::Hold),
                "the clutch was down all the time"
            );
        }
        assert_eq!(seen.phase(), Phase::Ready, "and another episode can begin");
        let resets = |at| seen.observations.iter().rfind(|(when, _)| *when <= at).unwrap().1.resets;
        assert!(resets(run.now()) > resets(again), "from a start state");
        let applied = seen.applied.iter().rev().take(20);
        assert!(
            applied
                .clone()
                .all(|(_, applied)| applied.outcome() == Outcome::Applied && applied.epoch > epoch)
        );
    }
    ada.release();
    run.millis(60);
    ada.drive(UP);
    run.millis(200);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed));
}

/// Taking over with the trigger released opened the gripper, and what it held fell.
#[test]
fn a_takeover_with_nothing_pressed_keeps_the_grip() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    run.resume(&ada);
    run.until("it holds the object", |seen| {
        seen.observations.last().is_some_and(|(_, observation)| observation.grip_force > 1.0)
    });
    let before = run.seen().group(GRIPPER).command[0];
    for _ in 0..5 {
        ada.drive([0.0; 6]);
        run.millis(300);
        ada.release();
        run.millis(300);
    }
    let seen = run.seen();
    assert!(seen.group(GRIPPER).command[0] <= before + 1e-6);
    assert!(seen.observations.last().unwrap().1.grip_force > 1.0, "it still holds it");
}

/// LeRobot's takeover is a toggle: whoever lets go of everything still drives. Here a short press leaves nobody driving, and
/// drifting sticks move nothing without the dead-man.
#[test]
fn a_tap_on_the_clutch_is_no_toggle_and_drift_moves_nothing() {
    let ada = Station::new("ada");
    let mut run = ready(&[&ada]);
    ada.drive([0.0; 6]);
    run.millis(60);
    ada.set(Hand { twist: [0.3; 6], gripper: 0.5, ..Hand::default() });
    run.millis(40);
    let from = run.now();
    let before = run.seen().tick().groups.iter().map(|group| group.command.clone()).collect::<Vec<_>>();
    run.millis(5000);
    assert_nobody_drives(&run, from);
    let after = run.seen().tick().groups.iter().map(|group| group.command.clone()).collect::<Vec<_>>();
    let moved = before.iter().flatten().zip(after.iter().flatten()).map(|(was, is)| (is - was).abs());
    assert!(moved.fold(0.0, f64::max) < 1e-6);
}
