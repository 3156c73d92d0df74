//! `retake eval`: how a policy does alone.

use std::{
    num::NonZeroUsize,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail};
use retake_bus::StopFlag;
use retake_deployment::Settings;
use retake_node::{Lockstep, Node};
use retake_policy::PolicySpec;
use retake_tasks::Task;
use retake_units::MonoTime;
use retake_wire::pb::Verdict;
use serde::Serialize;

use super::EvalOptions;
use crate::{
    collect::{Ear, Listener},
    demo::lockstep_order,
    log::print,
    nodes,
    progress::Progress,
    spec::OperatorSpec,
};

/// Robot time between two looks at the stop flag.
const SLICE: Duration = Duration::from_secs(1);

/// One attempt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Attempt {
    pub(crate) seed: u64,
    pub(crate) success: bool,
    /// Robot time from its start to its end.
    pub(crate) seconds: f64,
}

/// How a policy did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Evaluation {
    pub(crate) policy: String,
    pub(crate) version: String,
    pub(crate) task: String,
    pub(crate) attempts: usize,
    pub(crate) successes: usize,
    /// Share of successes, and the 95 % interval of Wilson.
    pub(crate) success_rate: [f64; 3],
    /// Mean over successes.
    pub(crate) seconds_to_success: Option<f64>,
    pub(crate) each: Vec<Attempt>,
}

/// Runs attempts without anybody's help, in lockstep, and prints how many succeed.
pub(crate) fn run(options: &EvalOptions) -> anyhow::Result<()> {
    let task = Task::by_name(&options.task)?;
    let threads = match options.parallel {
        Some(0) => bail!("--parallel must be 1 or more"),
        Some(threads) => threads,
        None => thread::available_parallelism().map_or(1, NonZeroUsize::get),
    };
    let stop = StopFlag::on_signals().context("cannot listen for Ctrl-C")?;
    let mut evaluations = Vec::new();
    for policy in &options.policy {
        let settings =
            Settings { seed: options.seed, ..Settings::simulated("arm", task.clone(), policy.clone())? };
        let evaluation = evaluate(&settings, options.episodes, threads, &stop)?;
        if !options.json {
            print(text(&evaluation))?;
        }
        evaluations.push(evaluation);
    }
    if options.json { print(serde_json::to_string(&evaluations)? + "\n") } else { Ok(()) }
}

/// `episodes` attempts of the policy in `settings`, from their seed on, spread over threads. The same settings give the same
/// attempts, whatever the number of threads.
pub(crate) fn evaluate(
    settings: &Settings,
    episodes: u64,
    threads: usize,
    stop: &StopFlag,
) -> anyhow::Result<Evaluation> {
    // What cannot be served is refused here, and not waited for.
    let version = match &settings.policy {
        PolicySpec::Expert(_) => settings.policy.version(),
        PolicySpec::Learnt(dir) => {
            retake_policy::check(dir, &settings.descriptor).map_err(anyhow::Error::msg)?
        }
    };
    let progress = Progress::new(&format!("{version} alone"), episodes);
    let (next, done) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let lock = || done.lock().unwrap_or_else(PoisonError::into_inner);
    let work = || -> anyhow::Result<()> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= episodes {
                return Ok(());
            }
            let attempt = attempt(settings, settings.seed.wrapping_add(index), stop)?;
            let mut done = lock();
            done.push(attempt);
            let successes = done.iter().filter(|attempt| attempt.success).count();
            progress.at(done.len() as u64, &format!("{version} alone: {successes} successes"));
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(result) => result,
            Err(_) => bail!("an attempt ended in a defect of this program; see the message above"),
        })
    })?;
    drop(progress);
    let mut each = std::mem::take(&mut *lock());
    each.sort_by_key(|attempt| attempt.seed);
    Ok(summed(settings, version, each))
}

fn summed(settings: &Settings, version: String, each: Vec<Attempt>) -> Evaluation {
    let successes = each.iter().filter(|attempt| attempt.success).count();
    let seconds: f64 = each.iter().filter(|attempt| attempt.success).map(|attempt| attempt.seconds).sum();
    Evaluation {
        policy: settings.policy.to_string(),
        version,
        task: settings.task.name.clone(),
        attempts: each.len(),
        successes,
        success_rate: wilson(successes, each.len()),
        seconds_to_success: (successes > 0).then(|| seconds / successes as f64),
        each,
    }
}

/// One attempt, in a deployment of its own.
fn attempt(settings: &Settings, seed: u64, stop: &StopFlag) -> anyhow::Result<Attempt> {
    let mut settings = Settings { seed, entropy: seed, episodes: 1, ..settings.clone() };
    nodes::suit(&mut settings, &OperatorSpec::None);
    let (start, ear) = (MonoTime::ZERO, Ear::default());
    let mut nodes: Vec<Box<dyn Node>> = vec![
        Box::new(settings.sim(start)?),
        Box::new(settings.policy(start)),
        Box::new(settings.arbiter(start)),
        nodes::operator(&OperatorSpec::None, &settings, &nodes::StationPlan::default(), None, start)?,
        Box::new(Listener::new(ear.clone(), None)),
    ];
    nodes.sort_by_key(|node| lockstep_order(node.as_ref()));
    let mut lockstep = Lockstep::new(nodes, start);
    while !lockstep.finished() {
        if stop.is_set() {
            bail!("stopped before all attempts were made");
        }
        lockstep.run_until(lockstep.now() + SLICE)?;
    }
    lockstep.finish()?;
    let record =
        ear.with(|heard| heard.episodes.values().next().cloned()).context("the attempt was not told of")?;
    let nanos = record.end_nanos.saturating_sub(record.start_nanos);
    Ok(Attempt { seed, success: record.verdict() == Verdict::Success, seconds: nanos as f64 / 1e9 })
}

/// Share, and its 95 % interval (Wilson, 1927).
pub(crate) fn wilson(successes: usize, of: usize) -> [f64; 3] {
    const Z: f64 = 1.959_964;
    if of == 0 {
        return [0.0, 0.0, 1.0];
    }
    let (n, share) = (of as f64, successes as f64 / of as f64);
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    [share, (middle - half).max(0.0), (middle + half).min(1.0)]
}

fn text(of: &Evaluation) -> String {
    let [share, low, high] = of.success_rate.map(|share| share * 100.0);
    let seconds =
        of.seconds_to_success.map_or_else(String::new, |seconds| format!(", {seconds:.1} s on average"));
    format!(
        "{} on {}: {} of {} succeed alone: {share:.0} % (95 %: {low:.0} to {high:.0} %){seconds}\n",
        of.version, of.task, of.successes, of.attempts
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_wilsons() {
        let near = |[a, b, c]: [f64; 3], [d, e, f]: [f64; 3]| {
            assert!((a - d).abs() < 1e-3 && (b - e).abs() < 1e-3 && (c - f).abs() < 1e-3, "{a} {b} {c}");
        };
        near(wilson(5, 10), [0.5, 0.2366, 0.7634]);
        near(wilson(0, 10), [0.0, 0.0, 0.2775]);
        near(wilson(50, 50), [1.0, 0.9287, 1.0]);
        near(wilson(0, 0), [0.0, 0.0, 1.0]);
    }
}
