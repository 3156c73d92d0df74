//! Recordings to cut and to damage.

use std::{
    io::Cursor,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use retake_log::{Entry, RecordingWriter, SegmentReader};
use retake_wire::{Message, pb::Observation};

use crate::made::{at, tick, writer};

/// A closed recording and what was acknowledged when: bytes of the file, and the tick they acknowledge.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) path: PathBuf,
    pub(crate) commits: Vec<(u64, u64)>,
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

/// Topic, sequence and checksum of every message that can be read.
pub(crate) fn keys_of(bytes: &[u8]) -> Vec<(String, u32, u32)> {
    let mut reader = SegmentReader::new(Cursor::new(bytes), "test.mcap".to_owned()).unwrap();
    let mut keys = Vec::new();
    while let Some(raw) = reader.next_message().unwrap() {
        keys.push((raw.channel.topic.clone(), raw.sequence, crc32fast::hash(&raw.data)));
    }
    keys
}
