//! Authority over each group, through a whole deployment.

use std::time::Duration;

use retake_node::Fate;
use retake_tests::{
    ARM, Deployment, GRIPPER, Hand, Run, Seen, Station, assert_motion_within_limits, assert_nothing_refused,
    assert_segments_are_the_ticks,
};
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Act, Cause, Owner, SegmentKind, TickRecord},
};

const UP: [f64; 6] = [0.0, 0.0, 0.4, 0.0, 0.0, 0.0];

fn driving(station: &Station) -> Run {
    let mut run = Deployment::new("lift", "expert").no_time_limit().station(station).start();
    run.until_ready();
    run.resume(station);
    run.millis(400);
    run
}

fn hold(groups: &[&str], twist: [f64; 6], gripper: f64) -> Hand {
    let groups = groups.iter().map(|&group| group.into()).collect();
    Hand { clutch: true, groups, twist, gripper, ..Hand::default() }
}

fn owners(tick: &TickRecord) -> (Owner, Owner) {
    (tick.groups[ARM].owner(), tick.groups[GRIPPER].owner())
}

/// The tick's command is on its way to what was proposed: nearer than the one before, or there.
fn follows_the_proposal(tick: &TickRecord, group: usize) -> bool {
    let group = &tick.groups[group];
    let away = group.proposal.iter().zip(&group.command).map(|(wanted, is)| (wanted - is).abs());
    !group.proposal.is_empty() && away.fold(0.0, f64::max) < 0.02
}

/// The policy moves the group by this much while it is driven.
fn moved(seen: &Seen, from: MonoTime, group: usize) -> f64 {
    let ticks: Vec<_> = seen.ticks_since(from).map(|tick| &tick.groups[group].command).collect();
    let steps = ticks.windows(2).map(|pair| {
        let each = pair[0].iter().zip(pair[1]).map(|(was, is): (&f64, &f64)| (is - was).abs());
        each.fold(0.0, f64::max)
    });
    steps.sum()
}

fn finish(run: Run) -> Seen {
    let seen = run.finish();
    assert_motion_within_limits(&seen);
    assert_nothing_refused(&seen);
    assert_segments_are_the_ticks(&seen);
    seen
}

#[test]
fn the_human_moves_the_arm_while_the_gripper_stays_with_the_policy() {
    let ada = Station::new("ada");
    let mut run = driving(&ada);
    // The operator's gripper control says: open, as fast as you can. It is not theirs.
    ada.set(hold(&["arm"], UP, -1.0));
    run.millis(100);
    let from = run.now();
    run.millis(1500);
    let to = run.now();
    ada.release();
    run.millis(400);
    let seen = finish(run);
    let ticks: Vec<_> = seen.ticks_since(from).filter(|tick| tick.at_nanos < to.wire_nanos()).collect();
    assert!(ticks.len() > 70);
    for tick in &ticks {
        assert_eq!(owners(tick), (Owner::Human, Owner::Policy), "tick {}", tick.tick);
        assert_eq!(tick.groups[ARM].segment(), SegmentKind::Correction);
        assert_eq!(tick.groups[GRIPPER].segment(), SegmentKind::Policy);
        assert!(follows_the_proposal(tick, GRIPPER), "tick {}: the gripper is the policy's", tick.tick);
    }
    assert!(moved(&seen, from, ARM) > 0.1, "the human moves the arm");
    let last = seen.tick();
    assert_eq!(owners(last), (Owner::Hold, Owner::Policy), "only what was driven was let go");
    assert_eq!(last.groups[ARM].cause(), Cause::ClutchReleased);
    assert_eq!(last.groups[GRIPPER].cause(), Cause::Resumed);
    assert_eq!(seen.kinds("arm"), ARM_TAKEN);
    assert_eq!(seen.kinds("gripper"), [SegmentKind::Reset, SegmentKind::Hold, SegmentKind::Policy]);
}

const ARM_TAKEN: [SegmentKind; 5] =
    [SegmentKind::Reset, SegmentKind::Hold, SegmentKind::Policy, SegmentKind::Correction, SegmentKind::Hold];

#[test]
fn the_human_moves_the_gripper_while_the_arm_stays_with_the_policy() {
    let ada = Station::new("ada");
    let mut run = driving(&ada);
    // The stick is pushed, and the arm is not theirs.
    ada.set(hold(&["gripper"], [1.0; 6], 0.5));
    run.millis(100);
    let (from, opening) = (run.now(), run.seen().group(GRIPPER).command[0]);
    run.millis(500);
    let to = run.now();
    ada.release();
    run.millis(400);
    let seen = finish(run);
    for tick in seen.ticks_since(from).filter(|tick| tick.at_nanos < to.wire_nanos()) {
        assert_eq!(owners(tick), (Owner::Policy, Owner::Human), "tick {}", tick.tick);
        assert_eq!(tick.groups[ARM].segment(), SegmentKind::Policy);
        assert_eq!(tick.groups[GRIPPER].segment(), SegmentKind::Correction);
        assert!(follows_the_proposal(tick, ARM), "tick {}: the arm is the policy's", tick.tick);
    }
    assert!(moved(&seen, from, ARM) > 0.05, "the policy goes on with the arm");
    assert!(opening - seen.group(GRIPPER).command[0] > 0.02, "the human closes the gripper");
    assert_eq!(owners(seen.tick()), (Owner::Policy, Owner::Hold));
    assert_eq!(seen.kinds("gripper"), ARM_TAKEN);
    assert_eq!(seen.kinds("arm"), [SegmentKind::Reset, SegmentKind::Hold, SegmentKind::Policy]);
}

#[test]
fn a_human_who_takes_one_group_from_hold_leaves_the_other_there() {
    for (named, human) in [("arm", ARM), ("gripper", GRIPPER)] {
        let ada = Station::new("ada");
        let mut run = Deployment::new("lift", "expert").no_time_limit().station(&ada).start();
        run.until_ready();
        let from = run.now();
        ada.set(hold(&[named], UP, 0.5));
        run.millis(700);
        ada.release();
        run.millis(300);
        let seen = finish(run);
        let other = if human == ARM { GRIPPER } else { ARM };
        assert!(seen.ticks_since(from).any(|tick| tick.groups[human].owner() == Owner::Human));
        assert!(seen.ticks_since(from).all(|tick| tick.groups[other].owner() == Owner::Hold), "{named}");
        assert!(moved(&seen, from, human) > 0.02, "{named} moves");
        assert!(moved(&seen, from, other) < 1e-9, "what is in hold does not move with {named}");
    }
}

#[test]
fn the_clutch_that_names_no_group_takes_all() {
    let ada = Station::new("ada");
    let mut run = driving(&ada);
    ada.set(hold(&[], UP, 0.5));
    run.millis(1000);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed));
    ada.set(hold(&["no such group"], UP, 0.5));
    run.millis(100);
    assert!(run.seen().all(Owner::Hold, Cause::ClutchReleased), "a name that nobody has takes nothing");
    finish(run);
}

#[test]
fn taking_and_giving_back_many_times_does_not_drift() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("lift", "expert").no_time_limit().station(&ada).start();
    run.until_ready();
    let before = run.seen().group(ARM).command.clone();
    for named in [&["arm"][..], &["gripper"], &[]].into_iter().cycle().take(60) {
        ada.set(hold(named, [0.0; 6], 0.0));
        run.millis(60);
        ada.release();
        run.millis(60);
    }
    let seen = finish(run);
    let taken = seen.ticks.windows(2).filter(|pair| {
        let human = |tick: &TickRecord| tick.groups.iter().any(|group| group.owner() == Owner::Human);
        !human(&pair[0]) && human(&pair[1])
    });
    assert_eq!(taken.count(), 60);
    let after = &seen.group(ARM).command;
    let drift = before.iter().zip(after).map(|(was, is)| (is - was).abs()).fold(0.0, f64::max);
    assert!(drift < 1e-6, "{drift} rad after sixty takeovers");
}

#[test]
fn a_lost_link_drops_only_what_the_operator_drove() {
    for (named, human) in [("arm", ARM), ("gripper", GRIPPER)] {
        let ada = Station::new("ada");
        // A supervised policy stops without its operator; this one may go on alone.
        let deployment = Deployment::new("lift", "expert").no_time_limit().unattended().station(&ada);
        let mut run = deployment.start();
        run.until_ready();
        run.resume(&ada);
        run.millis(300);
        ada.set(hold(&[named], [0.0; 6], 0.0));
        run.millis(300);
        run.link(
            |_, message, _| if matches!(message, Message::Input(_)) { Fate::Lose } else { Fate::Deliver },
        );
        let cut = run.now();
        run.millis(400);
        let lost = cut + Duration::from_millis(140);
        let seen = finish(run);
        let other = if human == ARM { GRIPPER } else { ARM };
        for tick in seen.ticks_since(lost) {
            let (mine, theirs) = (&tick.groups[human], &tick.groups[other]);
            assert_eq!((mine.owner(), mine.cause()), (Owner::Hold, Cause::OperatorLost), "{named}");
            assert_eq!(theirs.owner(), Owner::Policy, "{named}: the policy keeps what it had");
        }
    }
}

#[test]
fn a_resume_gives_only_what_is_held() {
    let ada = Station::new("ada");
    let mut run = driving(&ada);
    ada.set(hold(&["arm"], [0.0; 6], 0.0));
    run.millis(200);
    let human = run.seen().tick().epoch;
    ada.act(Act::Resume);
    run.millis(100);
    {
        let seen = run.seen();
        assert_eq!(owners(seen.tick()), (Owner::Human, Owner::Policy), "a hand on the clutch keeps the arm");
        assert_eq!(seen.tick().epoch, human, "nothing changed hands");
        assert!(seen.noticed("nothing_to_resume", MonoTime::ZERO));
    }
    ada.release();
    run.millis(100);
    ada.act(Act::Resume);
    run.millis(100);
    assert_eq!(owners(run.seen().tick()), (Owner::Policy, Owner::Policy));
    finish(run);
}
