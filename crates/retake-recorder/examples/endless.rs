//! Records as fast as it can until it is killed, and prints every tick that is acknowledged: `endless DIR NAME`.

use std::{env, io::Write as _, path::PathBuf, process::ExitCode};

use retake_log::Anchor;
use retake_node::{Node, Outbox};
use retake_recorder::{Recorder, RecorderConfig};
use retake_units::MonoTime;
use retake_wire::{
    Message,
    foxglove::CompressedImage,
    pb::{GroupTick, TickRecord},
};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [dir, name] = arguments.as_slice() else { return Err("usage: endless DIR NAME".into()) };
    let robot = "arm".parse()?;
    let mut config = RecorderConfig::new(PathBuf::from(dir), Some(name.clone()), robot, 7, Anchor::default());
    config.writer.segment_bytes = 1 << 20;
    config.writer.reserve_bytes = 1 << 20;
    let mut recorder = Recorder::threaded(config)?;
    let mut out = Outbox::default();
    let mut console = std::io::stdout().lock();
    // Ten milliseconds of the recorder's time take about one here.
    for tick in 1.. {
        let now = MonoTime::from_nanos(tick * 10_000_000);
        recorder.receive(now, &tick_record(tick), &mut out);
        if tick % 3 == 0 {
            recorder.receive(now, &frame(tick), &mut out);
        }
        if recorder.next_wake().is_some_and(|at| at <= now) {
            recorder.wake(now, &mut out);
        }
        for message in out.drain() {
            if let Message::Watermark(watermark) = message {
                writeln!(console, "{}", watermark.tick)?;
                console.flush()?;
            }
        }
        std::thread::park_timeout(std::time::Duration::from_micros(500));
    }
    Ok(())
}

fn tick_record(tick: u64) -> Message {
    let values: Vec<f64> = (0..7_u64).map(|joint| (joint * 100 + tick) as f64 * 1e-3).collect();
    let group = GroupTick {
        target: values.clone(),
        command: values.clone(),
        measured: values,
        ..GroupTick::default()
    };
    TickRecord { tick, episode: 1 + tick / 500, groups: vec![group; 2], ..TickRecord::default() }.into()
}

fn frame(tick: u64) -> Message {
    let byte = |index: u64| (index.wrapping_mul(tick | 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8;
    let data = (0..4_000).map(byte).collect();
    CompressedImage { timestamp: None, frame_id: "front".to_owned(), data, format: "jpeg".to_owned() }.into()
}
