//! What recording costs the control loop.

use std::time::Duration;

use anyhow::Context as _;
use retake_bus::{Clock, wall_now};
use retake_camera::CameraNode;
use retake_log::Anchor;
use retake_recorder::{Recorder, RecorderConfig};

use super::{Effort, deploy};
use crate::{
    report::{Cell, Findings, Table, progress},
    stats::{Spans, ratios},
    timed::{Times, timed},
};

const COMPARED: &str = "\
Two deployments, one after the other in each round: simulator, policy, arbiter, a scripted supervisor on lift and two cameras
(320×240 at 15 Hz); the second also has the recorder, which writes everything to disk from a thread of its own. The first is
the floor. Lateness: of the arbiter's wakes. Inside a tick: from its wake until all it said is published, to one more
receiver where there is a recorder. Ratios are of each round's quantile to that round's floor: median (least–most). The
recorder's receive is what it costs the recorder's own thread to take one message: encoding it and putting it into the queue.";

#[derive(Default)]
struct Rounds {
    late: Vec<Spans>,
    busy: Vec<Spans>,
    lost: u64,
    attempts: u64,
}

impl Rounds {
    fn add(&mut self, times: &Times, lost: u64) {
        self.late.push(times.of_wakes(|wake| wake.late));
        self.busy.push(times.of_wakes(|wake| wake.published));
        self.lost += lost;
        self.attempts += times.attempts;
    }
}

/// What the recorder itself says.
#[derive(Default)]
struct Recorded {
    receive: Vec<Spans>,
    messages: u64,
    bytes: u64,
    frames_dropped: u64,
    messages_lost: u64,
}

pub(crate) fn run(effort: Effort) -> anyhow::Result<Findings> {
    let (rounds, span) = effort.pick((2, Duration::from_secs(4)), (5, Duration::from_secs(12)));
    let (mut without, mut with, mut recorded) = (Rounds::default(), Rounds::default(), Recorded::default());
    for number in 1..=rounds {
        progress(&format!("  recorder: round {number} of {rounds}"));
        round(span, &mut without, None)?;
        round(span, &mut with, Some(&mut recorded))?;
    }
    let columns =
        ["", "n", "p50 µs", "p99 µs", "p99.9 µs", "max µs", "p50 with / without", "p99 with / without"];
    let mut table = Table::new(&columns);
    for (name, rounds, floor) in [
        ("lateness without", &without.late, None),
        ("lateness with", &with.late, Some(&without.late)),
        ("inside a tick without", &without.busy, None),
        ("inside a tick with", &with.busy, Some(&without.busy)),
        ("recorder's receive, one message", &recorded.receive, None),
    ] {
        let mut row = vec![Cell::from(name)];
        row.extend(Spans::pooled(rounds).cells());
        row.extend([500, 990].map(|at| floor.map_or(Cell::from(""), |floor| ratios(rounds, floor, at))));
        table.row(row);
    }
    let remarks = vec![
        format!(
            "durable: {} messages, {} kB; camera frames dropped {}, messages missing from the recordings {}",
            recorded.messages,
            recorded.bytes / 1000,
            recorded.frames_dropped,
            recorded.messages_lost
        ),
        format!(
            "attempts the robot began: {} without, {} with; messages lost anywhere on the way: {} without, {} with",
            without.attempts, with.attempts, without.lost, with.lost
        ),
    ];
    Ok(Findings { compared: COMPARED, remarks, tables: vec![table], bounds: Vec::new() })
}

/// One deployment, recorded where there is somewhere to note what was.
fn round(span: Duration, rounds: &mut Rounds, recorded: Option<&mut Recorded>) -> anyhow::Result<()> {
    let settings = deploy::settings("lift")?;
    let start = Clock::System.now();
    let (mut nodes, arbiter) = deploy::nodes(&settings, start)?;
    nodes.push(Box::new(CameraNode::new()));
    let Some(recorded) = recorded else {
        let lost = deploy::run_for(nodes, span)?;
        rounds.add(&arbiter.take(), lost);
        return Ok(());
    };
    let dir = tempfile::tempdir().context("there is nowhere to record")?;
    let anchor = Anchor::new(start, wall_now());
    let config = RecorderConfig::new(dir.path().to_owned(), None, "bench".parse()?, 1, anchor);
    let recorder = Recorder::threaded(config)?;
    let report = recorder.report();
    let (recorder, watch) = timed(recorder);
    // Last, because nodes are stopped in this order and it hears the others' last words.
    nodes.push(recorder);
    let lost = deploy::run_for(nodes, span)?;
    rounds.add(&arbiter.take(), lost);
    recorded.receive.push(Spans::new(watch.take().received));
    let report = report.get().context("the recorder left no report")?;
    anyhow::ensure!(report.errors.is_empty(), "the recorder failed: {}", report.errors.join("; "));
    recorded.messages += report.messages;
    recorded.bytes += report.bytes;
    recorded.frames_dropped += report.camera_frames_dropped;
    recorded.messages_lost += report.messages_lost;
    Ok(())
}
