//! Recordings to test with.

use std::{
    fs,
    io::Cursor,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use retake_log::{Anchor, Entry, LocalDisk, Manifest, RecordingWriter, SegmentReader, State, WriterConfig};
use retake_units::{MonoTime, WallTime};
use retake_wire::{
    Message,
    pb::{GroupTick, Observation, Owner, Phase, SegmentKind, TickRecord},
};

/// A closed recording and what was acknowledged when: bytes of the file, and the tick they acknowledge.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) path: PathBuf,
    pub(crate) commits: Vec<(u64, u64)>,
}

/// Time of a tick.
pub(crate) fn at(tick: u64) -> MonoTime {
    MonoTime::from_nanos(tick * 10_000_000)
}

/// A tick as an arbiter would record it.
pub(crate) fn tick(number: u64) -> TickRecord {
    let value = |joint: u64| (number * (joint + 3)) as f64 * 0.001;
    let group = GroupTick {
        owner: Owner::Policy.into(),
        segment: SegmentKind::Policy.into(),
        target: (0..7).map(value).collect(),
        command: (0..7).map(value).collect(),
        measured: (0..7).map(|joint| value(joint) + 0.0001).collect(),
        ..GroupTick::default()
    };
    TickRecord {
        tick: number,
        at_nanos: at(number).wire_nanos(),
        epoch: 1,
        episode: 1 + number / 100,
        phase: Phase::Running.into(),
        groups: vec![group],
        ..TickRecord::default()
    }
}

/// A writer into a recording that does not exist yet.
pub(crate) fn writer(dir: &Path, name: &str) -> RecordingWriter {
    let anchor = Anchor::new(MonoTime::ZERO, WallTime::from_nanos(1_795_442_702_000_000_000));
    let mut config = WriterConfig::new(dir.to_owned(), name.to_owned(), "arm".parse().unwrap(), 7, anchor);
    config.reserve_bytes = 4096;
    RecordingWriter::create(config, Box::new(LocalDisk)).unwrap()
}

/// Appends ticks, and an observation with each.
pub(crate) fn append(writer: &mut RecordingWriter, ticks: RangeInclusive<u64>) {
    for number in ticks {
        writer.append(&Entry::new(&Message::from(tick(number)), at(number))).unwrap();
        let observation = Observation { captured_nanos: at(number).wire_nanos(), ..Observation::default() };
        writer.append(&Entry::new(&Message::from(observation), at(number))).unwrap();
    }
}

/// A closed recording of `ticks` ticks, committed every `each` ticks.
pub(crate) fn record(dir: &Path, name: &str, ticks: u64, each: u64) -> Made {
    let mut writer = writer(dir, name);
    let mut commits = Vec::new();
    for first in (1..=ticks).step_by(usize::try_from(each).unwrap()) {
        let last = (first + each - 1).min(ticks);
        append(&mut writer, first..=last);
        let durable = writer.commit(at(last)).unwrap();
        assert_eq!(durable.mark.unwrap().tick, last);
        commits.push((durable.bytes, last));
    }
    writer.close().unwrap();
    Made { path: dir.join(name), commits }
}

/// Marks a closed recording as cut off while it was written.
pub(crate) fn reopen(path: &Path) {
    let manifest = path.join("recording.json");
    let mut content: Manifest = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    content.state = State::Recording;
    content.segments.clear();
    fs::write(manifest, serde_json::to_vec(&content).unwrap()).unwrap();
}

/// Topic, sequence and checksum of every message that can be read.
pub(crate) fn keys_of(bytes: &[u8]) -> Vec<(String, u32, u32)> {
    let mut reader = SegmentReader::new(Cursor::new(bytes), "test.mcap".to_owned()).unwrap();
    let mut keys = Vec::new();
    while let Some(raw) = reader.next_message().unwrap() {
        keys.push((raw.channel.topic.clone(), raw.sequence, crc32fast::hash(&raw.data)));
    }
    keys
}

/// A directory whose syncs cost nothing, where there is one.
pub(crate) fn fast_dir() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}
