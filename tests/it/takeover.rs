//! Taking over, letting go, and handing back.

use retake_tests::{
    ARM, Deployment, GRIPPER, Hand, Run, Station, assert_motion_within_limits, assert_nothing_refused,
    assert_segments_are_the_ticks,
};
use retake_wire::pb::{Act, Cause, Owner, Phase};

fn driving(station: &Station) -> Run {
    let mut run = Deployment::new("lift", "expert").no_time_limit().station(station).start();
    run.until_ready();
    run.resume(station);
    run.millis(600);
    run
}

#[test]
fn the_tick_after_a_press_is_the_humans() {
    for phase in 0..10 {
        let ada = Station::new("ada");
        let mut run = driving(&ada);
        run.millis(2 * phase + 1);
        let pressed = run.now();
        ada.drive([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        run.millis(60);
        let seen = run.finish();
        let (heard, _) = *seen
            .inputs
            .iter()
            .filter(|(_, input)| input.clutch)
            .map(|(at, i)| (at, i))
            .next()
            .as_ref()
            .unwrap();
        assert!(*heard >= pressed);
        let next = seen.ticks_since(*heard).next().unwrap();
        assert!(
            next.groups
                .iter()
                .all(|group| (group.owner(), group.cause()) == (Owner::Human, Cause::ClutchPressed))
        );
        let before = seen.ticks.iter().rfind(|tick| tick.at_nanos < heard.wire_nanos()).unwrap();
        assert!(before.groups.iter().all(|group| group.owner() == Owner::Policy));
    }
}

#[test]
fn letting_go_holds_and_the_policy_waits_for_a_deliberate_resume() {
    let ada = Station::new("ada");
    let mut run = driving(&ada);
    ada.drive([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    run.millis(500);
    let released = run.now();
    ada.release();
    run.millis(5000);
    {
        let seen = run.seen();
        let (heard, _) = seen.inputs.iter().find(|(at, input)| *at >= released && !input.clutch).unwrap();
        for tick in seen.ticks_since(*heard) {
            for group in &tick.groups {
                assert_eq!(
                    (group.owner(), group.cause()),
                    (Owner::Hold, Cause::ClutchReleased),
                    "tick {}",
                    tick.tick
                );
            }
        }
        // The policy is still asked while nobody drives; each change of owner makes its last answer void for a moment.
        let asked = seen.ticks_since(*heard).filter(|tick| !tick.groups[ARM].proposal.is_empty()).count();
        assert!(asked > 200, "asked at {asked} ticks only");
        assert!(seen.speed() < 0.01);
    }
    run.resume(&ada);
    let seen = run.finish();
    assert_motion_within_limits(&seen);
    assert_nothing_refused(&seen);
    assert_segments_are_the_ticks(&seen);
}

#[test]
fn a_clutch_that_is_down_when_its_operator_appears_does_not_count() {
    let ada = Station::new("ada");
    ada.drive([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    let mut run = Deployment::new("lift", "expert").station(&ada).start();
    run.until_ready();
    run.millis(2000);
    assert_eq!(run.seen().phase(), Phase::Ready, "nobody has driven");
    assert!(run.seen().status.last().unwrap().1.needs_release);
    ada.release();
    run.millis(60);
    ada.drive([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    run.millis(60);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed));
}

#[test]
fn a_clutch_may_take_one_group_and_leave_the_other_to_the_policy() {
    let ada = Station::new("ada");
    let mut run = driving(&ada);
    ada.set(Hand { clutch: true, groups: vec!["arm".into()], ..Hand::default() });
    run.millis(300);
    assert_eq!(run.seen().group(ARM).owner(), Owner::Human);
    assert_eq!(run.seen().group(GRIPPER).owner(), Owner::Policy);
    ada.release();
    run.millis(100);
    assert_eq!(run.seen().group(ARM).owner(), Owner::Hold);
    assert_eq!(run.seen().group(GRIPPER).owner(), Owner::Policy, "the gripper was never taken");
}

#[test]
fn a_human_who_touches_nothing_but_the_clutch_moves_nothing() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("lift", "expert").station(&ada).start();
    run.until_ready();
    let before: Vec<_> = run.seen().tick().groups.iter().map(|group| group.command.clone()).collect();
    ada.drive([0.0; 6]);
    run.millis(2000);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed));
    let after: Vec<_> = run.seen().tick().groups.iter().map(|group| group.command.clone()).collect();
    assert_eq!(before, after);
    ada.act(Act::Pause);
    run.millis(60);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed), "there is no policy to pause");
}
