//! The recorders that people use, run by their own Python.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use serde_json::Value;

use crate::report::{Cell, Table};

/// What `conformance/bench_peers.py` said.
pub(super) struct Peers(Vec<Value>);

/// Each records for `span`.
pub(super) fn run(python: &Path, span: Duration) -> anyhow::Result<Peers> {
    told(python, span, &[])
}

/// Each records until it is killed after `span`; LeRobot saves three episodes in that time, and is in a fourth.
pub(super) fn killed(python: &Path, span: Duration) -> anyhow::Result<Peers> {
    let (after, episode) = (span.as_secs().to_string(), format!("{:.2}", span.as_secs_f64() / 3.5));
    told(python, span * 4, &["--kill-after", &after, "--episode-seconds", &episode])
}

fn told(python: &Path, span: Duration, more: &[&str]) -> anyhow::Result<Peers> {
    let script = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../conformance/bench_peers.py"));
    let mut command = Command::new(python);
    command.arg(&script).args(["--seconds", &span.as_secs().to_string(), "--vcodec", "h264"]).args(more);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {} {}", python.display(), script.display()))?;
    anyhow::ensure!(output.status.success(), "{} failed: {}", script.display(), output.status);
    let said: Value = serde_json::from_slice(&output.stdout).context("read what the peers' script said")?;
    Ok(Peers(said.get("peers").and_then(Value::as_array).cloned().unwrap_or_default()))
}

fn number(value: &Value, path: &str) -> Option<f64> {
    value.pointer(path).and_then(Value::as_f64)
}

impl Peers {
    /// A row for each stream of each peer.
    pub(super) fn rows(&self, table: &mut Table) {
        for peer in &self.0 {
            let name = peer.get("peer").and_then(Value::as_str).unwrap_or_default();
            let Some(streams) = peer.get("streams").and_then(Value::as_object) else {
                let mut row = vec![Cell::from(name.to_owned()), Cell::from("did not run")];
                row.extend((0..8).map(|_| Cell::from("")));
                table.row(row);
                continue;
            };
            for (stream, figures) in streams {
                let micros =
                    |path: &str| number(figures, path).map_or(Cell::from(""), |value| Cell::Number(value, 1));
                let lost = number(peer, "/pictures_lost").unwrap_or_default()
                    + number(figures, "/missed").unwrap_or_default();
                table.row(vec![
                    name.to_owned().into(),
                    stream.clone().into(),
                    number(figures, "/calls").map_or(Cell::from(""), |calls| Cell::Number(calls, 0)),
                    micros("/caller_us/p50"),
                    micros("/caller_us/p99"),
                    "".into(),
                    micros("/caller_us/max"),
                    Cell::Number(lost, 0),
                    // Of three cameras at once, as the others are of one.
                    number(peer, "/cpu_ms_per_frame_of_3_cameras")
                        .map_or(Cell::from(""), |value| Cell::Number(value / 3.0, 2)),
                    number(peer, "/bytes_per_minute")
                        .map_or(Cell::from(""), |bytes| Cell::Number(bytes / 1e6, 1)),
                ]);
            }
        }
    }

    /// A row for each peer that was killed.
    pub(super) fn rows_left(&self, span: Duration, table: &mut Table) {
        for peer in &self.0 {
            let word = |path: &str| peer.pointer(path).and_then(Value::as_str).unwrap_or_default();
            let (fed, left, opens) = match word("/peer") {
                "mcap" => {
                    let floats = number(peer, "/messages_read_in_sequence/floats")
                        .or_else(|| number(peer, "/messages_read_in_sequence/state"));
                    (span.as_secs() * 100, floats, word("/stock_reader"))
                }
                _ => (span.as_secs() * 30, number(peer, "/rows_loadable"), word("/stock_loader")),
            };
            table.row(vec![
                word("/peer").to_owned().into(),
                Cell::Count(fed),
                left.map_or("none".into(), |left| Cell::Number(left, 0)),
                "".into(),
                opens.to_owned().into(),
            ]);
        }
    }

    pub(super) fn add_frame_p50_micros(&self) -> Option<f64> {
        let lerobot =
            self.0.iter().find(|peer| peer.get("peer").and_then(Value::as_str) == Some("lerobot"))?;
        number(lerobot, "/streams/frame/caller_us/p50")
    }
}
