//! `cargo xtask faults`: real processes over loopback, everything that can go wrong between them, and an independent checker
//! that counts unsafe commands the driver applied.

mod breaks;
mod campaign;
mod check;
mod child;
mod dump;
mod hand;
mod link;
mod mangle;
mod mode;
pub(crate) mod node;
mod peers;
mod relay;
mod station;
mod tally;
mod trouble;
mod wiretap;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Mutex, PoisonError},
    thread,
};

use anyhow::Context as _;
use clap::Args;

use self::{
    campaign::{Campaign, Found},
    mode::{MODES, Mode},
    tally::Tally,
};
use crate::report::{Findings, progress};

/// Inject faults into a deployment of real processes, and count unsafe commands.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Three runs of each mode instead of a hundred.
    #[arg(long)]
    quick: bool,
    /// Only modes whose name contains this; may be given several times.
    #[arg(long, value_name = "NAME")]
    mode: Vec<String>,
    /// Switch off a guard, or all, one after the other, in a copy of the sources: the campaign must notice.
    #[arg(long = "break", value_name = "GUARD|all")]
    guard: Option<String>,
    /// So many runs of each mode.
    #[arg(long, value_name = "N")]
    runs: Option<u64>,
    /// So many deployments at once.
    #[arg(long, default_value_t = 6, value_name = "N")]
    parallel: u64,
    /// Seed of the first run.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Write the figures there.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the wire of every run with an unsafe command, or without braking, there.
    #[arg(long, value_name = "DIR")]
    dump: Option<PathBuf>,
    /// Instead: others' rules and ours on the same traces of a faulty link.
    #[arg(long)]
    peers: bool,
    /// List the modes.
    #[arg(long)]
    list: bool,
}

pub(crate) fn tell(line: &str) {
    progress(line);
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    if let Some(guard) = &options.guard {
        return breaks::run(guard, options.runs.unwrap_or(8));
    }
    if options.peers {
        return peers::run(options);
    }
    let wanted = |mode: &&Mode| {
        options.mode.is_empty() || options.mode.iter().any(|name| mode.name.contains(name.as_str()))
    };
    let modes: Vec<&Mode> = MODES.iter().filter(wanted).collect();
    anyhow::ensure!(!modes.is_empty(), "no mode has such a name; --list shows them");
    if options.list {
        modes.iter().for_each(|mode| progress(mode.name));
        return Ok(ExitCode::SUCCESS);
    }
    let runs = options.runs.unwrap_or(if options.quick { 3 } else { 100 });
    let tally = campaign(&modes, runs, options)?;
    let done = finish(&tally.findings(), options.json.as_deref())?;
    print(&tally.summary());
    Ok(done)
}

/// Prints and writes figures; the exit status says whether their bounds hold.
fn finish(findings: &Findings, json: Option<&Path>) -> anyhow::Result<ExitCode> {
    print(&findings.to_string());
    if let Some(path) = json {
        let text = serde_json::to_string_pretty(&findings.json())?;
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(if findings.bounds.iter().all(|bound| bound.holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stdout, reason = "figures go to standard output")]
fn print(text: &str) {
    println!("{text}");
}

/// A deployment may fail to start for reasons that are none of its own: another program took a port that had just been free.
const STARTS: u64 = 4;

fn begin(seed: u64) -> anyhow::Result<Campaign> {
    let mut begun = Campaign::start(seed);
    for again in 1..STARTS {
        let Err(error) = &begun else { break };
        progress(&format!("a deployment did not start, and is started again: {error:#}"));
        begun = Campaign::start(seed.wrapping_add(again << 32));
    }
    begun
}

/// One run; in a new deployment if a node of this one could not be started again.
fn carry_out(campaign: &mut Campaign, seed: u64, (mode, drawn): (&Mode, u64)) -> anyhow::Result<Found> {
    let mut outcome = campaign.run(mode, drawn);
    for again in 1..STARTS {
        let Err(error) = &outcome else { break };
        progress(&format!("{}: a run was not carried out, and is tried again: {error:#}", mode.name));
        *campaign = begin(seed.wrapping_add(again << 40))?;
        outcome = campaign.run(mode, drawn);
    }
    outcome
}

/// All runs of all modes, shared out over several deployments.
fn campaign(modes: &[&Mode], runs: u64, options: &Options) -> anyhow::Result<Tally> {
    let (parallel, seed) = (options.parallel, options.seed);
    let tally = Mutex::new(Tally::new(modes));
    let next = Mutex::new(0);
    let total = runs * modes.len() as u64;
    let work = |number: u64| -> anyhow::Result<()> {
        let own = seed.wrapping_mul(1_000_003).wrapping_add(number);
        let mut campaign = begin(own)?;
        loop {
            let at = {
                let mut next = next.lock().unwrap_or_else(PoisonError::into_inner);
                *next += 1;
                *next - 1
            };
            if at >= total {
                return Ok(());
            }
            let index = usize::try_from(at / runs)?;
            let Some(mode) = modes.get(index) else { return Ok(()) };
            let drawn = seed ^ at.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut outcome = carry_out(&mut campaign, own, (mode, drawn))?;
            for again in 1..4_u64 {
                if outcome.engaged {
                    break;
                }
                outcome = carry_out(&mut campaign, own, (mode, drawn ^ again))?;
            }
            for violation in &outcome.violations {
                progress(&format!("UNSAFE {}: {}: {}", mode.name, violation.what.name(), violation.detail));
            }
            if let Some(dir) = options.dump.as_ref().filter(|_| !outcome.wire.is_empty()) {
                fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
                let path = dir.join(format!("{}-{at}.txt", mode.name.replace([' ', '(', ')'], "-")));
                fs::write(&path, &outcome.wire)
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
            let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.note(index, &outcome);
            if (at + 1) % runs == 0 {
                progress(&tally.line(index, at + 1, total));
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..parallel.max(1)).map(|number| scope.spawn(move || work(number))).collect();
        workers.into_iter().try_for_each(|worker| {
            worker.join().map_err(|_panic| anyhow::anyhow!("a deployment's thread died"))?
        })
    })?;
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(tally)
}
