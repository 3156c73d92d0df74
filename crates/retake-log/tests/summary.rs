//! What a recording tells about its episodes, whole and cut off.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

#[path = "made/recordings.rs"]
mod made;

use std::{fs, path::Path};

use made::{at, tick};
use retake_log::{
    Entry, Recording, Summary, decisions_digest, first_difference, recover, render_info, render_show, summary,
};
use retake_wire::{
    Message,
    pb::{
        Cause, Counters, EndReason, EpisodeRecord, Group, Owner, Phase, RobotDescriptor, SegmentKind,
        SegmentRecord, TickRecord, Verdict,
    },
};

/// Owner, kind and cause at each tick of the script: policy, then a human who corrects, then the policy, to tick 90.
fn script(number: u64) -> (Owner, SegmentKind, Cause) {
    match number {
        1..=9 => (Owner::Hold, SegmentKind::Hold, Cause::EpisodeReady),
        10..=39 => (Owner::Policy, SegmentKind::Policy, Cause::Resumed),
        40..=59 => (Owner::Human, SegmentKind::Correction, Cause::ClutchPressed),
        _ => (Owner::Policy, SegmentKind::Policy, Cause::Resumed),
    }
}

fn scripted(number: u64) -> TickRecord {
    let (owner, kind, cause) = script(number);
    let mut record = tick(number);
    record.episode = 1;
    record.phase = if number < 10 { Phase::Ready } else { Phase::Running }.into();
    record.policy_version = "v1".to_owned();
    for group in &mut record.groups {
        (group.owner, group.segment, group.cause) = (owner.into(), kind.into(), cause.into());
    }
    let human_ticks = number.clamp(39, 59) - 39;
    record.counters =
        Some(Counters { takeovers: u64::from(number >= 40), human_ticks, ..Counters::default() });
    record
}

/// The arbiter's record of the stretch that ended when tick `number` began.
fn ended_at(number: u64) -> Option<SegmentRecord> {
    let (start, end) = [(1, 10), (10, 40), (40, 60)].into_iter().find(|(_, end)| *end == number)?;
    let (owner, kind, began) = script(start);
    Some(SegmentRecord {
        episode: 1,
        group: "arm".to_owned(),
        kind: kind.into(),
        owner: owner.into(),
        began: began.into(),
        ended: script(end).2.into(),
        start_tick: start,
        end_tick: end,
        start_nanos: at(start).wire_nanos(),
        end_nanos: at(end).wire_nanos(),
    })
}

fn episode(phase: Phase) -> EpisodeRecord {
    let ended = phase == Phase::Ended;
    EpisodeRecord {
        episode: 1,
        phase: phase.into(),
        seed: 42,
        task: "stack".to_owned(),
        start_tick: 10,
        start_nanos: at(10).wire_nanos(),
        end_tick: if ended { 91 } else { 0 },
        verdict: if ended { Verdict::Success } else { Verdict::Unspecified }.into(),
        reason: if ended { EndReason::Task } else { EndReason::Unspecified }.into(),
        takeovers: u32::from(ended),
        human_ticks: if ended { 20 } else { 0 },
        ..EpisodeRecord::default()
    }
}

/// Records the script; a commit after each tick. Returns the file's length at each.
fn record(dir: &Path, name: &str, change: impl Fn(&mut TickRecord)) -> Vec<u64> {
    let mut writer = made::writer(dir, name);
    let mut lengths = vec![0];
    let group = Group { name: "arm".to_owned(), ..Group::default() };
    let descriptor = RobotDescriptor { groups: vec![group], ..RobotDescriptor::default() };
    writer.append(&Entry::new(&Message::from(descriptor), at(0))).unwrap();
    for number in 1..=90 {
        let mut record = scripted(number);
        change(&mut record);
        let mut messages = vec![Message::from(record)];
        messages.extend(ended_at(number).map(Message::from));
        messages.extend((number == 10).then(|| episode(Phase::Running).into()));
        messages.extend((number == 90).then(|| episode(Phase::Ended).into()));
        for message in &messages {
            writer.append(&Entry::new(message, at(number))).unwrap();
        }
        lengths.push(writer.commit(at(number)).unwrap().bytes);
    }
    writer.close().unwrap();
    lengths
}

fn summarised(path: &Path) -> Summary {
    summary(&Recording::open(path).unwrap()).unwrap()
}

#[test]
fn a_whole_recording_tells_its_episode() {
    let dir = tempfile::tempdir().unwrap();
    record(dir.path(), "whole", |_| {});
    let found = summarised(&dir.path().join("whole"));
    assert_eq!(
        (found.info.state.as_str(), found.info.contradictions, found.info.missing_ticks),
        ("closed", 0, 0)
    );
    assert_eq!((found.info.ticks, found.info.last_tick), (90, Some(90)));
    let [episode] = found.episodes.as_slice() else { panic!("{:?}", found.episodes) };
    assert_eq!(
        (episode.verdict.as_str(), episode.reason.as_str(), episode.seed),
        ("success", "task", Some(42))
    );
    let told: Vec<_> =
        episode.segments.iter().map(|s| (s.kind.as_str(), s.start_tick, s.end_tick, s.rebuilt)).collect();
    let expected = [
        ("hold", 1, 10, false),
        ("policy", 10, 40, false),
        ("correction", 40, 60, false),
        ("policy", 60, 91, true),
    ];
    assert_eq!(told, expected);
    assert_eq!(episode.segments[2].ended, "resumed");
    let (info, show) = (render_info(&found.info), render_show(&found));
    let row = info.lines().find(|line| line.starts_with("retake/v1/arm/arbiter/tick ")).unwrap();
    assert_eq!(row.split_whitespace().nth(1), Some("90"), "{info}");
    assert!(show.contains("episode 1: success (task), ticks 10..91"), "{show}");
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<Summary>(&json).unwrap().episodes, found.episodes);
}

#[test]
fn a_recording_cut_off_tells_everything_up_to_its_last_tick() {
    let dir = made::fast_dir();
    let lengths = record(dir.path(), "cut", |_| {});
    let path = dir.path().join("cut");
    let segment = path.join("segment-00000.mcap");
    let whole = fs::read(&segment).unwrap();
    for last in [5, 10, 39, 40, 41, 75, 89] {
        fs::write(&segment, &whole[..usize::try_from(lengths[last]).unwrap() + 3]).unwrap();
        made::reopen(&path);
        let found = summarised(&path);
        assert_eq!((found.info.state.as_str(), found.info.last_tick), ("cut off", Some(last as u64)));
        check_cut(&found, last as u64);
        recover(&path).unwrap();
        let repaired = summarised(&path);
        assert_eq!((repaired.info.state.as_str(), &repaired.episodes), ("recovered", &found.episodes));
    }
}

fn check_cut(found: &Summary, last: u64) {
    let [episode] = found.episodes.as_slice() else { panic!("{:?}", found.episodes) };
    assert!(!episode.ended && episode.end_tick == last + 1, "{episode:?}");
    assert_eq!(episode.takeovers, u64::from(last >= 40));
    assert_eq!(episode.human_ticks, last.clamp(39, 59) - 39);
    for number in 1..=last {
        let at =
            |segment: &&retake_log::SegmentSummary| (segment.start_tick..segment.end_tick).contains(&number);
        let segment: Vec<_> = episode.segments.iter().filter(at).collect();
        assert_eq!(segment.len(), 1, "tick {number} of {last}");
        let kind = script(number).1.as_str_name().to_lowercase();
        assert_eq!(format!("segment_kind_{}", segment[0].kind), kind);
    }
}

#[test]
fn a_segment_record_that_the_ticks_contradict_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    record(dir.path(), "odd", |tick| {
        if tick.tick == 39 {
            tick.groups[0].owner = Owner::Hold.into();
        }
    });
    assert_eq!(summarised(&dir.path().join("odd")).info.contradictions, 1);
}

#[test]
fn two_runs_are_the_same_or_differ_at_a_named_tick() {
    let dir = tempfile::tempdir().unwrap();
    record(dir.path(), "one", |_| {});
    record(dir.path(), "same", |tick| tick.late_nanos = 5);
    record(dir.path(), "other", |tick| {
        if tick.tick == 55 {
            tick.groups[0].command[2] += 1e-15;
        }
    });
    let open = |name: &str| Recording::open(&dir.path().join(name)).unwrap();
    let digest = |name: &str| decisions_digest(&open(name)).unwrap();
    assert_eq!(digest("one"), digest("same"));
    assert_ne!(digest("one"), digest("other"));
    assert_eq!(first_difference(&open("one"), &open("same")).unwrap(), None);
    let difference = first_difference(&open("one"), &open("other")).unwrap().unwrap();
    assert_eq!((difference.tick, difference.field.as_str()), (55, "command of group 0"));
}
