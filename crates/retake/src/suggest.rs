//! `retake suggest`: how far a failed attempt must be rewound for the policy to succeed.

use std::{
    fmt::Write as _,
    io::{Write as _, stdout},
    time::Duration,
};

use anyhow::{Context as _, bail};
use retake_bus::{Clock, StopFlag};
use retake_deployment::{Settings, StartState};
use retake_log::{EpisodeStates, Place, PlacedState, Recording};
use retake_node::{Lockstep, Node};
use retake_policy::PolicySpec;
use retake_sim::Snapshot;
use retake_tasks::Task;
use retake_units::MonoTime;
use retake_wire::pb::Verdict;
use serde::Serialize;

use crate::{
    bisect::{Probes, bisect},
    cli::SuggestOptions,
    collect::{Ear, Listener},
    demo::lockstep_order,
    nodes,
    spec::OperatorSpec,
    states::states_of,
};

/// Robot time between two looks at the stop flag.
const SLICE: Duration = Duration::from_secs(1);
/// Nothing is said of progress before this.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);

/// A state that was tried from.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Probe {
    tick: u64,
    seconds_before_end: f64,
    successes: u32,
    recovers: bool,
}

/// The answer; `--json` prints exactly this.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Answer {
    recording: String,
    episode: u64,
    verdict: &'static str,
    policy: String,
    rollouts: u32,
    /// States there are to choose from.
    states: usize,
    /// What the end is: `takeover` or `end`.
    end: &'static str,
    end_tick: u64,
    /// In the order of the attempt.
    probes: Vec<Probe>,
    /// The last state tried from which half of the rollouts or more succeed.
    rewind_to: Option<Probe>,
    /// No later state recovers where an earlier one does not, among those tried.
    monotone: bool,
}

pub(crate) fn run(options: &SuggestOptions) -> anyhow::Result<()> {
    let recording = Recording::open(&options.path)?;
    let found = states_of(&recording, options.episode)?;
    let (end, end_name) = stretch(&found, options.episode)?;
    let states: Vec<PlacedState> =
        found.states.iter().filter(|placed| placed.place.tick < end.tick).cloned().collect();
    if states.is_empty() {
        bail!("no states of the simulator were recorded before tick {}", end.tick);
    }
    let policy = match options.policy.clone() {
        Some(policy) => policy,
        None => recorded_policy(&recording, &found.policy)?,
    };
    let settings = settings(&found, policy, options)?;
    let stop = StopFlag::on_signals().context("cannot listen for Ctrl-C")?;
    let began = Clock::System.now();
    let probes = bisect(states.len(), options.rollouts, |index| {
        let successes = states.get(index).map_or(Ok(0), |placed| try_from(&settings, placed, &stop))?;
        if Clock::System.now().since(began) >= PATIENCE
            && let Some(placed) = states.get(index)
        {
            progress(placed.place, end, successes, options.rollouts);
        }
        anyhow::Ok(successes)
    })?;
    let answer = Answer {
        recording: options.path.display().to_string(),
        episode: options.episode,
        verdict: verdict(&found),
        policy: settings.policy.version(),
        rollouts: options.rollouts,
        states: states.len(),
        end: end_name,
        end_tick: end.tick,
        probes: probes.successes.keys().filter_map(|index| told(&probes, &states, *index, end)).collect(),
        rewind_to: probes.last().and_then(|index| told(&probes, &states, index, end)),
        monotone: probes.exception().is_none(),
    };
    let text = if options.json { serde_json::to_string(&answer)? + "\n" } else { answer.text() };
    Ok(stdout().write_all(text.as_bytes())?)
}

/// Up to where the policy was on its own: the takeover of an attempt that was rescued, else the end.
fn stretch(found: &EpisodeStates, episode: u64) -> anyhow::Result<(Place, &'static str)> {
    let succeeded = found.record.as_ref().is_some_and(|record| record.verdict() == Verdict::Success);
    match (succeeded, found.takeover) {
        (true, Some(takeover)) => Ok((takeover, "takeover")),
        (true, None) => bail!("episode {episode} succeeded without help: there is nothing to rewind"),
        (false, _) => Ok((found.end, "end")),
    }
}

fn verdict(found: &EpisodeStates) -> &'static str {
    match found.record.as_ref().map_or(Verdict::Unspecified, |record| record.verdict()) {
        Verdict::Success => "success",
        Verdict::Failure => "failure",
        Verdict::Discarded => "discarded",
        Verdict::Unspecified => "",
    }
}

/// The policy of that version. How large a defect was is not in its version, but on the command line that recorded it.
fn recorded_policy(recording: &Recording, version: &str) -> anyhow::Result<PolicySpec> {
    let words = recording.manifest().map_or(&[][..], |manifest| manifest.extras.command_line.as_slice());
    let after = words.windows(2).filter(|pair| pair[0] == "--policy").map(|pair| pair[1].as_str());
    let joined = words.iter().filter_map(|word| word.strip_prefix("--policy="));
    let defect =
        version.split_once('+').map_or("expert".to_owned(), |(_, defect)| format!("expert:{defect}"));
    let plain =
        Some(defect.as_str()).filter(|name| !["bias", "noise", "late"].iter().any(|of| name.ends_with(of)));
    let spec = after.chain(joined).chain(plain).filter_map(|text| text.parse::<PolicySpec>().ok());
    let spec = spec.into_iter().find(|spec| spec.version() == version);
    spec.with_context(|| {
        format!("the recording does not say how its policy {version:?} was started; say it with --policy")
    })
}

fn settings(found: &EpisodeStates, policy: PolicySpec, options: &SuggestOptions) -> anyhow::Result<Settings> {
    let Some(robot) = &found.robot else { bail!("the recording does not say which robot it is of") };
    if !robot.simulated {
        bail!("only the simulator can be put back to try again, and this is a recording of a robot");
    }
    let task = Task::by_name(&robot.task)?;
    let mut settings = Settings::simulated(&robot.robot, task, policy)?;
    settings.descriptor.clone_from(robot);
    settings.episodes = u64::from(options.rollouts);
    (settings.seed, settings.entropy) = (options.seed, options.seed);
    settings.auto_next = PAUSE;
    nodes::suit(&mut settings, &OperatorSpec::None);
    Ok(settings)
}

/// How many attempts that begin in this state succeed. The policy's noise goes on from one to the next.
fn try_from(settings: &Settings, placed: &PlacedState, stop: &StopFlag) -> anyhow::Result<u32> {
    let snapshot = Snapshot::from_bytes(&placed.state.state).context("a recorded state is too long")?;
    let state = StartState { name: format!("tick-{}", placed.place.tick), snapshot };
    let settings = Settings { start_states: vec![state], ..settings.clone() };
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
            bail!("stopped before all states were tried");
        }
        lockstep.run_until(lockstep.now() + SLICE)?;
    }
    lockstep.finish()?;
    let successes = ear.with(|heard| {
        heard.episodes.values().filter(|episode| episode.verdict() == Verdict::Success).count()
    });
    Ok(u32::try_from(successes)?)
}

#[expect(clippy::print_stderr, reason = "the person who waits is told what is done")]
fn progress(place: Place, end: Place, successes: u32, rollouts: u32) {
    let seconds = place.seconds_to(end);
    eprintln!("  tick {}, {seconds:.1} s before the end: {successes} of {rollouts} succeed", place.tick);
}

fn told(probes: &Probes, states: &[PlacedState], index: usize, end: Place) -> Option<Probe> {
    let place = states.get(index)?.place;
    Some(Probe {
        tick: place.tick,
        seconds_before_end: place.seconds_to(end),
        successes: *probes.successes.get(&index)?,
        recovers: probes.recovers(index),
    })
}

impl Answer {
    /// For people.
    fn text(&self) -> String {
        let verdict = if self.verdict.is_empty() { "no verdict" } else { self.verdict };
        let end = if self.end == "takeover" { "the takeover" } else { "the end" };
        let mut text = format!(
            "episode {}: {verdict}; {} states up to {end} at tick {}; {} tries each by {}\n    tick  before {end}  succeed\n",
            self.episode, self.states, self.end_tick, self.rollouts, self.policy
        );
        for probe in &self.probes {
            let _ = writeln!(
                text,
                "{:>8}  {:>w$.1} s  {} of {}",
                probe.tick,
                probe.seconds_before_end,
                probe.successes,
                self.rollouts,
                w = end.len() + 5
            );
        }
        match &self.rewind_to {
            Some(probe) => {
                let _ = writeln!(
                    text,
                    "rewind to tick {}, {:.1} s before {end}",
                    probe.tick, probe.seconds_before_end
                );
            }
            None => text.push_str(
                "the policy recovers from none of the states tried; begin again, or correct by hand\n",
            ),
        }
        if !self.monotone {
            text.push_str(
                "warning: from an earlier state it recovers less often than from a later one, so there may be better places than this\n",
            );
        }
        text
    }
}
