//! The recorder in a deployment on a manual clock.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "deployment/nodes.rs"]
mod nodes;

use std::{fs, path::Path, time::Duration};

use nodes::{Script, deployment, seconds};
use retake_log::{Recording, State, decisions_digest, summary};
use retake_node::{Node as _, Outbox};
use retake_recorder::{QueueLimits, Recorder, RecorderConfig, RecorderReport};
use retake_units::MonoTime;
use retake_wire::{Message, pb::Notice};

fn lockstep(dir: &Path, name: &str) -> RecorderConfig {
    let mut config = RecorderConfig::lockstep(dir.to_owned(), name.to_owned(), "arm".parse().unwrap(), 7);
    config.writer.reserve_bytes = 4096;
    config
}

fn record(config: RecorderConfig, end: u64) -> RecorderReport {
    let recorder = Recorder::inline(config).unwrap();
    let report = recorder.report();
    let (mut lockstep, _) = deployment(Script::default(), recorder);
    lockstep.run_until(seconds(end)).unwrap();
    assert_eq!(lockstep.refused(), 0);
    lockstep.finish().unwrap();
    report.get().unwrap().clone()
}

#[test]
fn everything_said_is_recorded_and_two_runs_are_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let one = record(lockstep(dir.path(), "one"), 130);
    let other = record(lockstep(dir.path(), "other"), 130);
    assert_eq!((one.messages, one.mark.unwrap().tick, one.messages_lost), (other.messages, 13_000, 0));
    let open = |name: &str| Recording::open(&dir.path().join(name)).unwrap();
    assert_eq!(decisions_digest(&open("one")).unwrap(), decisions_digest(&open("other")).unwrap());
    assert_eq!(open("one").files().len(), 3, "a segment a minute");
    for (one, other) in open("one").files().iter().zip(open("other").files()) {
        assert!(fs::read(one).unwrap() == fs::read(other).unwrap(), "{} differs", one.display());
    }
    let found = summary(&open("one")).unwrap();
    assert_eq!(open("one").manifest().unwrap().state, State::Closed);
    assert_eq!((found.info.ticks, found.info.missing_ticks, found.info.cameras.len()), (13_000, 0, 1));
    assert!(found.info.integrity.is_whole());
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    record(lockstep(dir.path(), "one"), 1);
    let refused = Recorder::inline(lockstep(dir.path(), "one")).unwrap_err();
    assert!(refused.to_string().contains("already exists"), "{refused}");
}

#[test]
fn frames_that_find_no_room_leave_a_gap_record() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = lockstep(dir.path(), "slow");
    // No frame at all fits.
    config.limits = QueueLimits { frames: 0, ..QueueLimits::default() };
    let mut recorder = Recorder::threaded(config).unwrap();
    let (mut out, report) = (Outbox::default(), recorder.report());
    for number in 1..=9 {
        let now = MonoTime::from_nanos(number * 10_000_000);
        recorder.receive(now, &nodes::frame(number), &mut out);
        recorder.receive(now, &nodes::tick(number), &mut out);
    }
    recorder.dropped(seconds(1), 4);
    recorder.wake(seconds(1), &mut out);
    recorder.finish(seconds(2), &mut out);
    let gaps: Vec<_> = out.drain().filter(|message| matches!(message, Message::Gap(_))).collect();
    let report = report.get().unwrap();
    assert_eq!((gaps.len(), report.camera_frames_dropped, report.messages_lost), (2, 9, 4));
    let found = summary(&Recording::open(&dir.path().join("slow")).unwrap()).unwrap();
    // Ten to ninety milliseconds; the recording begins with the first tick.
    let millis = |seconds: f64| (seconds * 1e3).round();
    let when = |gap: &retake_log::GapSummary| [gap.from_seconds, gap.to_seconds].map(millis);
    let told: Vec<_> = found.info.gaps.iter().map(|gap| (gap.topic.as_str(), gap.count, when(gap))).collect();
    assert_eq!(told, [("", 4, [990.0; 2]), ("retake/v1/arm/camera/front", 9, [0.0, 80.0])]);
    assert_eq!(found.info.ticks, 9);
}

#[test]
fn messages_that_find_no_room_are_counted_and_loud() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = lockstep(dir.path(), "slow");
    config.limits = QueueLimits { message_bytes: 0, ..QueueLimits::default() };
    let mut recorder = Recorder::threaded(config).unwrap();
    let (mut out, report) = (Outbox::default(), recorder.report());
    recorder.receive(seconds(1), &nodes::tick(1), &mut out);
    recorder.wake(seconds(1), &mut out);
    let loud = |message: Message| matches!(message, Message::Notice(Notice { code, .. }) if code == "recorder_messages_lost");
    assert!(out.drain().any(loud));
    recorder.finish(seconds(2), &mut out);
    assert!(report.get().unwrap().messages_lost >= 1);
}

#[test]
fn what_came_is_acknowledged_within_a_tenth_of_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let (robot, anchor) = ("arm".parse().unwrap(), retake_log::Anchor::default());
    // As in real time, but for the clock and the thread.
    let config = RecorderConfig::new(dir.path().to_owned(), Some("live".to_owned()), robot, 7, anchor);
    let mut recorder = Recorder::inline(config).unwrap();
    let (mut out, mut waiting, mut slowest) = (Outbox::default(), Vec::new(), Duration::ZERO);
    for millis in 1..=3_000 {
        let now = MonoTime::from_nanos(millis * 1_000_000);
        if millis % 10 == 0 {
            recorder.receive(now, &nodes::tick(millis / 10), &mut out);
            waiting.push((millis / 10, now));
        }
        if recorder.next_wake().is_some_and(|at| at <= now) {
            recorder.wake(now, &mut out);
        }
        for message in out.drain() {
            let Message::Watermark(watermark) = message else { continue };
            let told = waiting.extract_if(.., |(tick, _)| *tick <= watermark.tick);
            slowest = told.map(|(_, at)| now.since(at)).chain([slowest]).max().unwrap();
        }
    }
    assert!(slowest > Duration::ZERO && slowest <= Duration::from_millis(100), "{slowest:?}");
    assert!(waiting.len() <= 10, "{} ticks wait", waiting.len());
}

#[test]
fn a_threaded_recorder_acknowledges_without_being_asked_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = lockstep(dir.path(), "thread");
    config.writer.durability = retake_log::Durability::EachCommit;
    config.commit_period = Duration::from_millis(20);
    let mut recorder = Recorder::threaded(config).unwrap();
    let mut out = Outbox::default();
    for number in 1..=5 {
        recorder.receive(seconds(1), &nodes::tick(number), &mut out);
    }
    // Nothing more comes, not even the time: the thread commits by itself.
    let (_never, timer) = std::sync::mpsc::channel::<()>();
    let acknowledged = (0..50).any(|_| {
        let _ = timer.recv_timeout(Duration::from_millis(100));
        recorder.wake(seconds(1), &mut out);
        out.drain().any(|message| matches!(message, Message::Watermark(watermark) if watermark.tick == 5))
    });
    assert!(acknowledged);
}
