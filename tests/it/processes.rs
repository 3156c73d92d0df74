//! Nodes that die.

use std::time::Duration;

use retake_node::{Node, Outbox};
use retake_scripted::Script;
use retake_tests::{ARM, Deployment, Station, seconds};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{Cause, Outcome, Owner, Phase, Reset},
};

const TICK: Duration = Duration::from_millis(20);

#[test]
fn a_dead_policy_is_held_within_its_timeout() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("nut-on-peg", "expert").station(&ada).start();
    run.until_ready();
    run.resume(&ada);
    run.millis(1200);
    run.kill("policy");
    run.millis(3000);
    let seen = run.finish();
    let last = seen.proposals.last().unwrap().0;
    let latest = (last + Duration::from_millis(480) + TICK).wire_nanos();
    for tick in seen.ticks_since(last).filter(|tick| tick.at_nanos >= latest) {
        for group in &tick.groups {
            assert_eq!(
                (group.owner(), group.cause()),
                (Owner::Hold, Cause::PolicyStale),
                "tick {}",
                tick.tick
            );
        }
    }
    assert!(seen.speed() < 0.01);
}

#[test]
fn a_driver_without_its_arbiter_stops_by_itself_and_stays() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("nut-on-peg", "expert").station(&ada).start();
    run.until_ready();
    run.resume(&ada);
    run.until("it moves", |seen| seen.speed() > 0.2);
    run.kill("intervention");
    let killed = run.now();
    run.millis(5000);
    let seen = run.finish();
    let last = seen.commands.last().unwrap().0;
    assert!(last <= killed);
    let after: Vec<_> = seen.applied.iter().filter(|(at, _)| *at > last).collect();
    let [(tripped, applied)] = after.as_slice() else {
        panic!("one report of the driver's own stop: {after:?}")
    };
    assert_eq!(applied.outcome(), Outcome::Watchdog);
    assert!(applied.tripped);
    assert!(*tripped <= last + Duration::from_millis(50) + TICK, "{} s", seconds(*tripped) - seconds(last));
    let resting = seen.observations.iter().filter(|(at, _)| *at > last + Duration::from_millis(600));
    for (at, observation) in resting {
        let away = observation.position[ARM].values.iter().zip(&applied.position[ARM].values);
        let away = away.map(|(is, stop)| (is - stop).abs()).fold(0.0, f64::max);
        assert!(away < 0.01, "{away} rad from where it stopped at {at:?}");
    }
    assert!(seen.speed() < 0.01);
}

#[test]
fn a_supervised_policy_does_not_drive_without_its_operator() {
    let mut run = Deployment::new("lift", "expert:freeze").script(Script::Absent).start();
    run.until("the operator is lost", |seen| seen.all(Owner::Hold, Cause::OperatorLost));
    let lost = run.now();
    let last = run.seen().inputs.last().unwrap().0;
    assert!(lost.since(last) <= Duration::from_millis(100) + 2 * TICK, "{:?}", lost.since(last));
    run.millis(5000);
    let seen = run.seen();
    for tick in seen.ticks_since(lost) {
        assert!(tick.groups.iter().all(|group| group.owner() == Owner::Hold), "tick {}", tick.tick);
    }
    assert_eq!(seen.phase(), Phase::Running);
    assert!(seen.speed() < 0.01);
}

/// An arbiter of before, which had the scene put back so often.
struct Before(Option<u64>);

impl Node for Before {
    fn name(&self) -> &'static str {
        "before"
    }
    fn subscriptions(&self) -> &[Topic] {
        &[]
    }
    fn publications(&self) -> &[Topic] {
        &[Topic::Reset]
    }
    fn receive(&mut self, _: MonoTime, _: &Message, _: &mut Outbox) {}
    fn wake(&mut self, _: MonoTime, out: &mut Outbox) {
        if let Some(resets) = self.0.take() {
            out.publish(Reset { resets, seed: 99, ..Reset::default() });
        }
    }
    fn next_wake(&self) -> Option<MonoTime> {
        self.0.map(|_| MonoTime::ZERO)
    }
}

/// Found by the fault campaign: an arbiter that was started again waited for ever for a reset that the driver had done before.
#[test]
fn an_arbiter_that_is_started_again_has_the_scene_put_back_again() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("lift", "expert").operator(Before(Some(7))).station(&ada).start();
    run.until_ready();
    let seen = run.finish();
    let resets = seen.observations.last().map(|(_, observation)| observation.resets);
    assert_eq!(resets, Some(8));
}
