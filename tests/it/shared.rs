//! Driving together with the policy, and a policy that wants to be elsewhere.

use retake_node::Fate;
use retake_tests::{
    ARM, Deployment, GRIPPER, Hand, Run, Station, assert_motion_within_limits, assert_nothing_refused,
    assert_segments_are_the_ticks,
};
use retake_wire::{
    Message,
    pb::{Cause, DriveMode, Owner, SegmentKind},
};

fn driving(station: &Station) -> Run {
    let mut run = Deployment::new("nut-on-peg", "expert").no_time_limit().station(station).start();
    run.until_ready();
    run.resume(station);
    run.until("it moves", |seen| seen.speed() > 0.2);
    run
}

fn push(up: f64) -> Hand {
    Hand { clutch: true, mode: DriveMode::Residual, twist: [0.0, 0.0, up, 0.0, 0.0, 0.0], ..Hand::default() }
}

#[test]
fn what_the_operator_adds_is_bounded_and_both_parts_are_recorded() {
    let ada = Station::new("ada");
    let mut run = driving(&ada);
    ada.set(push(0.5));
    run.millis(1500);
    let began = run.now();
    {
        let seen = run.seen();
        let arm = seen.group(ARM);
        assert_eq!((arm.owner(), arm.segment()), (Owner::Shared, SegmentKind::Correction));
        let most = arm.residual.iter().fold(0.0, |most: f64, r| most.max(r.abs()));
        assert!(most > 0.05 && most <= 0.15, "{:?}", arm.residual);
        for ((target, policy), human) in arm.target.iter().zip(&arm.proposal).zip(&arm.residual) {
            assert!((target - policy - human).abs() < 1e-12);
        }
    }
    ada.release();
    run.millis(500);
    assert!(run.seen().all(Owner::Hold, Cause::ClutchReleased), "letting go holds, here too");
    let seen = run.finish();
    assert!(
        seen.ticks_since(began)
            .all(|tick| tick.groups[ARM].residual.is_empty() || tick.groups[ARM].owner() == Owner::Shared)
    );
    assert_motion_within_limits(&seen);
    assert_nothing_refused(&seen);
    assert_segments_are_the_ticks(&seen);
}

#[test]
fn a_hand_that_adds_nothing_changes_nothing_of_where_the_policy_goes() {
    let ada = Station::new("ada");
    let mut run = driving(&ada);
    ada.set(push(0.0));
    run.until("it is done", |seen| !seen.verdicts().is_empty());
    let seen = run.finish();
    assert_eq!(seen.verdicts(), [retake_wire::pb::Verdict::Success]);
    assert!(seen.ticks.iter().flat_map(|tick| &tick.groups[ARM].residual).all(|r| *r == 0.0));
}

#[test]
fn one_group_may_be_shared_and_the_other_left_to_the_policy() {
    let ada = Station::new("ada");
    let mut run = driving(&ada);
    ada.set(Hand { groups: vec!["arm".into()], ..push(0.2) });
    run.millis(200);
    let owners = |run: &Run| [ARM, GRIPPER].map(|group| run.seen().group(group).owner());
    assert_eq!(owners(&run), [Owner::Shared, Owner::Policy]);
    ada.release();
    run.millis(60);
    assert_eq!(owners(&run), [Owner::Hold, Owner::Policy]);
}

#[test]
fn sharing_does_not_start_a_policy_that_holds() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("nut-on-peg", "expert").station(&ada).start();
    run.until_ready();
    let pressed = run.now();
    ada.set(push(1.0));
    run.millis(500);
    assert_eq!(run.seen().group(ARM).owner(), Owner::Hold);
    assert!(run.seen().noticed("nothing_to_share", pressed));
}

#[test]
fn a_shared_group_holds_when_the_policy_goes_silent() {
    let ada = Station::new("ada");
    let mut run = driving(&ada);
    ada.set(push(0.1));
    run.millis(100);
    run.kill("policy");
    run.millis(600);
    assert!(run.seen().all(Owner::Hold, Cause::PolicyStale), "{:?}", run.seen().who());
    run.millis(500);
    assert_motion_within_limits(&run.finish());
}

/// The same pose with other joints is no place to slew to.
#[test]
fn a_policy_that_wants_joints_far_from_the_command_is_held_at_once() {
    let ada = Station::new("ada");
    let mut run = driving(&ada);
    run.link(|_, message, to| {
        let proposal = matches!(message, Message::Proposal(_)) && to == "intervention";
        if proposal { Fate::Lose } else { Fate::Deliver }
    });
    let mut proposal = run.seen().proposals.last().unwrap().1.clone();
    let (beacon, header) = (run.seen().beacon, proposal.header.as_mut().unwrap());
    (header.beacon, header.seq, header.epoch) = (beacon.nonce, header.seq + 1000, beacon.epoch);
    proposal.observation_seq = run.seen().observations.last().unwrap().1.header.unwrap().seq;
    for step in &mut proposal.steps {
        step.groups[ARM].values[6] += 1.0;
    }
    run.heal();
    run.inject(proposal);
    // It brakes in the same tick, and the next says why.
    run.millis(41);
    let owners = run.seen().who();
    assert_eq!(owners[ARM], (Owner::Hold, Cause::PolicyFar), "{:?}", run.seen().notices);
    assert_eq!(owners[GRIPPER].0, Owner::Policy, "the gripper is where it should be");
    run.millis(1000);
    assert!(run.seen().speed() < 0.05);
    assert_motion_within_limits(&run.finish());
}
