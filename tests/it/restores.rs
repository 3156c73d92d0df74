//! Putting a simulation back: what must be so before, and what happens if it does not come.

use std::time::Duration;

use retake_node::Fate;
use retake_tests::{Deployment, Run, Station};
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Act, Cause, Owner, Phase},
};

/// The arm has been driven for a second, and everything is in hold.
fn held(ada: &Station) -> Run {
    let mut run = Deployment::new("lift", "expert").no_time_limit().station(ada).start();
    run.until_ready();
    ada.drive([0.0, 0.0, 0.5, 0.0, 0.0, 0.0]);
    run.millis(1000);
    ada.release();
    run.until("everything is held", |seen| seen.all(Owner::Hold, Cause::ClutchReleased));
    run.millis(600);
    run
}

fn resets(run: &Run) -> u64 {
    run.seen().observations.last().unwrap().1.resets
}

fn assert_refused(run: &mut Run, ada: &Station, why: &str) {
    let (from, before) = (run.now(), resets(run));
    ada.act(Act::Restore);
    run.millis(300);
    assert!(run.seen().noticed("no_restore", from), "{why}");
    assert_eq!(resets(run), before, "{why}");
}

#[test]
fn only_a_running_episode_that_is_not_stopped_is_restored() {
    let ada = Station::new("ada");
    let mut fresh = Deployment::new("lift", "expert").no_time_limit().station(&ada).start();
    fresh.until_ready();
    assert_eq!(fresh.seen().phase(), Phase::Ready);
    assert_refused(&mut fresh, &ada, "nobody has driven yet");
    drop(fresh);

    let ada = Station::new("ada");
    let mut run = held(&ada);
    ada.act(Act::Stop);
    run.millis(60);
    assert_refused(&mut run, &ada, "it is stopped");
    ada.act(Act::ClearStop);
    run.millis(60);
    let before = resets(&run);
    ada.act(Act::Restore);
    run.millis(300);
    assert_eq!(resets(&run), before + 1, "and now it is restored");
    assert!(run.seen().all(Owner::Hold, Cause::Restored), "{:?}", run.seen().who());
}

#[test]
fn only_a_simulation_is_restored() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("lift", "expert").no_time_limit().real().station(&ada).start();
    run.until_ready();
    ada.drive([0.0, 0.0, 0.5, 0.0, 0.0, 0.0]);
    run.millis(1000);
    ada.release();
    run.millis(600);
    assert_refused(&mut run, &ada, "people may stand beside it");
}

#[test]
fn a_driver_that_does_not_restore_is_waited_for_two_seconds_and_no_longer() {
    let ada = Station::new("ada");
    let mut run = held(&ada);
    let asked = run.now();
    run.link(|_, message, _| if matches!(message, Message::Reset(_)) { Fate::Lose } else { Fate::Deliver });
    ada.act(Act::Restore);
    run.millis(1900);
    assert!(!run.seen().noticed("restore_failed", asked), "it may still come");
    ada.drive([0.0, 0.0, 0.5, 0.0, 0.0, 0.0]);
    run.millis(60);
    run.until("it is given up", |seen| seen.noticed("restore_failed", asked));
    assert!(run.now().since(asked) <= Duration::from_millis(2200), "{:?}", run.now().since(asked));
    ada.release();
    run.heal();
    run.millis(200);
    ada.drive([0.0, 0.0, 0.5, 0.0, 0.0, 0.0]);
    run.until("one can go on", |seen| seen.all(Owner::Human, Cause::ClutchPressed));
    assert!(run.now() > MonoTime::ZERO);
}
