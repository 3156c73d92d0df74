use super::*;

/// At `q`, `millis` after the start.
pub(super) fn point(q: f64, gripper: f64, millis: u64) -> PathPoint {
    PathPoint {
        position: vec![q, -q],
        gripper,
        tick: Tick(millis / 20),
        seq: millis / 20 + 1000,
        at: MonoTime::from_nanos(millis * 1_000_000),
    }
}

/// A hundred ticks from 0 to `to`, gripper open.
fn line(to: f64) -> Path {
    let mut path = Path::default();
    (0..=100).for_each(|i| path.record(point(to * i as f64 / 100.0, 0.08, i * 20)));
    path
}

/// Walks until it ends; the last position, if it moved, and why it ended.
fn walk(
    path: &mut Path,
    mut step: impl FnMut(&mut Path) -> Result<Vec<f64>, PathEnd>,
) -> (Option<f64>, PathEnd) {
    let mut last = None;
    for _ in 0..10_000 {
        match step(path) {
            Ok(position) => last = Some(position[0]),
            Err(end) => return (last, end),
        }
    }
    panic!("no end");
}

fn back(path: &mut Path) -> (Option<f64>, PathEnd) {
    path.begin_rewind();
    let walked = walk(path, |path| path.walk(-0.03));
    path.end_rewind();
    walked
}

#[test]
fn the_walk_back_ends_at_the_beginning() {
    let mut path = line(1.0);
    assert_eq!(back(&mut path), (Some(0.0), PathEnd::Exhausted));
    assert_eq!((path.behind(), path.is_rewound()), (0.0, true));
}

#[test]
fn standing_still_is_not_part_of_the_way_nor_of_its_time() {
    let mut path = line(0.5);
    assert!((path.behind() - 2.0).abs() < 1e-9, "{}", path.behind());
    (0..1000).for_each(|i| path.record(point(0.5, 0.08, 2000 + i * 20)));
    assert!((path.behind() - 2.0).abs() < 1e-9, "{}", path.behind());
    path.record(point(0.51, 0.08, 22_000));
    assert!((path.behind() - 2.1).abs() < 1e-9, "twenty seconds at rest count as a tenth: {}", path.behind());
}

#[test]
fn one_second_back_is_one_second_of_motion() {
    let mut path = line(1.0);
    path.begin_rewind();
    let aim = Aim::Motion(path.motion() - 1.0);
    let (at, end) = walk(&mut path, |path| path.walk_to(aim, 0.03));
    assert_eq!(end, PathEnd::Arrived);
    assert!(
        (at.unwrap() - 0.5).abs() < 1e-6 && (path.ahead() - 1.0).abs() < 1e-6,
        "{at:?}, {}",
        path.ahead()
    );
    assert_eq!(walk(&mut path, |path| path.walk_to(Aim::Motion(-1.0), 0.03)).1, PathEnd::Exhausted);
    assert_eq!(walk(&mut path, |path| path.walk_to(Aim::Motion(99.0), 0.03)), (Some(1.0), PathEnd::Arrived));
}

#[test]
fn forward_again_is_the_same_way_and_ends_where_the_robot_came_from() {
    let mut path = line(1.0);
    path.begin_rewind();
    (0..20).for_each(|_| drop(path.walk(-0.03).unwrap()));
    assert_eq!(path.walk(0.0).unwrap(), path.walk(0.0).unwrap());
    for _ in 0..100 {
        path.walk(0.03).unwrap();
    }
    assert_eq!(path.walk(0.03).unwrap(), [1.0, -1.0]);
    assert_eq!(path.end_rewind(), None, "it is back where it came from");
    assert!(!path.is_rewound() && path.branch() == 0);
}

#[test]
fn who_drives_on_begins_a_branch_and_nothing_is_lost() {
    let mut path = line(1.0);
    path.begin_rewind();
    (0..10).for_each(|_| drop(path.walk(-0.05).unwrap()));
    let join = path.end_rewind().unwrap();
    assert_eq!((join.branch, join.parent, join.tick, join.seq), (1, 0, Tick(50), 1050));
    // The second joint goes elsewhere from here.
    for i in 0..50_u32 {
        let q = 0.5 + f64::from(i) / 100.0;
        path.record(PathPoint { position: vec![q, -0.5], ..point(q, 0.08, 4000 + u64::from(i) * 20) });
    }
    assert_eq!((path.branch(), path.ahead()), (1, 0.0));
    let mark = path.mark(Mark::Operator).unwrap();
    path.begin_rewind();
    (0..18).for_each(|_| drop(path.walk(-0.05).unwrap()));
    let join = path.end_rewind().unwrap();
    assert_eq!((join.branch, join.parent), (2, 0), "it went back beyond the beginning of branch 1");
    for i in 0..10_u32 {
        path.record(point(0.1 - f64::from(i) / 100.0, 0.08, 9000 + u64::from(i) * 20));
    }
    // From branch 2 back to the trunk, forward along it and along branch 1 to its end.
    path.begin_rewind();
    let (at, end) = walk(&mut path, |path| path.walk_to(Aim::Checkpoint(mark), 0.03));
    assert_eq!(end, PathEnd::Arrived);
    assert!((at.unwrap() - 0.99).abs() < 1e-9, "{at:?}");
    assert_eq!((path.branch(), path.walk(0.0).unwrap()), (1, vec![0.99, -0.5]));
    assert_eq!(path.walk_to(Aim::Checkpoint(99), 0.03), Err(PathEnd::Unknown));
}

/// Arm to 1 rad, gripper closed at 0.5 rad.
fn grasp() -> Path {
    let mut path = line(0.5);
    path.record(point(0.5, 0.0, 2020));
    (51..=100).for_each(|i| path.record(point(i as f64 / 100.0, 0.0, 2020 + i * 20)));
    path
}

#[test]
fn a_gripper_event_stops_the_walk_both_ways_until_it_is_pressed_again() {
    let mut path = grasp();
    let (at, end) = back(&mut path);
    assert_eq!(end, PathEnd::AtGripper);
    assert!((at.unwrap() - 0.5).abs() < 1e-5, "stopped at {at:?}");
    // Pressed again, it goes on; forward in the same press, too.
    path.begin_rewind();
    assert!(path.walk(-0.05).unwrap()[0] < 0.49);
    assert!(path.walk(0.1).unwrap()[0] > 0.52);
    assert!(path.walk(-0.1).unwrap()[0] < 0.49);
    path.end_rewind();
    // Another press has not agreed to go forward across it.
    path.begin_rewind();
    assert!((path.walk(0.2).unwrap()[0] - 0.5).abs() < 1e-9);
    assert_eq!(path.walk(0.2), Err(PathEnd::AtGripper));
    path.end_rewind();
    path.begin_rewind();
    assert!(path.walk(0.2).unwrap()[0] > 0.69);
}

#[test]
fn a_checkpoint_at_the_gripper_event_is_reached_without_crossing_it() {
    let mut path = grasp();
    let marks: Vec<_> = path.checkpoints().map(|c| (c.number, c.mark)).collect();
    assert_eq!(marks, [(1, Mark::Start), (2, Mark::GripperCloses)]);
    path.begin_rewind();
    assert_eq!(walk(&mut path, |path| path.walk_to(Aim::Checkpoint(2), 0.03)).1, PathEnd::Arrived);
    assert_eq!(walk(&mut path, |path| path.walk_to(Aim::Checkpoint(1), 0.03)).1, PathEnd::AtGripper);
}

/// Closes from 0.08 m to nothing by `step` metres a point, while the arm moves by `moved` a point; how often the walk
/// back stops for the operator's word.
fn pauses(step: f64, moved: f64) -> usize {
    let mut path = line(0.5);
    let (mut q, mut gripper, mut millis) = (0.5, 0.08, 2000);
    while gripper > 0.0 {
        (q, gripper, millis) = (q + moved, f64::max(gripper - step, 0.0), millis + 20);
        path.record(point(q, gripper, millis));
    }
    (1..=50).for_each(|i| path.record(point(q + i as f64 / 100.0, 0.0, millis + i * 20)));
    let mut pauses = 0;
    loop {
        let (_, end) = back(&mut path);
        match end {
            PathEnd::Exhausted => return pauses,
            PathEnd::AtGripper => pauses += 1,
            PathEnd::Arrived | PathEnd::Unknown => panic!("{end:?}"),
        }
        assert!(pauses < 10);
    }
}

#[test]
fn one_closing_of_the_gripper_is_one_event_however_it_was_done() {
    for (step, moved) in
        [(0.08, 0.0), (0.006, 0.0), (0.006, 0.01), (0.001, 0.0), (0.001, 0.01), (0.003, 0.02)]
    {
        assert_eq!(pauses(step, moved), 1, "{step} m a point, {moved} rad a point");
    }
}

#[test]
fn what_is_restored_begins_a_branch_where_it_is() {
    let mut path = grasp();
    let join = path.restored(0.0).unwrap();
    assert_eq!((join.branch, join.parent, path.ahead()), (1, 0, 0.0));
    path.begin_rewind();
    (0..5).for_each(|_| drop(path.walk(-0.05).unwrap()));
    let join = path.end_rewind().unwrap();
    assert_eq!(path.restored(0.0).unwrap(), join, "the branch had begun there, and nobody has driven on it");
}

#[test]
fn an_empty_path_is_exhausted() {
    let mut path = Path::default();
    assert_eq!((path.mark(Mark::Operator), path.place()), (None, None));
    path.begin_rewind();
    assert_eq!(path.walk(-0.1), Err(PathEnd::Exhausted));
    assert_eq!(path.walk_to(Aim::Motion(0.0), 0.1), Err(PathEnd::Exhausted));
    assert_eq!(path.end_rewind(), None);
}

#[test]
fn the_oldest_is_forgotten_first_and_counted() {
    let mut path = Path::with_capacity(50);
    (0..=100).for_each(|i| path.record(point(i as f64 / 100.0, 0.08, i * 20)));
    assert_eq!(path.forgotten(), 51);
    assert_eq!(path.checkpoints().count(), 0, "the start is not known any more");
    let (at, end) = back(&mut path);
    assert_eq!(end, PathEnd::Exhausted);
    assert!((at.unwrap() - 0.51).abs() < 1e-9, "{at:?}");
}

#[test]
fn the_start_and_the_operators_marks_outlive_the_automatic_ones() {
    let mut path = line(1.0);
    let own = path.mark(Mark::Operator).unwrap();
    for _ in 0..500 {
        path.mark(Mark::Takeover);
    }
    let kept: Vec<_> = path.checkpoints().map(|checkpoint| checkpoint.number).collect();
    assert!(kept.len() <= 64 && kept.contains(&1) && kept.contains(&own) && kept.contains(&502), "{kept:?}");
}

/// The bound on memory forgets samples, but never makes a step longer, a place wrong or a walk endless.
#[test]
fn forgetting_leaves_a_path_that_can_be_walked() {
    let mut path = Path::with_capacity(40);
    let (mut q, mut millis) = (0.0, 0);
    for round in 0..60_u32 {
        for _ in 0..(7 + round % 11) {
            (q, millis) = (q + 0.01, millis + 20);
            path.record(point(q, 0.08, millis));
        }
        path.mark(Mark::Operator);
        path.begin_rewind();
        let marks: Vec<u32> = path.checkpoints().map(|checkpoint| checkpoint.number).collect();
        let (at, end) = match marks.get(round as usize % 7).filter(|_| round % 3 == 0) {
            Some(mark) => walk(&mut path, |path| path.walk_to(Aim::Checkpoint(*mark), 0.004)),
            None => walk(&mut path, |path| path.walk(-0.004)),
        };
        assert!(matches!(end, PathEnd::Exhausted | PathEnd::Arrived | PathEnd::Unknown), "{end:?}");
        q = at.unwrap_or(q);
        path.end_rewind();
    }
    assert!(path.forgotten() > 100);
}
