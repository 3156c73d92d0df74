//! The intervention node and a driver's gate under random operators, policies, networks and restarts, with two judges that
//! believe neither: one at the driver, one that overhears everything that reaches the intervention node.

mod driver;
mod judge;
mod people;
mod policy;
#[cfg(test)]
mod tests;
mod truth;
mod weather;
mod witness;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    time::Duration,
};

use retake_deployment::{Protocol, Settings, Supervision};
use retake_model::{Failure, Random};
use retake_node::{Lockstep, Node};
use retake_tasks::Task;
use retake_units::MonoTime;

use self::{
    driver::Driver, judge::Judge, people::Operator, policy::Policy, truth::Truth, weather::Weather,
    witness::Witness,
};

const TICK: Duration = Duration::from_millis(20);

/// What a storm has met. One that meets nothing shows nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Ticks of the intervention node.
    pub ticks: u64,
    /// Commands applied at the driver.
    pub applied: u64,
    /// Commands refused there.
    pub refused: u64,
    /// Ticks at which the policy, a human, the rewinder drove a group, and at which two shared it.
    pub driven: [u64; 4],
    /// Changes of owner.
    pub changes: u64,
    /// Starts of the intervention node after the first.
    pub restarts: u64,
    /// Stops that had to be obeyed.
    pub stops: u64,
    /// Messages that were lost, late or doubled on some link.
    pub harmed: u64,
    /// Messages that were forged, spoiled or said again.
    pub forged: u64,
}

impl Met {
    /// Adds what another storm met.
    pub fn add(&mut self, other: &Self) {
        self.ticks += other.ticks;
        self.applied += other.applied;
        self.refused += other.refused;
        self.driven.iter_mut().zip(other.driven).for_each(|(sum, n)| *sum += n);
        self.changes += other.changes;
        self.restarts += other.restarts;
        self.stops += other.stops;
        self.harmed += other.harmed;
        self.forged += other.forged;
    }
}

/// Lets a deployment of this seed run for so many ticks.
///
/// # Errors
/// The first thing that must not happen, and did.
pub fn storm(seed: u64, ticks: u64) -> Result<Met, Failure> {
    let truth = Arc::new(Mutex::new(Truth::default()));
    let judge = Arc::new(Mutex::new(Judge::default()));
    let run = || weathered(seed, ticks, &truth, &judge);
    let stepped = catch_unwind(AssertUnwindSafe(run));
    let (truth, judge) = (locked(&truth), locked(&judge));
    let wrong = match stepped {
        Ok(Ok(())) => truth.wrong.clone().or_else(|| judge.wrong.clone()),
        Ok(Err(stuck)) => Some(stuck),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            Some(format!(
                "panic: {}",
                text.or_else(|| panic.downcast_ref::<&str>().map(|&t| t.into())).unwrap_or_default()
            ))
        }
    };
    let mut met = truth.met;
    (met.applied, met.refused) = (judge.applied, judge.refused);
    match wrong {
        None => Ok(met),
        Some(what) => {
            Err(Failure { seed, step: met.ticks, what, trail: truth.trail.iter().cloned().collect() })
        }
    }
}

fn locked<T>(shared: &Arc<Mutex<T>>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The settings that a seed's storm is about.
fn settings(seed: u64) -> Settings {
    let mut random = Random::new(seed ^ 0x5707);
    let task = Task::by_name("lift").unwrap();
    let settings = Settings::simulated("arm", task, "expert".parse().unwrap()).unwrap();
    let protocol =
        if random.one_in(2) { random.pick(&Protocol::ALL, Protocol::Free) } else { Protocol::Free };
    let supervision = if random.one_in(3) { Supervision::Optional } else { Supervision::Required };
    Settings { episodes: 0, seed, entropy: seed | 1, protocol, supervision, ..settings }
}

fn weathered(
    seed: u64,
    ticks: u64,
    truth: &Arc<Mutex<Truth>>,
    judge: &Arc<Mutex<Judge>>,
) -> Result<(), String> {
    let settings = settings(seed);
    let mut random = Random::new(seed);
    let weather = Arc::new(Mutex::new(Weather::new(random.next())));
    {
        let mut truth = locked(truth);
        truth.begin(&settings);
        locked(judge).begin(&settings.descriptor);
    }
    let mut nodes: Vec<Box<dyn Node>> = vec![
        Box::new(Driver::new(&settings, Arc::clone(judge), random.next())),
        Box::new(Policy::new(&settings.descriptor, random.next())),
        Box::new(Witness::new(settings, Arc::clone(truth), random.next())),
    ];
    for (index, name) in ["ada", "bob"].into_iter().enumerate() {
        let first = MonoTime::from_nanos(7_000_000 + index as u64 * 1_000_000);
        nodes.push(Box::new(Operator::new(name, random.next(), first)));
    }
    let mut lockstep = Lockstep::new(nodes, MonoTime::ZERO);
    let link = Arc::clone(&weather);
    lockstep.set_link(move |_, message, to| locked(&link).fate(message, to));
    let tapped = Arc::clone(&weather);
    lockstep.set_tap(move |_, from, message| locked(&tapped).heard(from, message));
    for _ in 0..ticks {
        let now = lockstep.now();
        lockstep.run_until(now + TICK).map_err(|stuck| stuck.to_string())?;
        if locked(truth).wrong.is_some() || locked(judge).wrong.is_some() {
            break;
        }
        let forged = locked(&weather).change(lockstep.now());
        for message in forged {
            lockstep.inject(message).map_err(|stuck| stuck.to_string())?;
        }
    }
    let mut truth = locked(truth);
    (truth.met.harmed, truth.met.forged) = locked(&weather).counts();
    Ok(())
}
