//! Recordings to test with.

use std::{fs, path::Path};

use retake_log::{Anchor, LocalDisk, Manifest, RecordingWriter, State, WriterConfig};
use retake_units::{MonoTime, WallTime};
use retake_wire::pb::{GroupTick, Owner, Phase, SegmentKind, TickRecord};

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

/// Marks a closed recording as cut off while it was written.
pub(crate) fn reopen(path: &Path) {
    let manifest = path.join("recording.json");
    let mut content: Manifest = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    content.state = State::Recording;
    content.segments.clear();
    fs::write(manifest, serde_json::to_vec(&content).unwrap()).unwrap();
}

/// A directory whose syncs cost nothing, where there is one.
pub(crate) fn fast_dir() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}
