//! Recordings to look at.

use std::path::Path;

use prost_types::Timestamp;
use retake_log::{Anchor, Entry, LocalDisk, RecordingWriter, WriterConfig};
use retake_units::{MonoTime, WallTime};
use retake_wire::{
    Message,
    foxglove::CompressedImage,
    pb::{
        EpisodeRecord, Group, GroupTick, Header, Observation, Phase, RobotDescriptor, SegmentKind,
        TickRecord, Verdict,
    },
};

use crate::{Source, find};

/// Records `messages`, each at its time in milliseconds.
pub(crate) fn record(dir: &Path, name: &str, messages: Vec<(u64, Message)>) -> Source {
    let anchor = Anchor::new(MonoTime::ZERO, WallTime::from_nanos(1_795_442_702_000_000_000));
    let mut config = WriterConfig::new(dir.to_owned(), name.to_owned(), "arm".parse().unwrap(), 7, anchor);
    config.reserve_bytes = 4096;
    let mut writer = RecordingWriter::create(config, Box::new(LocalDisk)).unwrap();
    for (at, message) in messages {
        writer.append(&Entry::new(&message, MonoTime::from_nanos(at * 1_000_000))).unwrap();
    }
    writer.commit(MonoTime::ZERO).unwrap();
    writer.close().unwrap();
    find(writer.path()).unwrap().remove(0)
}

pub(crate) fn robot() -> Message {
    let group = Group { name: "arm".into(), lower: vec![-1.0], upper: vec![1.0], ..Group::default() };
    RobotDescriptor { groups: vec![group], control_hz: 50.0, ..RobotDescriptor::default() }.into()
}

/// The tick of a running attempt.
pub(crate) fn tick(number: u64, episode: u64, observation_seq: u64) -> Message {
    let group = GroupTick {
        segment: SegmentKind::Policy.into(),
        command: vec![0.25],
        measured: vec![0.5],
        ..GroupTick::default()
    };
    TickRecord {
        tick: number,
        at_nanos: i64::try_from(number * 20_000_000).unwrap(),
        episode,
        phase: Phase::Running.into(),
        groups: vec![group],
        observation_seq,
        ..TickRecord::default()
    }
    .into()
}

pub(crate) fn observation(seq: u64, captured_ms: i64) -> Message {
    let header = Some(Header { seq, ..Header::default() });
    Observation { header, captured_nanos: captured_ms * 1_000_000, ..Observation::default() }.into()
}

pub(crate) fn picture(captured_ms: i64) -> Message {
    let nanos = i32::try_from(captured_ms % 1000 * 1_000_000).unwrap();
    let timestamp = Some(Timestamp { seconds: captured_ms / 1000, nanos });
    CompressedImage { timestamp, frame_id: "front".into(), data: vec![1, 2], format: "jpeg".into() }.into()
}

pub(crate) fn ended(episode: u64, verdict: Verdict) -> Message {
    let (phase, verdict) = (Phase::Ended.into(), verdict.into());
    EpisodeRecord { episode, phase, verdict, ..EpisodeRecord::default() }.into()
}

/// Two attempts of a few ticks, the first a success.
pub(crate) fn usual(dir: &Path, name: &str) -> Source {
    let mut messages = vec![(0, robot())];
    messages.extend((1..6).map(|number| (number * 20, tick(number, 1, 0))));
    messages.push((110, ended(1, Verdict::Success)));
    messages.extend((10..13).map(|number| (number * 20, tick(number, 2, 0))));
    record(dir, name, messages)
}
