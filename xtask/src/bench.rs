//! `cargo xtask bench`: measures beside a floor, interleaved, and checks what is promised.

mod codec;
mod deploy;
mod floor;
mod jitter;
mod latency;
mod probes;
mod recorder;
mod recording;
mod render;
mod sim;
mod success;
mod viewer;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use retake_bus::{Clock, wall_now};
use retake_log::utc_text;
use serde_json::json;

use crate::{
    pace::load,
    report::{Bound, Findings, progress},
};

/// Which benchmarks, and how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which; all when left away.
    #[arg(value_name = "NAME")]
    names: Vec<Name>,
    /// Few short rounds: shows that it works, not what it costs.
    #[arg(long)]
    quick: bool,
    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// A Python with what peers are measured with; see conformance/README.md. Peers are left out without it.
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// How late the arbiter's ticks run and how long they take, beside a bare sleep loop.
    Jitter,
    /// From an operator's input, and from a policy's proposal, to the command at the driver, at several rates, beside raw TCP and
    /// bare zenoh; takeover; what recording and watching change about it.
    Latency,
    /// How much faster than real time one core simulates: the world alone, and a whole deployment.
    Sim,
    /// What a camera frame costs: drawing it and making a JPEG of it.
    Render,
    /// What codecs and qualities make of a camera's frames: time, bytes and loss.
    Codec,
    /// What recording costs the control loop.
    Recorder,
    /// What recording costs whoever has the data, beside Python's mcap and LeRobot (with --python).
    Recording,
    /// How often the expert solves each task through the whole deployment.
    Success,
}

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    Quick,
    Full,
}

impl Effort {
    pub(crate) fn pick<T>(self, quick: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

impl Name {
    fn run(self, effort: Effort, python: Option<&Path>) -> anyhow::Result<Findings> {
        match self {
            Self::Jitter => jitter::run(effort),
            Self::Latency => latency::run(effort),
            Self::Sim => sim::run(effort),
            Self::Render => render::run(effort),
            Self::Codec => codec::run(effort),
            Self::Recorder => recorder::run(effort),
            Self::Recording => recording::run(effort, python),
            Self::Success => success::run(effort),
        }
    }

    fn text(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Runs the benchmarks; fails where a bound does not hold.
#[expect(clippy::print_stdout, reason = "figures are this program's output")]
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let effort = if options.quick { Effort::Quick } else { Effort::Full };
    let names = if options.names.is_empty() { Name::value_variants() } else { &options.names };
    let (began, date) = (Clock::System.now(), utc_text(wall_now()));
    let (mut all, mut bounds) = (Vec::new(), Vec::<Bound>::new());
    for name in names {
        progress(&format!("{}: load average {}", name.text(), load()));
        let before = load();
        let findings = name
            .run(effort, options.python.as_deref())
            .with_context(|| format!("benchmark {}", name.text()))?;
        let after = load();
        println!("## {}\n\nLoad average {before} before, {after} after.\n\n{findings}", name.text());
        let mut figures = findings.json();
        figures["name"] = json!(name.text());
        figures["load"] = json!({ "before": before, "after": after });
        all.push(figures);
        bounds.extend(findings.bounds);
    }
    let seconds = Clock::System.now().since(began).as_secs();
    if let Some(file) = &options.json {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let whole = json!({ "date": date, "quick": options.quick, "cores": cores, "seconds": seconds, "benchmarks": all });
        let text = serde_json::to_string_pretty(&whole)? + "\n";
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let broken: Vec<&str> =
        bounds.iter().filter(|bound| !bound.holds).map(|bound| bound.what.as_str()).collect();
    let verdict = if broken.is_empty() { String::new() } else { format!(": {}", broken.join("; ")) };
    println!(
        "bench: {} benchmarks in {seconds} s; {} of {} bounds hold{verdict}",
        names.len(),
        bounds.len() - broken.len(),
        bounds.len()
    );
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
