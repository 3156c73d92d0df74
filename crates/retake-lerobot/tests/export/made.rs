//! Recordings to export.

use std::path::{Path, PathBuf};

use jpeg_encoder::{ColorType, Encoder};
use retake_dataset::{Source, find};
use retake_log::{Anchor, Durability, Entry, LocalDisk, RecordingWriter, WriterConfig};
use retake_units::{MonoTime, WallTime};
use retake_wire::{
    Message,
    foxglove::CompressedImage,
    pb::{
        EpisodeRecord, Group, GroupTick, GroupValues, Header, Observation, Owner, Phase, Pose,
        RobotDescriptor, SceneObject, SegmentKind, TickRecord, Verdict,
    },
};

/// Rows of each attempt.
pub(crate) const ROWS: u64 = 60;
/// A picture is taken at each third row.
const PICTURE_EVERY: u64 = 3;
const PERIOD: u64 = 20_000_000;

fn robot() -> RobotDescriptor {
    let group = |name: &str, joints: &[&str]| Group {
        name: name.into(),
        joints: joints.iter().map(|joint| (*joint).to_owned()).collect(),
        lower: vec![-3.0; joints.len()],
        upper: vec![3.0; joints.len()],
        velocity: vec![1.0; joints.len()],
        acceleration: vec![1.0; joints.len()],
        jerk: vec![1.0; joints.len()],
        ..Group::default()
    };
    let object = |name: &str, fixed| SceneObject { name: name.into(), fixed, ..SceneObject::default() };
    RobotDescriptor {
        robot: "arm".into(),
        groups: vec![group("arm", &["shoulder", "elbow"]), group("gripper", &["opening"])],
        control_hz: 50.0,
        objects: vec![object("table", true), object("cube", false)],
        task: "pick the cube".into(),
        ..RobotDescriptor::default()
    }
}

fn picture(number: u64, side: u16) -> Vec<u8> {
    let side = usize::from(side);
    let at = usize::try_from(number).unwrap() % side;
    let pixel = |index: usize| {
        let (x, y) = (index % side, index / side);
        let near = x.abs_diff(at) < 6 && y.abs_diff(side / 2) < 6;
        if near { [220, 60, 40] } else { [(40 + x) as u8, (80 + y) as u8, 120] }
    };
    let rgb: Vec<u8> = (0..side * side).flat_map(pixel).collect();
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes, 90).encode(&rgb, side as u16, side as u16, ColorType::Rgb).unwrap();
    bytes
}

fn kind(row: u64) -> (SegmentKind, Owner) {
    match row {
        0..30 => (SegmentKind::Policy, Owner::Policy),
        30..35 => (SegmentKind::Rewind, Owner::Rewind),
        35..45 => (SegmentKind::Correction, Owner::Human),
        _ => (SegmentKind::Policy, Owner::Policy),
    }
}

fn tick(number: u64, episode: u64, row: u64) -> TickRecord {
    let (segment, owner) = kind(row);
    let value = |joint: u64| ((number * (joint + 3)) as f64 * 0.01).sin();
    let group = |joints: std::ops::Range<u64>| GroupTick {
        owner: owner.into(),
        segment: segment.into(),
        command: joints.clone().map(value).collect(),
        measured: joints.clone().map(|joint| value(joint) + 0.001).collect(),
        proposal: if owner == Owner::Policy {
            joints.map(|joint| value(joint) * 1.5).collect()
        } else {
            vec![]
        },
        ..GroupTick::default()
    };
    TickRecord {
        tick: number,
        at_nanos: (number * PERIOD).cast_signed(),
        epoch: 1,
        episode,
        phase: Phase::Running.into(),
        groups: vec![group(0..2), group(2..3)],
        observation_seq: number,
        policy_version: "p1".into(),
        ..TickRecord::default()
    }
}

fn observation(number: u64) -> Observation {
    let pose = Pose { x: 0.4, y: (number as f64 * 0.01).cos(), z: 0.1, qw: 1.0, ..Pose::default() };
    Observation {
        header: Some(Header { seq: number, ..Header::default() }),
        captured_nanos: (number * PERIOD).cast_signed() - 5_000_000,
        position: vec![GroupValues::default(); 2],
        objects: vec![pose],
        ..Observation::default()
    }
}

fn camera(number: u64, side: u16) -> CompressedImage {
    let mut image = CompressedImage {
        frame_id: "scene".into(),
        data: picture(number, side),
        format: "jpeg".into(),
        ..CompressedImage::default()
    };
    let taken = number * PERIOD - 6_000_000;
    let timestamp = image.timestamp.get_or_insert_default();
    timestamp.seconds = (taken / 1_000_000_000).cast_signed();
    timestamp.nanos = i32::try_from(taken % 1_000_000_000).unwrap();
    image
}

/// How a recording is made.
#[derive(Clone, Copy)]
pub(crate) struct Making {
    pub(crate) episodes: u64,
    /// Side of the pictures.
    pub(crate) side: u16,
    /// Attempt and row of which the observation is lost.
    pub(crate) lost: Option<(u64, u64)>,
}

impl Default for Making {
    fn default() -> Self {
        Self { episodes: 3, side: 64, lost: None }
    }
}

/// Writes a recording called `name` into `dir`.
pub(crate) fn recording(dir: &Path, name: &str, making: Making) -> Vec<Source> {
    let anchor = Anchor::new(MonoTime::ZERO, WallTime::from_nanos(1_795_442_702_000_000_000));
    let mut config = WriterConfig::new(dir.to_owned(), name.to_owned(), "arm".parse().unwrap(), 7, anchor);
    config.reserve_bytes = 4096;
    config.durability = Durability::EachSegment;
    let mut writer = RecordingWriter::create(config, Box::new(LocalDisk)).unwrap();
    let mut now = MonoTime::ZERO;
    let mut append = |message: Message, now| writer.append(&Entry::new(&message, now)).unwrap();
    append(Message::Descriptor(robot()), now);
    let mut number = 0;
    for episode in 1..=making.episodes {
        let mut record = EpisodeRecord {
            episode,
            phase: Phase::Running.into(),
            task: if episode == 2 { "place the cube".into() } else { "pick the cube".into() },
            policy_version: "p1".into(),
            operator: "anna".into(),
            seed: 40 + episode,
            ..EpisodeRecord::default()
        };
        append(Message::Episode(record.clone()), now);
        for row in 0..ROWS {
            number += 1;
            now = MonoTime::from_nanos(number * PERIOD);
            if number % PICTURE_EVERY == 1 {
                append(Message::Camera(camera(number, making.side)), now);
            }
            if making.lost != Some((episode, row)) {
                append(Message::Observation(observation(number)), now);
            }
            append(Message::Tick(tick(number, episode, row)), now);
        }
        record.phase = Phase::Ended.into();
        record.verdict = if episode == 1 { Verdict::Failure } else { Verdict::Success }.into();
        append(Message::Episode(record), now);
    }
    writer.close().unwrap();
    find(&dir.join(name)).unwrap()
}

/// All files below `dir`, by their paths in it.
pub(crate) fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push((path.strip_prefix(dir).unwrap().to_owned(), std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}
