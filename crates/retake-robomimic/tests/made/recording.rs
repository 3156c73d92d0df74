//! A recording to export.

use std::{fs, path::Path};

use prost_types::Timestamp;
use retake_dataset::{Source, find};
use retake_log::{Anchor, Entry, LocalDisk, RecordingWriter, WriterConfig};
use retake_units::{MonoTime, WallTime};
use retake_wire::{
    Message,
    foxglove::CompressedImage,
    pb::{
        EpisodeRecord, Group, GroupTick, GroupValues, Header, Observation, Phase, Pose, RobotDescriptor,
        SceneObject, SegmentKind, TickRecord, Verdict,
    },
};

/// Attempts: kinds of segments and how many ticks of each, the verdict.
pub(crate) type Script = Vec<(Vec<(SegmentKind, u64)>, Verdict)>;

pub(crate) fn at(tick: u64) -> MonoTime {
    MonoTime::from_nanos(tick * 20_000_000)
}

/// What is recorded of value `index` at tick `tick`: within the limits, and another for each.
pub(crate) fn value(tick: u64, index: u64) -> f64 {
    f64::from(u32::try_from(tick * 7 + index).unwrap()).sin()
}

pub(crate) fn robot() -> RobotDescriptor {
    let group = |name: &str, size: usize| Group {
        name: name.into(),
        lower: vec![-2.0; size],
        upper: vec![3.0; size],
        velocity: vec![1.0; size],
        ..Group::default()
    };
    let object = |name: &str, fixed| SceneObject { name: name.into(), fixed, ..SceneObject::default() };
    RobotDescriptor {
        robot: "arm".into(),
        task: "stack".into(),
        groups: vec![group("arm", 2), group("gripper", 1)],
        control_hz: 50.0,
        objects: vec![object("table", true), object("cube", false)],
        ..RobotDescriptor::default()
    }
}

fn pose(tick: u64, index: u64) -> Pose {
    let [x, y, z] = [0, 1, 2].map(|axis| value(tick, index + axis));
    Pose { x, y, z, qx: 0.0, qy: 0.0, qz: 0.6, qw: 0.8 }
}

pub(crate) fn observation(tick: u64) -> Observation {
    let values = |first: u64| {
        let group = |from: u64, to: u64| GroupValues {
            values: (from..to).map(|index| value(tick, first + index)).collect(),
        };
        vec![group(0, 2), group(2, 3)]
    };
    Observation {
        header: Some(Header { seq: 1000 + tick, ..Header::default() }),
        captured_nanos: at(tick).wire_nanos() - 5_000_000,
        position: values(10),
        velocity: values(20),
        tool: Some(pose(tick, 30)),
        objects: vec![pose(tick, 40)],
        ..Observation::default()
    }
}

pub(crate) fn record_of(tick: u64, episode: u64, kind: SegmentKind) -> TickRecord {
    let group = |from: u64, to: u64| GroupTick {
        segment: kind.into(),
        command: (from..to).map(|index| value(tick, index)).collect(),
        measured: (from..to).map(|index| value(tick, 10 + index)).collect(),
        proposal: if kind == SegmentKind::Policy {
            (from..to).map(|index| value(tick, 50 + index)).collect()
        } else {
            Vec::new()
        },
        ..GroupTick::default()
    };
    TickRecord {
        tick,
        at_nanos: at(tick).wire_nanos(),
        episode,
        phase: Phase::Running.into(),
        groups: vec![group(0, 2), group(2, 3)],
        observation_seq: 1000 + tick,
        policy_version: "v7".into(),
        ..TickRecord::default()
    }
}

/// A picture that is grey, and how grey.
pub(crate) fn grey(tick: u64) -> u8 {
    u8::try_from(tick % 200).unwrap()
}

fn picture(tick: u64) -> CompressedImage {
    let pixels = [grey(tick); 16 * 8 * 3];
    let mut data = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut data, 100);
    encoder.encode(&pixels, 16, 8, jpeg_encoder::ColorType::Rgb).unwrap();
    let captured = observation(tick).captured_nanos;
    let timestamp = Timestamp {
        seconds: captured.div_euclid(1_000_000_000),
        nanos: i32::try_from(captured.rem_euclid(1_000_000_000)).unwrap(),
    };
    CompressedImage { timestamp: Some(timestamp), frame_id: "front".into(), data, format: "jpeg".into() }
}

/// Records `script`; `change` may change what is recorded, or leave a message out. Ticks count from 1, and attempts, too.
pub(crate) fn record(
    dir: &Path,
    name: &str,
    script: &Script,
    mut change: impl FnMut(Message) -> Option<Message>,
) -> Source {
    let anchor = Anchor::new(MonoTime::ZERO, WallTime::from_nanos(1_795_442_702_000_000_000));
    let mut config = WriterConfig::new(dir.to_owned(), name.to_owned(), "arm".parse().unwrap(), 7, anchor);
    config.reserve_bytes = 4096;
    let mut writer = RecordingWriter::create(config, Box::new(LocalDisk)).unwrap();
    let mut tell = |message: Message, tick: u64| {
        if let Some(message) = change(message) {
            writer.append(&Entry::new(&message, at(tick))).unwrap();
        }
    };
    tell(robot().into(), 0);
    let mut tick = 0;
    for (number, (runs, verdict)) in (1..).zip(script) {
        let episode = |phase: Phase| EpisodeRecord {
            episode: number,
            phase: phase.into(),
            task: "stack".into(),
            policy_version: "v7".into(),
            operator: "ada".into(),
            verdict: if phase == Phase::Ended { *verdict } else { Verdict::Unspecified }.into(),
            ..EpisodeRecord::default()
        };
        tell(episode(Phase::Running).into(), tick + 1);
        for (kind, count) in runs {
            for _ in 0..*count {
                tick += 1;
                tell(observation(tick).into(), tick);
                if tick % 2 == 1 {
                    tell(picture(tick).into(), tick);
                }
                tell(record_of(tick, number, *kind).into(), tick);
            }
        }
        tell(episode(Phase::Ended).into(), tick);
        tick += 10;
    }
    writer.commit(at(tick)).unwrap();
    writer.close().unwrap();
    find(writer.path()).unwrap().remove(0)
}

/// A directory whose syncs cost nothing, where there is one.
pub(crate) fn fast_dir() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if fs::metadata(memory).is_ok_and(|about| about.is_dir()) {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}
