//! The way as a tree: back and forth along it, taps, checkpoints, branches.

use retake_log::{Recording, render_tree, summary};
use retake_tests::{
    ARM, Deployment, GRIPPER, Hand, Run, Seen, Station, assert_motion_within_limits, assert_nothing_refused,
    assert_segments_are_the_ticks,
};
use retake_wire::pb::{
    Act, BranchRecord, Cause, Checkpoint, Observation, Owner, Phase, SegmentKind, Verdict,
    rewind_target::Place,
};

/// How far from a former place the arm may come to rest, radians of one joint: the way is kept every 2 mrad, and the servo
/// comes to rest within as much.
const NEAR: f64 = 6e-3;

fn arm(seen: &Seen) -> Vec<f64> {
    seen.group(ARM).measured.clone()
}

fn off(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// An operator who has driven for a while and let go.
fn driven(ada: &Station, task: &str) -> Run {
    let mut run = Deployment::new(task, "expert").no_time_limit().station(ada).start();
    run.until_ready();
    drive(&mut run, ada, [0.0, 0.8, 0.0, 0.0, 0.0, 0.4], 1500);
    run
}

fn drive(run: &mut Run, ada: &Station, twist: [f64; 6], millis: u64) {
    ada.drive(twist);
    run.millis(millis);
    ada.release();
    run.millis(500);
}

fn rewind(run: &mut Run, ada: &Station, millis: u64) {
    ada.rewind();
    run.millis(millis);
    ada.release();
    run.millis(400);
}

fn checkpoints(run: &Run) -> Vec<Checkpoint> {
    run.seen().status.last().unwrap().1.checkpoints.clone()
}

fn judge(seen: &Seen) {
    assert_motion_within_limits(seen);
    assert_nothing_refused(seen);
    assert_segments_are_the_ticks(seen);
}

#[test]
fn scrubbing_goes_back_and_forth_and_ends_where_the_robot_came_from() {
    let ada = Station::new("ada");
    let mut run = driven(&ada, "lift");
    let tip = arm(&run.seen());
    ada.scrub(-1.0);
    run.millis(600);
    let far = off(&arm(&run.seen()), &tip);
    assert!(far > 0.1, "it went back: {far}");
    ada.scrub(0.0);
    run.millis(400);
    let stays = arm(&run.seen());
    run.millis(400);
    assert!(off(&arm(&run.seen()), &stays) < 1e-3, "it stays");
    assert!(run.seen().all(Owner::Rewind, Cause::RewindPressed), "and is still being rewound");
    ada.scrub(0.5);
    run.millis(300);
    let half = off(&arm(&run.seen()), &stays);
    assert!(half > 0.02 && half < far, "forward at half the speed: {half}");
    ada.scrub(1.0);
    run.millis(2000);
    assert!(off(&arm(&run.seen()), &tip) < NEAR, "back where it came from, and no further");
    ada.release();
    run.millis(300);
    let seen = run.finish();
    assert_eq!(seen.branches, [], "nothing branches off: it is where it was");
    assert!(seen.status.last().unwrap().1.forward_seconds < 1e-6);
    judge(&seen);
}

#[test]
fn half_a_scrub_is_half_as_fast() {
    let ada = Station::new("ada");
    let mut run = driven(&ada, "lift");
    let went = |scrub: f64, run: &mut Run| {
        ada.scrub(scrub);
        run.millis(300);
        let from = arm(&run.seen());
        run.millis(300);
        let way = off(&arm(&run.seen()), &from);
        ada.release();
        run.millis(400);
        way
    };
    let (whole, half) = (went(-1.0, &mut run), went(-0.5, &mut run));
    assert!((half / whole - 0.5).abs() < 0.1, "{half} {whole}");
}

#[test]
fn a_tap_goes_back_one_second_of_motion_and_stops() {
    let ada = Station::new("ada");
    let mut run = driven(&ada, "lift");
    let (behind, tip) = {
        let seen = run.seen();
        (seen.status.last().unwrap().1.rewindable_seconds, arm(&seen))
    };
    // Standing still is no motion.
    run.millis(2000);
    ada.act(Act::RewindTap);
    run.until("it has arrived", |seen| seen.all(Owner::Hold, Cause::RewindArrived));
    run.millis(400);
    let status = run.seen().status.last().unwrap().1.clone();
    let (back, ahead) = (behind - status.rewindable_seconds, status.forward_seconds);
    assert!((back - 1.0).abs() < 0.02 && (ahead - 1.0).abs() < 0.02, "{back} s back, {ahead} s ahead");
    assert!(off(&arm(&run.seen()), &tip) > 0.1);
    // The tick one second of motion earlier: the operator drove for a second and a half, then let go.
    let joined = run.seen().branches[0].joined_tick;
    let then = run.seen().ticks.iter().find(|tick| tick.tick == joined).unwrap().groups[ARM].measured.clone();
    assert!(off(&arm(&run.seen()), &then) < NEAR);
    judge(&run.finish());
}

#[test]
fn a_button_let_go_at_once_and_known_as_a_tap_then_goes_back_one_second_from_where_it_began() {
    let ada = Station::new("ada");
    let mut run = driven(&ada, "lift");
    ada.rewind();
    run.millis(160);
    ada.release();
    ada.act(Act::RewindTap);
    run.until("it has arrived", |seen| seen.all(Owner::Hold, Cause::RewindArrived));
    run.millis(400);
    let ahead = run.seen().status.last().unwrap().1.forward_seconds;
    assert!((ahead - 1.0).abs() < 0.02, "{ahead} s ahead");
    let seen = run.finish();
    assert_eq!(seen.branches.len(), 1, "one rewind");
    judge(&seen);
}

#[test]
fn checkpoints_are_gone_to_also_on_another_branch() {
    let ada = Station::new("ada");
    let mut run = driven(&ada, "lift");
    ada.act(Act::MarkCheckpoint);
    run.millis(200);
    let marked = arm(&run.seen());
    let names: Vec<_> = checkpoints(&run).iter().map(|c| (c.number, c.name.clone())).collect();
    assert_eq!(names, [(1, "start".to_owned()), (2, "mark".to_owned())]);
    drive(&mut run, &ada, [0.0, -0.6, 0.3, 0.0, 0.0, 0.0], 600);
    rewind(&mut run, &ada, 1600);
    drive(&mut run, &ada, [0.3, -0.3, 0.3, 0.0, 0.0, 0.0], 800);
    let branched = arm(&run.seen());
    assert!(off(&branched, &marked) > 0.1, "it is elsewhere");
    ada.rewind_to(Place::Checkpoint(2));
    run.until("it has arrived", |seen| seen.all(Owner::Hold, Cause::RewindArrived));
    run.millis(400);
    assert!(off(&arm(&run.seen()), &marked) < NEAR, "{} rad away", off(&arm(&run.seen()), &marked));
    let mark = checkpoints(&run)[1].clone();
    assert!(mark.seconds_back.abs() < 0.05, "{mark:?}");
    ada.release();
    run.millis(100);
    ada.rewind_to(Place::Checkpoint(77));
    run.millis(300);
    let seen = run.finish();
    assert!(seen.notices.iter().any(|(_, notice)| notice.code == "no_checkpoint"));
    let tree: Vec<_> = seen.branches.iter().map(|b| (b.branch, b.parent)).collect();
    assert_eq!(tree[..2], [(1, 0), (2, 0)], "the second place is on the trunk, where the mark is");
    judge(&seen);
}

#[test]
fn so_many_seconds_back_is_a_place_too() {
    let ada = Station::new("ada");
    let mut run = driven(&ada, "lift");
    ada.rewind_to(Place::SecondsBack(0.5));
    run.until("it has arrived", |seen| seen.all(Owner::Hold, Cause::RewindArrived));
    run.millis(200);
    let ahead = run.seen().status.last().unwrap().1.forward_seconds;
    assert!((ahead - 0.5).abs() < 0.02, "{ahead}");
    judge(&run.finish());
}

/// Two of them nested.
fn three_rewinds(run: &mut Run, ada: &Station) {
    rewind(run, ada, 500);
    drive(run, ada, [0.4, 0.0, 0.3, 0.0, 0.0, 0.0], 1000);
    // Inside the branch, so that the next hangs on it.
    rewind(run, ada, 200);
    drive(run, ada, [0.0, -0.5, 0.3, 0.0, 0.0, 0.0], 1000);
    // Back beyond both, onto the trunk.
    rewind(run, ada, 2300);
    drive(run, ada, [-0.4, 0.0, 0.3, 0.0, 0.0, 0.0], 600);
}

/// Ticks of `record`'s rewind, as their owners say.
fn assert_is_a_rewind(seen: &Seen, record: &BranchRecord) {
    let owner = |tick: u64| {
        let found = seen.ticks.iter().find(|t| t.tick == tick).unwrap();
        found.groups[ARM].owner()
    };
    assert!((record.left_tick..record.began_tick).all(|tick| owner(tick) == Owner::Rewind), "{record:?}");
    assert!(owner(record.left_tick - 1) != Owner::Rewind && owner(record.began_tick) != Owner::Rewind);
    assert!(record.joined_tick < record.left_tick);
}

#[test]
fn three_rewinds_two_of_them_nested_are_a_tree_and_nothing_is_erased() {
    let ada = Station::new("ada");
    let mut run = driven(&ada, "lift");
    three_rewinds(&mut run, &ada);
    let seen = run.finish();
    let tree: Vec<_> = seen.branches.iter().map(|b| (b.branch, b.parent, b.restored)).collect();
    assert_eq!(tree, [(1, 0, false), (2, 1, false), (3, 0, false)]);
    for (index, record) in seen.branches.iter().enumerate() {
        assert_is_a_rewind(&seen, record);
        let until = seen.branches.get(index + 1).map_or(u64::MAX, |next| next.left_tick);
        let own = |tick: u64| (record.began_tick..until).contains(&tick);
        let driven = seen.ticks.iter().filter(|tick| own(tick.tick));
        assert!(driven.clone().count() > 20 && driven.clone().all(|tick| tick.branch == record.branch));
        // Where it joins, the arm is where it had been.
        let at = |tick: u64| seen.ticks.iter().find(|t| t.tick == tick).unwrap().groups[ARM].measured.clone();
        let rest = at(record.began_tick + 15);
        assert!(off(&rest, &at(record.joined_tick)) < 0.02, "{record:?}");
    }
    // What was left, the way back, and what followed are segments of their own.
    let kinds: Vec<_> = seen.kinds("arm").into_iter().filter(|kind| *kind != SegmentKind::Hold).collect();
    let [demo, back] = [SegmentKind::Demo, SegmentKind::Rewind];
    assert_eq!(kinds[1..], [demo, back, demo, back, demo, back, demo]);
    judge(&seen);
}

#[test]
fn a_recording_of_three_rewinds_tells_their_tree() {
    let (ada, dir) = (Station::new("ada"), tempfile::tempdir().unwrap());
    let deployment = Deployment::new("lift", "expert").no_time_limit().station(&ada);
    let mut run = deployment.recorded(dir.path(), "tree").start();
    run.until_ready();
    drive(&mut run, &ada, [0.0, 0.8, 0.0, 0.0, 0.0, 0.4], 1500);
    three_rewinds(&mut run, &ada);
    ada.act(Act::Success);
    run.millis(300);
    let seen = run.finish();
    let found = summary(&Recording::open(&dir.path().join("tree")).unwrap()).unwrap();
    let episode = found.episodes.iter().find(|episode| episode.episode == 1).unwrap();
    assert_eq!((episode.ended_on, episode.verdict.as_str()), (3, "success"));
    let at = |tick: u64| seen.ticks.iter().find(|t| t.tick == tick).unwrap();
    let seconds = |tick: u64| (at(tick).at_nanos - at(episode.start_tick).at_nanos) as f64 * 1e-9;
    assert_eq!(episode.branches.len(), 4);
    for (branch, record) in episode.branches[1..].iter().zip(&seen.branches) {
        assert_eq!((branch.branch, branch.parent), (record.branch, Some(record.parent)));
        assert!(!branch.restored && !branch.rebuilt, "{branch:?}");
        for (told, tick) in [
            (branch.left, record.left_tick),
            (branch.joined, record.joined_tick),
            (Some(branch.began), record.began_tick),
        ] {
            assert_eq!(told.unwrap().tick, tick);
            assert!((told.unwrap().seconds.unwrap() - seconds(tick)).abs() < 1e-6, "{told:?}");
        }
    }
    for branch in &episode.branches {
        let own: Vec<_> = branch.segments.iter().filter(|segment| segment.group == "arm").collect();
        let kinds: Vec<_> = own.iter().map(|s| s.kind.as_str()).filter(|kind| *kind != "hold").collect();
        assert_eq!(kinds, ["demo"], "{branch:?}");
        for tick in own.iter().flat_map(|segment| segment.start.tick..segment.end.tick) {
            assert_eq!(at(tick).branch, branch.branch, "tick {tick}");
        }
    }
    let text = render_tree(&found);
    for line in
        ["  trunk from", "  ├─ branch 1", "  │  └─ branch 2", "  └─ branch 3", "  ended on branch 3: success"]
    {
        assert!(text.lines().any(|found| found.starts_with(line)), "{line:?} is not in {text}");
    }
}

#[test]
fn an_object_in_the_hand_comes_along_and_the_grasp_asks_first() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("lift", "expert").no_time_limit().station(&ada).start();
    run.until_ready();
    run.resume(&ada);
    let height = |seen: &Seen| seen.observations.last().unwrap().1.objects[0].z;
    run.until("the object is in the air", |seen| {
        !seen.observations.is_empty() && height(seen) > 0.1 && seen.group(GRIPPER).owner() == Owner::Policy
    });
    let (high, width) = {
        let seen = run.seen();
        (height(&seen), seen.group(GRIPPER).command.clone())
    };
    ada.rewind();
    run.until("it pauses at the grasp", |seen| seen.all(Owner::Hold, Cause::RewindGripper));
    let low = height(&run.seen());
    assert!(low < high - 0.05, "the object came down with the hand: {low}");
    assert_eq!(run.seen().group(GRIPPER).command, width, "the hand has not opened");
    // Forward again, in a new press, with the object still in the hand.
    ada.release();
    run.millis(300);
    ada.scrub(1.0);
    run.millis(3000);
    assert!((height(&run.seen()) - high).abs() < 0.02, "{} instead of {high}", height(&run.seen()));
    assert_eq!(run.seen().group(GRIPPER).command, width);
    let names: Vec<_> = checkpoints(&run).into_iter().map(|checkpoint| checkpoint.name).collect();
    for name in ["start", "takeover", "gripper closes"] {
        assert!(names.iter().any(|known| known == name), "{name} is not among {names:?}");
    }
    judge(&run.finish());
}

/// A run in which the hand has raised the object, and was then rewound a little.
fn raised(ada: &Station) -> Run {
    let mut run = Deployment::new("lift", "expert").no_time_limit().station(ada).start();
    run.until_ready();
    run.resume(ada);
    run.until("the object is off the table", |seen| {
        seen.observations.last().is_some_and(|(_, seen)| seen.objects[0].z > 0.1)
    });
    run
}

/// Where everything is, at one observation.
fn everything(seen: &Seen, number: u64) -> (Vec<f64>, [f64; 3]) {
    let find = |o: &&Observation| o.header.unwrap().seq == number;
    let found = seen.observations.iter().map(|(_, o)| o).find(find).unwrap();
    let object = found.objects[0];
    (found.position[ARM].values.clone(), [object.x, object.y, object.z])
}

#[test]
fn restore_puts_the_objects_back_too_and_the_episode_goes_on() {
    let ada = Station::new("ada");
    let mut run = raised(&ada);
    ada.rewind();
    run.millis(150);
    // Open the hand: the object falls, and no rewind of the arm could bring it back.
    ada.set(Hand { clutch: true, gripper: -1.0, groups: vec!["gripper".into()], ..Hand::default() });
    run.millis(1200);
    ada.release();
    run.millis(400);
    let height = |seen: &Seen| seen.observations.last().unwrap().1.objects[0].z;
    assert!(height(&run.seen()) < 0.03, "it fell");
    // Back to before the hand opened; the press agrees to cross that.
    ada.rewind();
    run.until("it pauses where the hand opened", |seen| seen.all(Owner::Hold, Cause::RewindGripper));
    ada.release();
    run.millis(300);
    rewind(&mut run, &ada, 140);
    ada.act(Act::Restore);
    let asked = run.now();
    run.until("it is restored", |seen| seen.all(Owner::Hold, Cause::Restored));
    run.millis(600);
    {
        let seen = run.seen();
        let record = *seen.branches.last().unwrap();
        assert!(record.restored, "{record:?}");
        let tick = seen.ticks.iter().find(|tick| tick.tick == record.joined_tick).unwrap();
        let (arm_then, object_then) = everything(&seen, tick.observation_seq);
        let (arm_now, object_now) =
            everything(&seen, seen.observations.last().unwrap().1.header.unwrap().seq);
        assert!(object_then[2] > 0.04, "the place is one where the object was in the air: {object_then:?}");
        assert!(off(&arm_then, &arm_now) < 0.02 && off(&object_then, &object_now) < 0.01);
        let mut phases = seen.ticks_since(asked).map(|tick| (tick.phase(), tick.episode));
        assert!(phases.all(|now| now == (Phase::Running, 1)), "one episode, and it goes on");
        assert!(seen.ticks_since(asked).all(|tick| tick.groups[GRIPPER].owner() == Owner::Hold));
    }
    run.resume(&ada);
    run.until("the policy brings it to its end", |seen| seen.phase() == Phase::Ended);
    let seen = run.finish();
    assert_eq!(seen.verdicts(), [Verdict::Success]);
    assert_nothing_refused(&seen);
    assert_segments_are_the_ticks(&seen);
}

#[test]
fn restore_asks_for_hold_and_saving_a_start_moves_nothing() {
    let ada = Station::new("ada");
    let mut run = raised(&ada);
    let from = run.now();
    ada.act(Act::Restore);
    run.millis(200);
    assert!(run.seen().noticed("no_restore", from), "the policy drives");
    let resets = run.seen().observations.last().unwrap().1.resets;
    ada.act(Act::SaveStart);
    run.millis(200);
    let seen = run.finish();
    assert!(seen.all(Owner::Policy, Cause::Resumed), "nobody was disturbed");
    assert_eq!(seen.observations.last().unwrap().1.resets, resets);
    let said = seen.notices.iter().find(|(_, notice)| notice.code == "saved_start").unwrap();
    assert!(said.1.text.contains("lift-1-"), "{}", said.1.text);
    judge(&seen);
}
