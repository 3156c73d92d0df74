//! What a recording tells of an episode's tree, whole and cut off.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

#[path = "made/recordings.rs"]
mod made;

use std::{fs, ops::Range, path::Path};

use made::{at, tick};
use retake_log::{BranchSummary, Entry, EpisodeSummary, Recording, render_tree, summary};
use retake_wire::{
    Message,
    pb::{
        BranchRecord, Cause, EndReason, EpisodeRecord, Group, GroupTick, Owner, Phase, RobotDescriptor,
        SegmentKind, TickRecord, Verdict,
    },
};

/// Ticks, who drives, and the branch that the tick names.
type Row = (Range<u64>, Owner, SegmentKind, u32);

const HOLD: (Owner, SegmentKind) = (Owner::Hold, SegmentKind::Hold);
const POLICY: (Owner, SegmentKind) = (Owner::Policy, SegmentKind::Policy);
const HUMAN: (Owner, SegmentKind) = (Owner::Human, SegmentKind::Correction);
const REWIND: (Owner, SegmentKind) = (Owner::Rewind, SegmentKind::Rewind);

fn row(ticks: Range<u64>, (owner, kind): (Owner, SegmentKind), branch: u32) -> Row {
    (ticks, owner, kind, branch)
}

/// Three rewinds: from the trunk, from that branch, and back beyond both onto the trunk.
fn three() -> Vec<Row> {
    vec![
        row(1..10, HOLD, 0),
        row(10..50, POLICY, 0),
        row(50..60, REWIND, 0),
        row(60..90, HUMAN, 1),
        row(90..100, REWIND, 1),
        row(100..130, POLICY, 2),
        row(130..135, REWIND, 2),
        row(135..140, REWIND, 1),
        row(140..150, REWIND, 0),
        row(150..180, HUMAN, 3),
    ]
}

fn branch(branch: u32, parent: u32, ticks: [u64; 3], restored: bool) -> BranchRecord {
    let [left_tick, began_tick, joined_tick] = ticks;
    BranchRecord { episode: 1, branch, parent, left_tick, began_tick, joined_tick, restored }
}

fn three_records() -> Vec<BranchRecord> {
    vec![
        branch(1, 0, [50, 60, 45], false),
        branch(2, 1, [90, 100, 80], false),
        branch(3, 0, [130, 150, 30], false),
    ]
}

fn record_of(number: u64, (_, owner, kind, branch): &Row) -> TickRecord {
    let mut record = tick(number);
    (record.episode, record.branch) = (1, *branch);
    record.phase = if number < 10 { Phase::Ready } else { Phase::Running }.into();
    let (owner, segment) = ((*owner).into(), (*kind).into());
    // The gripper keeps its state while the arm is rewound, and is said to be rewound with it.
    record.groups = vec![GroupTick { owner, segment, ..GroupTick::default() }; 2];
    record
}

fn ended(end_tick: u64) -> EpisodeRecord {
    EpisodeRecord {
        episode: 1,
        phase: Phase::Ended.into(),
        verdict: Verdict::Success.into(),
        reason: EndReason::Task.into(),
        start_tick: 10,
        end_tick,
        start_nanos: at(10).wire_nanos(),
        end_nanos: at(end_tick).wire_nanos(),
        ..EpisodeRecord::default()
    }
}

/// Records the rows; a commit after each tick. Returns the file's length at each.
fn record(
    dir: &Path,
    rows: &[Row],
    branches: &[BranchRecord],
    change: impl Fn(&mut TickRecord),
) -> Vec<usize> {
    let mut writer = made::writer(dir, "tree");
    let group = |name: &str| Group { name: name.to_owned(), ..Group::default() };
    let groups = vec![group("arm"), group("gripper")];
    writer.append(&Entry::new(&RobotDescriptor { groups, ..Default::default() }.into(), at(0))).unwrap();
    let mut lengths = vec![0];
    let last = rows.last().unwrap().0.end;
    for number in 1..last {
        let row = rows.iter().find(|row| row.0.contains(&number)).unwrap();
        let mut tick = record_of(number, row);
        change(&mut tick);
        let begins = branches.iter().filter(|record| record.began_tick == number);
        let mut messages: Vec<Message> = begins.map(|record| Message::from(*record)).collect();
        messages.push(tick.into());
        messages.extend((number + 1 == last).then(|| ended(last).into()));
        for message in &messages {
            writer.append(&Entry::new(message, at(number))).unwrap();
        }
        lengths.push(usize::try_from(writer.commit(at(number)).unwrap().bytes).unwrap());
    }
    writer.close().unwrap();
    lengths
}

fn summarised(dir: &Path) -> (EpisodeSummary, String) {
    let found = summary(&Recording::open(&dir.join("tree")).unwrap()).unwrap();
    let [episode] = found.episodes.as_slice() else { panic!("{:?}", found.episodes) };
    let read: EpisodeSummary = serde_json::from_str(&serde_json::to_string(episode).unwrap()).unwrap();
    let shapes = |episode: &EpisodeSummary| episode.branches.iter().map(shape).collect::<Vec<_>>();
    assert_eq!((read.ended_on, shapes(&read)), (episode.ended_on, shapes(episode)));
    (episode.clone(), render_tree(&found))
}

fn made_of(rows: &[Row], branches: &[BranchRecord]) -> (EpisodeSummary, String) {
    let dir = made::fast_dir();
    record(dir.path(), rows, branches, |_| {});
    summarised(dir.path())
}

/// What the arm did on a branch.
fn drove(branch: &BranchSummary) -> Vec<(&str, u64, u64)> {
    let own = branch.segments.iter().filter(|segment| segment.group == "arm");
    own.map(|segment| (segment.kind.as_str(), segment.start.tick, segment.end.tick)).collect()
}

/// Number, parent, the branch that was left, and the ticks: left, joined, began.
fn shape(branch: &BranchSummary) -> (u32, Option<u32>, Option<u32>, [Option<u64>; 3]) {
    let left = branch.left.map(|moment| moment.tick);
    let joined = branch.joined.map(|moment| moment.tick);
    (branch.branch, branch.parent, branch.left_branch, [left, joined, Some(branch.began.tick)])
}

#[test]
fn without_a_rewind_there_is_only_the_trunk() {
    let (episode, text) = made_of(&[row(1..10, HOLD, 0), row(10..50, POLICY, 0), row(50..70, HUMAN, 0)], &[]);
    let [trunk] = episode.branches.as_slice() else { panic!("{:?}", episode.branches) };
    assert_eq!(shape(trunk), (0, None, None, [None, None, Some(10)]));
    assert_eq!(drove(trunk), [("policy", 10, 50), ("correction", 50, 70)], "nothing of before its start");
    let expected = "
  trunk from 0.00 s (tick 10)
       arm, gripper: policy 0.40 s, correction by human 0.19 s
  ended on trunk: success (task)
";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn three_rewinds_are_a_tree_with_what_followed_each() {
    let (episode, text) = made_of(&three(), &three_records());
    let shapes: Vec<_> = episode.branches.iter().map(shape).collect();
    let expected = [
        (0, None, None, [None, None, Some(10)]),
        (1, Some(0), Some(0), [Some(50), Some(45), Some(60)]),
        (2, Some(1), Some(1), [Some(90), Some(80), Some(100)]),
        (3, Some(0), Some(2), [Some(130), Some(30), Some(150)]),
    ];
    assert_eq!(shapes, expected);
    let driven: Vec<_> = episode.branches.iter().map(drove).collect();
    let expected =
        [[("policy", 10, 50)], [("correction", 60, 90)], [("policy", 100, 130)], [("correction", 150, 180)]];
    assert_eq!(driven, expected);
    assert!(episode.branches.iter().all(|branch| !branch.restored && !branch.rebuilt));
    assert_eq!((episode.ended_on, episode.verdict.as_str()), (3, "success"));
    let expected = "
  trunk from 0.00 s (tick 10)
  │    arm, gripper: policy 0.40 s
  ├─ branch 1 from 0.50 s (tick 60): rewound from 0.40 s (tick 50 on trunk) to 0.35 s (tick 45 on trunk)
  │  │    arm, gripper: correction by human 0.30 s
  │  └─ branch 2 from 0.90 s (tick 100): rewound from 0.80 s (tick 90 on branch 1) to 0.70 s (tick 80 on branch 1)
  │          arm, gripper: policy 0.30 s
  └─ branch 3 from 1.40 s (tick 150): rewound from 1.20 s (tick 130 on branch 2) to 0.20 s (tick 30 on trunk)
          arm, gripper: correction by human 0.29 s
  ended on branch 3: success (task)
";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_restored_scene_is_said_and_the_wait_for_it_is_nobodys_drive() {
    let mut rows = three();
    rows.pop();
    rows.extend([row(150..170, HOLD, 3), row(170..180, HOLD, 3), row(180..200, POLICY, 3)]);
    let mut records = three_records();
    records.push(branch(3, 0, [130, 170, 30], true));
    let (episode, text) = made_of(&rows, &records);
    let [.., last] = episode.branches.as_slice() else { panic!("{:?}", episode.branches) };
    assert_eq!(
        shape(last),
        (3, Some(0), Some(2), [Some(130), Some(30), Some(170)]),
        "one branch, told twice"
    );
    assert!(last.restored);
    assert_eq!(drove(last), [("hold", 170, 180), ("policy", 180, 200)]);
    assert!(text.contains("to 0.20 s (tick 30 on trunk), objects put back\n"), "{text}");
}

#[test]
fn a_rewind_to_the_end_of_an_old_branch_goes_on_with_that_branch() {
    let mut rows = three();
    rows.extend([row(180..185, REWIND, 0), row(185..190, REWIND, 2), row(190..200, HUMAN, 2)]);
    let (episode, _) = made_of(&rows, &three_records());
    assert_eq!(drove(&episode.branches[2]), [("policy", 100, 130), ("correction", 190, 200)]);
    assert_eq!(drove(&episode.branches[3]), [("correction", 150, 180), ("rewind", 180, 190)]);
    assert_eq!((episode.branches.len(), episode.ended_on), (4, 2));
}

#[test]
fn cut_off_or_without_the_records_the_ticks_tell_the_tree() {
    let dir = made::fast_dir();
    // The last record is lost.
    let lengths = record(dir.path(), &three(), &three_records()[..2], |tick| {
        if tick.tick >= 150 {
            tick.groups.iter_mut().for_each(|group| group.cause = Cause::Restored.into());
        }
    });
    let (whole, text) = summarised(dir.path());
    let last = &whole.branches[3];
    assert_eq!(shape(last), (3, Some(0), Some(2), [Some(130), None, Some(150)]));
    assert!(last.rebuilt && last.restored && !whole.branches[2].rebuilt);
    assert_eq!(drove(last), [("correction", 150, 180)]);
    assert!(
        text.contains("to a place that is not recorded, objects put back, rebuilt from the ticks"),
        "{text}"
    );
    let segment = dir.path().join("tree/segment-00000.mcap");
    let bytes = fs::read(&segment).unwrap();
    for (end, branches, on, drives) in [
        (5, 1, 0, None),
        (55, 1, 0, Some(("rewind", 50, 56))),
        (59, 1, 0, Some(("rewind", 50, 60))),
        (60, 2, 1, Some(("correction", 60, 61))),
        (120, 3, 2, Some(("policy", 100, 121))),
        (147, 3, 2, Some(("rewind", 130, 148))),
        (150, 4, 3, Some(("correction", 150, 151))),
    ] {
        fs::write(&segment, &bytes[..lengths[end] + 3]).unwrap();
        made::reopen(&dir.path().join("tree"));
        let (cut, text) = summarised(dir.path());
        assert_eq!((cut.branches.len(), cut.ended_on), (branches, on), "{end}: {text}");
        if let Some(drives) = drives {
            assert_eq!(drove(cut.branches.last().unwrap()).last(), Some(&drives), "{end}: {text}");
        }
        assert!(text.contains("the recording ends on ") && text.ends_with(": not ended\n"), "{text}");
    }
}

#[test]
fn parents_that_no_tree_has_are_written_under_the_trunk() {
    let records = [
        branch(1, 2, [50, 60, 45], false),
        branch(2, 1, [90, 100, 80], false),
        branch(3, 9, [130, 150, 30], false),
    ];
    let (_, text) = made_of(&three(), &records);
    for line in ["  ├─ branch 1 ", "  │  └─ branch 2 ", "  └─ branch 3 "] {
        assert!(text.lines().any(|found| found.starts_with(line)), "{line:?} is not in {text}");
    }
}
