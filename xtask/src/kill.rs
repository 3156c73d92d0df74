//! `cargo xtask kill`: recorders that are killed, disks that are full or fail, and power that is cut at every byte. What was
//! acknowledged must be in the recording afterwards, and every recovered file must open elsewhere.

pub(crate) mod child;
mod errors;
mod full;
pub(crate) mod killed;
mod power;
mod process;
mod python;
mod sample;

use std::{
    fs,
    path::PathBuf,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use retake_bus::{Clock, wall_now};
use retake_log::utc_text;
use serde_json::json;

use self::sample::Sample;
use crate::{
    pace::load,
    report::{Bound, Findings, progress},
};

/// What to break, and how often.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Which; all when left away.
    #[arg(value_name = "NAME")]
    names: Vec<Name>,
    /// A tenth of the runs, and power is cut at one byte in sixty.
    #[arg(long)]
    quick: bool,
    /// So many runs of each kind. Default: 200 kills, 60 full disks, 300 failing disks.
    #[arg(long, value_name = "N")]
    runs: Option<u64>,
    /// So many recorders at once.
    #[arg(long, default_value_t = 2, value_name = "N")]
    parallel: u64,
    /// Seed of the first run.
    #[arg(long, default_value_t = 1, value_name = "S")]
    seed: u64,
    /// Do not open recovered files in Python.
    #[arg(long)]
    no_python: bool,
    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// A recorder under load is ended by `kill -9` at a random time.
    Killed,
    /// The disk is full.
    Full,
    /// The disk refuses an operation, once or for good; in half of the runs power is cut afterwards.
    Errors,
    /// Power is cut at every byte of a log.
    Power,
}

impl Options {
    /// As many as asked for; else as many as usual.
    fn runs(&self, usual: u64) -> u64 {
        self.runs.unwrap_or(if self.quick { usual.div_ceil(10) } else { usual })
    }
}

impl Name {
    fn text(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn run(self, options: &Options, sample: &Sample) -> anyhow::Result<Findings> {
        match self {
            Self::Killed => killed::run(options, sample),
            Self::Full => full::run(options, sample),
            Self::Errors => errors::run(options, sample),
            Self::Power => power::run(options, sample),
        }
    }
}

/// Breaks things; fails where something that was acknowledged is lost, or a bound does not hold.
#[expect(clippy::print_stdout, reason = "figures are this program's output")]
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let names = if options.names.is_empty() { Name::value_variants() } else { &options.names };
    let (began, date) = (Clock::System.now(), utc_text(wall_now()));
    let sample = Sample::new()?;
    let (mut all, mut bounds) = (Vec::new(), Vec::<Bound>::new());
    let mut tell = |name: &str, findings: Findings| {
        println!("## {name}\n\n{findings}");
        let mut figures = findings.json();
        figures["name"] = json!(name);
        all.push(figures);
        bounds.extend(findings.bounds);
    };
    for name in names {
        let text = name.text();
        progress(&format!("{text}: load average {}", load()));
        let findings = name.run(options, &sample).with_context(|| text.clone())?;
        tell(&text, findings);
    }
    tell("python", python::run(options, &sample)?);
    let seconds = Clock::System.now().since(began).as_secs();
    if let Some(file) = &options.json {
        let cores = thread::available_parallelism().map_or(0, usize::from);
        let whole =
            json!({ "date": date, "quick": options.quick, "cores": cores, "seconds": seconds, "kill": all });
        fs::write(file, serde_json::to_string_pretty(&whole)? + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let broken: Vec<&str> =
        bounds.iter().filter(|bound| !bound.holds).map(|bound| bound.what.as_str()).collect();
    let verdict = if broken.is_empty() { String::new() } else { format!(": {}", broken.join("; ")) };
    println!("kill: {seconds} s; {} of {} bounds hold{verdict}", bounds.len() - broken.len(), bounds.len());
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs numbered from 0, shared out over several threads; what they found, in no order.
fn shared_out<T: Send>(
    what: &str,
    runs: u64,
    parallel: u64,
    run: impl Fn(u64) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<Vec<T>> {
    let (next, found) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let step = (runs / 10).max(1);
    let work = || -> anyhow::Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= runs {
                return Ok(());
            }
            let one = run(number).with_context(|| format!("{what}, run {number}"))?;
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.push(one);
            if (found.len() as u64).is_multiple_of(step) {
                progress(&format!("  {what}: {} of {runs} runs", found.len()));
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..parallel.max(1)).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_panic| anyhow::anyhow!("a run died"))?)
    })?;
    Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// A promise that is kept if a count is zero, with the first few complaints.
fn none(what: &str, complaints: &[String]) -> Bound {
    let told: Vec<&str> = complaints.iter().take(3).map(String::as_str).collect();
    let found = if complaints.is_empty() { "none".to_owned() } else { told.join("; ") };
    Bound {
        what: what.to_owned(),
        found: format!("{}: {found}", complaints.len()),
        holds: complaints.is_empty(),
    }
}
