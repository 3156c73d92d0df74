//! One recorder in a process of its own, under the load of three cameras and states, in real time. It says on standard output
//! what it took and what it acknowledged, line by line.

use std::{
    io::{LineWriter, Write as _, stdout},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::Args;
use rand::{RngCore as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use retake_bus::{Clock, wall_now};
use retake_log::{Anchor, Disk, LocalDisk};
use retake_node::{Node as _, Outbox};
use retake_recorder::{Recorder, RecorderConfig};
use retake_tests::{FaultPlan, FaultyDisk, Operation};
use retake_units::MonoTime;
use retake_wire::{
    Message,
    foxglove::CompressedImage,
    pb::{GroupTick, Observation, TickRecord},
};

use crate::pace::{exact_timers, sleep_until};

/// States at 100 Hz; each camera every third or fourth tick, which is 30 Hz.
const PERIOD: Duration = Duration::from_millis(10);
const CAMERAS: [&str; 3] = ["front", "side", "wrist"];
/// A JPEG of 640×480 has about this many bytes.
const FRAME_BYTES: usize = 30_000;
/// It goes on for so long after recording has stopped, as a deployment does.
const AFTER_STOP: Duration = Duration::from_millis(200);
/// The work was done, but not all of it was recorded.
const DATA_LOST: u8 = 3;

/// What one recorder does.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Directory of recordings.
    #[arg(long)]
    dir: PathBuf,
    /// The recording's name.
    #[arg(long)]
    name: String,
    /// Size at which a segment is closed, bytes.
    #[arg(long, default_value_t = 1 << 20)]
    segment: u64,
    /// Space in reserve, bytes.
    #[arg(long, default_value_t = 1 << 20)]
    reserve: u64,
    /// All files together may have this many bytes: for where no small disk can be mounted.
    #[arg(long)]
    room: Option<u64>,
    /// It ends by itself after this much time.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let disk: Box<dyn Disk> = match options.room {
        None => Box::new(LocalDisk),
        Some(_) => {
            let (first, times, errno, short) = (0, 0, 0, 50);
            let plan =
                FaultPlan { operation: Operation::Append, first, times, errno, short, room: options.room };
            Box::new(FaultyDisk::new(plan))
        }
    };
    let start = Clock::System.now();
    let anchor = Anchor::new(start, wall_now());
    let mut config =
        RecorderConfig::new(options.dir.clone(), Some(options.name.clone()), "kill".parse()?, 1, anchor);
    (config.writer.segment_bytes, config.writer.reserve_bytes) = (options.segment, options.reserve);
    let mut recorder = Recorder::threaded_on(config, disk)?;
    let report = recorder.report();
    let frames = frames();
    let mut said = Said { console: LineWriter::new(stdout()), stopped: None };
    let mut out = Outbox::default();
    exact_timers();
    let end = start + Duration::from_secs(options.seconds);
    let mut due = Clock::System.now();
    for tick in 1.. {
        sleep_until(due);
        let now = Clock::System.now();
        if now >= end || said.stopped.is_some_and(|at| now.since(at) > AFTER_STOP) {
            break;
        }
        take(&mut recorder, now, tick, &frames, &mut out);
        writeln!(said.console, "t {tick} {}", now.nanos())?;
        if recorder.next_wake().is_some_and(|at| at <= now) {
            recorder.wake(now, &mut out);
        }
        said.all(&mut out)?;
        due = due + PERIOD;
    }
    recorder.finish(Clock::System.now(), &mut out);
    said.all(&mut out)?;
    let report = report.get().ok_or_else(|| anyhow::anyhow!("the recorder left no report"))?;
    writeln!(said.console, "r {} {}", report.messages_lost, report.errors.len())?;
    let lost = report.messages_lost > 0 || !report.errors.is_empty();
    Ok(if lost { ExitCode::from(DATA_LOST) } else { ExitCode::SUCCESS })
}

/// All messages of one tick.
fn take(recorder: &mut Recorder, now: MonoTime, tick: u64, frames: &[Vec<u8>], out: &mut Outbox) {
    let observation = Observation { captured_nanos: now.wire_nanos(), ..Observation::default() };
    recorder.receive(now, &observation.into(), out);
    for (camera, frame) in
        CAMERAS.iter().zip(frames.iter().cycle().skip(usize::try_from(tick % 7).unwrap_or(0)))
    {
        // 30 Hz among ticks of 100 Hz.
        if tick * 3 / 10 != (tick - 1) * 3 / 10 {
            let (frame_id, format) = ((*camera).to_owned(), "jpeg".to_owned());
            let image = CompressedImage { timestamp: None, frame_id, data: frame.clone(), format };
            recorder.receive(now, &image.into(), out);
        }
    }
    let values: Vec<f64> = (1..8_u64).map(|joint| ((tick * joint) as f64 * 0.37).sin()).collect();
    let group = GroupTick {
        target: values.clone(),
        command: values.clone(),
        measured: values,
        ..GroupTick::default()
    };
    let (at_nanos, episode) = (now.wire_nanos(), 1 + tick / 500);
    let record = TickRecord { tick, at_nanos, episode, groups: vec![group; 2], ..TickRecord::default() };
    recorder.receive(now, &record.into(), out);
}

/// Bytes that do not compress, as those of a JPEG do not.
fn frames() -> Vec<Vec<u8>> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let frame = |_| {
        let mut bytes = vec![0; FRAME_BYTES];
        random.fill_bytes(&mut bytes);
        bytes
    };
    (0..8).map(frame).collect()
}

struct Said {
    console: LineWriter<std::io::Stdout>,
    /// When the recorder said that it records no more.
    stopped: Option<MonoTime>,
}

impl Said {
    fn all(&mut self, out: &mut Outbox) -> anyhow::Result<()> {
        let now = Clock::System.now();
        for message in out.drain() {
            if let Message::Watermark(mark) = message {
                let told = u8::from(mark.recording) + 2 * u8::from(!mark.error.is_empty());
                writeln!(self.console, "w {} {} {told}", mark.tick, now.nanos())?;
                if !mark.recording {
                    self.stopped.get_or_insert(now);
                }
            } else if let Message::Notice(notice) = message {
                writeln!(self.console, "n {}", notice.code)?;
            }
        }
        Ok(())
    }
}
