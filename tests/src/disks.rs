//! Disks that fail, and disks that remember what a power cut would leave of them.

mod faulty;
mod journal;
mod power;
mod trial;

pub use faulty::{FaultPlan, FaultyDisk, Operation};
pub use journal::{Journal, JournalDisk, Op};
pub use power::{CutTally, Cuts, Share};
pub use trial::{Trial, TrialOutcome, try_disk};

use std::path::Path;

use retake_log::{Recording, SegmentReader};
use retake_recorder::RecorderConfig;
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    foxglove::CompressedImage,
    pb::{GroupTick, Phase, TickRecord},
};

/// Time of a tick.
pub(crate) const fn at(tick: u64) -> MonoTime {
    MonoTime::from_nanos(tick * 10_000_000)
}

/// A tick with numbers that do not repeat.
pub(crate) fn tick(number: u64) -> Message {
    let values: Vec<f64> = (1..8_u64).map(|joint| ((number * joint) as f64 * 0.37).sin()).collect();
    let group = GroupTick {
        target: values.clone(),
        command: values.clone(),
        measured: values,
        ..GroupTick::default()
    };
    TickRecord {
        tick: number,
        at_nanos: at(number).wire_nanos(),
        episode: 1 + number / 500,
        phase: Phase::Running.into(),
        groups: vec![group; 2],
        ..TickRecord::default()
    }
    .into()
}

/// A frame that does not compress, as a JPEG does not.
pub(crate) fn frame(number: u64, bytes: u64) -> Message {
    let byte = |index: u64| (index + 1).wrapping_mul(number * 2 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let data = (0..bytes).map(|index| byte(index).to_le_bytes()[7]).collect();
    CompressedImage { timestamp: None, frame_id: "front".to_owned(), data, format: "jpeg".to_owned() }.into()
}

/// Commits by the messages' time, each of them durable.
pub(crate) fn config(dir: &Path, name: &str) -> RecorderConfig {
    let mut config = RecorderConfig::lockstep(dir.to_owned(), name.to_owned(), "arm".parse().unwrap(), 7);
    config.writer.durability = retake_log::Durability::EachCommit;
    config.commit_period = std::time::Duration::from_millis(75);
    config.writer.reserve_bytes = 256 << 10;
    config
}

/// All ticks of a recording, in order.
///
/// # Panics
/// If there is no recording.
#[must_use]
pub fn ticks_of(path: &Path) -> Vec<u64> {
    let messages = Recording::open(path).unwrap().messages_on(&[Topic::Tick]);
    messages.filter_map(|logged| number(logged.unwrap().message)).collect()
}

/// All ticks of one file, in order.
pub(crate) fn ticks_in(path: &Path) -> Vec<u64> {
    let source = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut reader = SegmentReader::new(source, "segment".to_owned()).unwrap();
    let mut ticks = Vec::new();
    while let Some(raw) = reader.next_message().unwrap() {
        if raw.channel.topic.ends_with(Topic::Tick.suffix()) {
            ticks.extend(Message::decode(Topic::Tick, &raw.data).ok().and_then(number));
        }
    }
    ticks
}

fn number(message: Message) -> Option<u64> {
    if let Message::Tick(tick) = message { Some(tick.tick) } else { None }
}

/// What is wrong with the kept ticks, which begin with 1: all up to the acknowledged one must be there, and all must be in order.
#[must_use]
pub fn complaint(ticks: &[u64], acknowledged: u64) -> Option<String> {
    if (ticks.len() as u64) < acknowledged {
        return Some(format!("{} ticks kept of {acknowledged} acknowledged", ticks.len()));
    }
    let place = ticks.iter().zip(1..).position(|(tick, expected)| *tick != expected)?;
    Some(format!("tick {:?} is where tick {} should be", ticks.get(place), place + 1))
}
