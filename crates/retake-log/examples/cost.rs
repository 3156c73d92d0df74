//! What recording costs on this machine: `cost DIR`. Writes 20 s of ticks at 100 Hz with observations, inputs and a VGA-sized
//! JPEG stand-in at 30 Hz, committed every 100 ms, with each packing; and then ticks as fast as they go.

use std::{
    env,
    io::{self, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use retake_log::{Anchor, Entry, LocalDisk, Packing, RecordingWriter, WriterConfig};
use retake_units::MonoTime;
use retake_wire::{
    Message,
    foxglove::CompressedImage,
    pb::{GroupTick, Observation, OperatorInput, TickRecord},
};

type Failure = Box<dyn std::error::Error>;

const FRAME_BYTES: u64 = 30_000;

fn main() -> Result<(), Failure> {
    let dir = env::args().nth(1).ok_or("usage: cost DIR")?;
    let dir = Path::new(&dir);
    for packing in [Packing::Plain, Packing::Lz4, Packing::Zstd] {
        session(dir, packing, true)?;
        session(dir, packing, false)?;
        flood(dir, packing)?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a measurement")]
fn clock() -> Instant {
    Instant::now()
}

fn writer(dir: &Path, name: &str, packing: Packing) -> Result<RecordingWriter, Failure> {
    let mut config = WriterConfig::new(dir.to_owned(), name.to_owned(), "arm".parse()?, 1, Anchor::default());
    config.packing = packing;
    Ok(RecordingWriter::create(config, Box::new(LocalDisk))?)
}

fn session(dir: &Path, packing: Packing, cameras: bool) -> Result<(), Failure> {
    let name = format!("session-{packing:?}-{cameras}");
    let mut writer = writer(dir, &name, packing)?;
    let (mut append, mut commits, mut raw) = (Duration::ZERO, Vec::new(), 0);
    for tick in 1..=2_000_u64 {
        let now = MonoTime::from_nanos(tick * 10_000_000);
        let mut messages = vec![tick_record(tick), observation(tick), input(tick)];
        messages.extend((cameras && tick % 10 < 3).then(|| frame(tick)));
        let began = clock();
        for message in &messages {
            let entry = Entry::new(message, now);
            raw += entry.bytes.len();
            writer.append(&entry)?;
        }
        append += began.elapsed();
        if tick % 10 == 0 {
            let began = clock();
            writer.commit(now)?;
            commits.push(began.elapsed());
        }
    }
    let durable = writer.close()?;
    commits.sort();
    let at = |share: usize| commits.get(commits.len() * share / 100).copied().unwrap_or_default();
    writeln!(
        io::stdout(),
        "{packing:?} cameras={cameras}: {} messages, {raw} bytes in, {} out; encode+append {:.1} us each; commit p50 \
         {:.2?} p90 {:.2?} p99 {:.2?}",
        durable.messages,
        durable.bytes,
        append.as_secs_f64() * 1e6 / durable.messages as f64,
        at(50),
        at(90),
        at(99),
    )?;
    Ok(())
}

fn flood(dir: &Path, packing: Packing) -> Result<(), Failure> {
    let entries: Vec<Entry> =
        (1..=200_000).map(|tick| Entry::new(&tick_record(tick), MonoTime::ZERO)).collect();
    let raw: usize = entries.iter().map(|entry| entry.bytes.len()).sum();
    let mut writer = writer(dir, &format!("flood-{packing:?}"), packing)?;
    let began = clock();
    for batch in entries.chunks(10_000) {
        for entry in batch {
            writer.append(entry)?;
        }
        writer.commit(MonoTime::ZERO)?;
    }
    let durable = writer.close()?;
    let seconds = began.elapsed().as_secs_f64();
    writeln!(
        io::stdout(),
        "{packing:?} flood: {:.0} messages/s, {:.1} MB/s in, {:.2} of the size",
        entries.len() as f64 / seconds,
        raw as f64 / seconds / 1e6,
        durable.bytes as f64 / raw as f64
    )?;
    Ok(())
}

fn values(tick: u64, scale: f64) -> Vec<f64> {
    (1..8_u64).map(|joint| ((tick * joint) as f64 * 0.013).sin() * scale).collect()
}

fn tick_record(tick: u64) -> Message {
    let arm = GroupTick {
        proposal: values(tick, 1.0),
        target: values(tick, 1.0),
        command: values(tick, 0.999),
        measured: values(tick, 0.998),
        applied: values(tick, 0.999),
        ..GroupTick::default()
    };
    let gripper = GroupTick { command: vec![0.04], measured: vec![0.0399], ..GroupTick::default() };
    TickRecord { tick, groups: vec![arm, gripper], ..TickRecord::default() }.into()
}

fn observation(tick: u64) -> Message {
    let group = retake_wire::pb::GroupValues { values: values(tick, 1.0) };
    Observation { position: vec![group.clone()], velocity: vec![group], ..Observation::default() }.into()
}

fn input(tick: u64) -> Message {
    OperatorInput { twist: values(tick, 0.5), operator: "op".to_owned(), ..OperatorInput::default() }.into()
}

/// As incompressible as a JPEG.
fn frame(tick: u64) -> Message {
    let mut state = tick.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let byte = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    let data = (0..FRAME_BYTES).map(byte).collect();
    CompressedImage { timestamp: None, frame_id: "front".to_owned(), data, format: "jpeg".to_owned() }.into()
}
