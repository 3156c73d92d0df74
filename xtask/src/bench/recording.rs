//! What recording costs whoever produces the data, beside the recorders that people use.

pub(super) mod load;
mod peers;

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use retake_bus::{Clock, wall_now};
use retake_log::Anchor;
use retake_recorder::{Recorder, RecorderConfig, RecorderReport};

use self::load::{CAMERAS, Lens, States};
use super::{Effort, deploy};
use crate::{
    kill::killed::kill_after,
    pace::process_time,
    report::{Bound, Cell, Findings, Table, progress},
    stats::Spans,
    timed::{Times, WARM_UP, timed},
};

const COMPARED: &str = "\
Three cameras of 640×480 at 30 Hz and 200 floats at 100 Hz. Ours: a node that publishes the floats (a control loop), three camera
nodes that make JPEGs of raw pictures and publish them, and the recorder, each on a thread of its own over zenoh on loopback; what is
acknowledged is synced to disk ten times a second. Peers (conformance/bench_peers.py, the same load made the same way): Python's
mcap writer, given JPEGs that were made before; LeRobot 0.4.4's add_frame as its documentation records, given raw pictures, 30 times a second with all cameras and
the newest floats, because it has no place for others. In the end each is killed while it records; rows are states or ticks at 100 Hz, for
LeRobot frames at 30 Hz. Caller: how long a call holds up whoever has the data. Ours has two callers:
the control loop, which never touches a picture, and a camera's own thread, JPEG included. Processor time is of the whole process.";

/// What ours was like.
struct Ours {
    states: Times,
    cameras: Vec<Times>,
    report: RecorderReport,
    lost: u64,
    span: Duration,
    processor: Duration,
}

pub(crate) fn run(effort: Effort, python: Option<&Path>) -> anyhow::Result<Findings> {
    let span = effort.pick(Duration::from_secs(6), Duration::from_secs(60));
    progress(&format!("  recording: ours, {} s", span.as_secs()));
    let ours = ours(span)?;
    let mut table = Table::new(&[
        "recorder",
        "caller",
        "n",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "max µs",
        "frames lost",
        "CPU ms/frame",
        "MB/min",
    ]);
    let frames = ours.cameras.iter().map(|times| times.wakes.len()).sum::<usize>();
    let per_frame = millis(ours.processor) / frames.max(1) as f64;
    let megabytes = ours.report.bytes as f64 / 1e6 * 60.0 / (ours.span + WARM_UP).as_secs_f64();
    let loops = ours.states.of_wakes(|wake| wake.published);
    let shots: Vec<Spans> = ours.cameras.iter().map(|times| times.of_wakes(|wake| wake.published)).collect();
    let dropped = ours.report.camera_frames_dropped + ours.report.messages_lost + ours.lost;
    for (caller, spans) in
        [("control loop, 200 floats", &loops), ("camera thread, JPEG made", &Spans::pooled(&shots))]
    {
        let mut row = vec![Cell::from("retake"), caller.into()];
        row.extend(spans.cells());
        row.extend([Cell::Number(dropped as f64, 0), Cell::Number(per_frame, 2), Cell::Number(megabytes, 1)]);
        table.row(row);
    }
    let mut remarks = vec![format!(
        "ours: {} messages durable, {frames} frames in {} s",
        ours.report.messages,
        ours.span.as_secs()
    )];
    let mut bounds = vec![Bound {
        what: "nothing lost at this load".into(),
        found: format!("{dropped} messages or frames"),
        holds: dropped == 0 && ours.report.errors.is_empty(),
    }];
    match python {
        None => remarks.push(
            "peers: not run; give --python PATH with mcap and lerobot==0.4.4 (conformance/requirements-lerobot.txt)".into(),
        ),
        Some(python) => {
            progress(&format!("  recording: peers, {} s each", span.as_secs()));
            let found = peers::run(python, span)?;
            found.rows(&mut table);
            if let Some(add_frame) = found.add_frame_p50_micros() {
                let ratio = add_frame / micros(loops.at(500));
                let heavy = add_frame / micros(Spans::pooled(&shots).at(500));
                remarks.push(format!("LeRobot's add_frame over our camera's own thread, p50: {heavy:.1} times"));
                bounds.push(Bound {
                    what: "the caller is held up at most a fiftieth as long as by add_frame (p50)".into(),
                    found: format!("{ratio:.0} times shorter in the control loop"),
                    holds: ratio >= 50.0,
                });
            }
        }
    }
    let (left, bound) = left_after_kill(effort, python)?;
    bounds.push(bound);
    Ok(Findings { compared: COMPARED, remarks, tables: vec![table, left], bounds })
}

/// What is left of each recording when the recorder's process is killed.
fn left_after_kill(effort: Effort, python: Option<&Path>) -> anyhow::Result<(Table, Bound)> {
    let span = effort.pick(Duration::from_secs(6), Duration::from_secs(20));
    progress(&format!("  recording: kill -9 after {} s", span.as_secs()));
    let dir = tempfile::tempdir().context("there is nowhere to record")?;
    let ours = kill_after(dir.path(), span, 0)?;
    let mut table =
        Table::new(&["kill -9", "rows fed", "rows left", "acknowledged", "stock reader opens it"]);
    let whole = if ours.complaints.is_empty() { "yes, after recovery" } else { "no" };
    let counts = [ours.taken, ours.kept, ours.acknowledged].map(Cell::Count);
    let mut row = vec![Cell::from("retake")];
    row.extend(counts);
    row.push(whole.into());
    table.row(row);
    if let Some(python) = python {
        peers::killed(python, span)?.rows_left(span, &mut table);
    }
    let bound = Bound {
        what: "nothing acknowledged is lost by kill -9".into(),
        found: format!("{} ticks acknowledged, {} kept", ours.acknowledged, ours.kept),
        holds: ours.complaints.is_empty() && ours.kept >= ours.acknowledged,
    };
    Ok((table, bound))
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}

fn ours(span: Duration) -> anyhow::Result<Ours> {
    let pictures = load::pictures();
    let start = Clock::System.now();
    let (states, states_watch) = timed(States::new(start));
    let (mut nodes, mut watches) = (vec![states], Vec::new());
    for index in 0..CAMERAS {
        let (camera, watch) = timed(Lens::new(index, &pictures, start));
        nodes.push(camera);
        watches.push(watch);
    }
    let dir = tempfile::tempdir().context("there is nowhere to record")?;
    let anchor = Anchor::new(start, wall_now());
    let config = RecorderConfig::new(dir.path().to_owned(), None, "bench".parse()?, 1, anchor);
    let recorder = Recorder::threaded(config)?;
    let report = recorder.report();
    // Last, because nodes are stopped in this order and it hears the others' last words.
    nodes.push(Box::new(recorder));
    let deployment = deploy::start(nodes)?;
    let before = process_time();
    crate::pace::sleep_until(Clock::System.now() + span);
    let processor = process_time().saturating_sub(before);
    let lost = deploy::stop(deployment)?;
    let report = report.get().context("the recorder left no report")?;
    let cameras = watches.iter().map(crate::timed::Stopwatch::take).collect();
    Ok(Ours { states: states_watch.take(), cameras, report: report.clone(), lost, span, processor })
}
