//! `cargo xtask fuzz`: random walks of the state machine beside its model, and storms over the whole node, for longer than the test
//! suite has time.

use std::{
    fs,
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use retake_bus::{Clock, wall_now};
use retake_log::utc_text;
use retake_model::{Coverage, Failure, walk};
use retake_tests::{Met, storm};
use retake_units::MonoTime;
use serde_json::{Value, json};

use crate::report::progress;

/// What to fuzz, from which seed, for how long.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which; both when left away.
    #[arg(value_name = "NAME")]
    names: Vec<Name>,
    /// Events of authority and ticks of the deployment, each. Whole walks are made, so one step is one walk.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    steps: u64,
    /// The first seed; the time of day if left away.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Each goes on for this long, however many steps that makes.
    #[arg(long, value_name = "T")]
    seconds: Option<u64>,
    /// A twentieth of the steps.
    #[arg(long)]
    quick: bool,
    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// The state machine, beside a model that answers from its history.
    Authority,
    /// Intervention node and driver's gate, among random operators, policies, networks and restarts.
    Deployment,
}

/// Events of one walk, and ticks of one storm.
const WALK: u64 = 250;
const STORM: u64 = 500;
/// Failing seeds that are told.
const TOLD: usize = 5;

struct Found {
    steps: u64,
    seeds: u64,
    seconds: f64,
    figures: Value,
    failures: Vec<Failure>,
}

/// Fuzzes; fails where anything happened that must not.
#[expect(clippy::print_stdout, reason = "figures are this program's output")]
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let date = utc_text(wall_now());
    let seed = options.seed.unwrap_or_else(|| wall_now().nanos() / 1_000_000);
    let names = if options.names.is_empty() { Name::value_variants() } else { &options.names };
    let (mut all, mut failed) = (Vec::new(), 0);
    for name in names {
        let found = name.fuzz(options, seed);
        let text = name.text();
        println!("## {text}\n");
        println!(
            "{} steps from seed {seed} on, {} walks, {:.0} s: {} failing seeds\n\n{}\n",
            found.steps,
            found.seeds,
            found.seconds,
            found.failures.len(),
            serde_json::to_string_pretty(&found.figures)?
        );
        for failure in &found.failures {
            println!("{failure}again: cargo xtask fuzz {text} --steps 1 --seed {}\n", failure.seed);
        }
        failed += found.failures.len();
        let failing: Vec<Value> = found
            .failures
            .iter()
            .map(|failure| json!({ "seed": failure.seed, "what": failure.what }))
            .collect();
        all.push(json!({
            "name": text, "steps": found.steps, "walks": found.seeds, "seconds": found.seconds,
            "met": found.figures, "failures": failing,
        }));
    }
    if let Some(file) = &options.json {
        let whole = json!({ "date": date, "seed": seed, "fuzz": all });
        fs::write(file, serde_json::to_string_pretty(&whole)? + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    println!("fuzz: {failed} failing seeds");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Name {
    fn text(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn fuzz(self, options: &Options, seed: u64) -> Found {
        match self {
            Self::Authority => {
                let (parts, found) = spread(self, options, seed, WALK, walk);
                let mut met = Coverage::default();
                parts.iter().for_each(|part| met.add(part));
                Found {
                    steps: met.steps,
                    figures: json!({ "changes": met.changes, "met": met.met }),
                    ..found
                }
            }
            Self::Deployment => {
                let (parts, found) = spread(self, options, seed, STORM, storm);
                let mut met = Met::default();
                parts.iter().for_each(|part| met.add(part));
                let [policy, human, rewind, shared] = met.driven;
                let figures = json!({
                    "commands applied": met.applied, "commands refused": met.refused, "changes of owner": met.changes,
                    "group ticks": { "policy": policy, "human": human, "rewind": rewind, "shared": shared },
                    "restarts": met.restarts, "stops": met.stops, "messages harmed": met.harmed,
                    "messages forged": met.forged,
                });
                Found { steps: met.ticks, figures, ..found }
            }
        }
    }
}

/// Runs seed after seed on every processor until enough steps are made or the time is over.
fn spread<T: Send>(
    name: Name,
    options: &Options,
    seed: u64,
    length: u64,
    run: impl Fn(u64, u64) -> Result<T, Failure> + Sync,
) -> (Vec<T>, Found) {
    let steps = if options.quick { options.steps / 20 } else { options.steps };
    let wanted = if options.seconds.is_some() { u64::MAX } else { steps.div_ceil(length) };
    let began = Clock::System.now();
    let end = options.seconds.map_or(MonoTime::MAX, |seconds| began + Duration::from_secs(seconds));
    let (next, broken) = (AtomicU64::new(0), AtomicBool::new(false));
    let work = || {
        let (mut parts, mut failures) = (Vec::new(), Vec::new());
        while failures.len() < TOLD && Clock::System.now() < end {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= wanted {
                break;
            }
            match run(seed.wrapping_add(index), length) {
                Ok(part) => parts.push(part),
                Err(failure) => {
                    broken.store(true, Ordering::Relaxed);
                    failures.push(failure);
                }
            }
            if index % 200 == 199 {
                let told = if broken.load(Ordering::Relaxed) { ", with failures" } else { "" };
                progress(&format!("{}: {} walks begun{told}", name.text(), index + 1));
            }
        }
        (parts, failures)
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let (mut parts, mut failures) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let (done, failed) = worker.join().unwrap_or_default();
            parts.extend(done);
            failures.extend(failed);
        }
    });
    let seeds = (parts.len() + failures.len()) as u64;
    let seconds = Clock::System.now().since(began).as_secs_f64();
    (parts, Found { steps: 0, seeds, seconds, figures: Value::Null, failures })
}
