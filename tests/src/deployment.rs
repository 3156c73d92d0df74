//! Which deployment to run.

use std::path::Path;

use retake_deployment::{Protocol, Settings, StartState, Supervision};
use retake_node::Node;
use retake_recorder::{Recorder, RecorderConfig};
use retake_scripted::Script;
use retake_tasks::Task;
use retake_units::MonoTime;
use retake_wire::pb::Observation;

use crate::{Alteration, Run, Station, altered::Altered, sagging::Sagging};

/// A deployment to be started: a robot and a policy, with whoever supervises them.
pub struct Deployment {
    settings: Settings,
    operators: Vec<Box<dyn Node>>,
    recorder: Option<Box<dyn Node>>,
    sag: f64,
    alter: Option<Alteration>,
}

impl std::fmt::Debug for Deployment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deployment").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Stations speak this long after a tick and later, so that what they say arrives between two ticks.
const BETWEEN_TICKS: u64 = 7_000_000;

impl Deployment {
    /// One episode of `task` by `policy`, as on the command line; an operator must be heard.
    pub fn new(task: &str, policy: &str) -> Self {
        let task = Task::by_name(task).unwrap();
        let settings = Settings::simulated("arm", task, policy.parse().unwrap()).unwrap();
        let settings = Settings { seed: 1, ..settings };
        Self { settings, operators: Vec::new(), recorder: None, sag: 0.0, alter: None }
    }

    /// So many episodes.
    #[must_use]
    pub fn episodes(mut self, count: u64) -> Self {
        self.settings.episodes = count;
        self
    }

    /// From this start state on.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Each episode begins in one of these states.
    #[must_use]
    pub fn start_states(mut self, states: Vec<StartState>) -> Self {
        self.settings.start_states = states;
        self
    }

    /// With other nonces and sessions.
    #[must_use]
    pub fn entropy(mut self, entropy: u64) -> Self {
        self.settings.entropy = entropy;
        self
    }

    /// Every joint of the arm hangs this much below where it is held, radians.
    #[must_use]
    pub fn sagging(mut self, sag: f64) -> Self {
        self.sag = sag;
        self
    }

    /// The policy may drive while nobody is heard.
    #[must_use]
    pub fn unattended(mut self) -> Self {
        self.settings.supervision = Supervision::Optional;
        self
    }

    /// The task takes as long as it takes.
    #[must_use]
    pub fn no_time_limit(mut self) -> Self {
        self.settings.task.time_limit = 0.0;
        self
    }

    /// With a scripted operator. [`Script::Unattended`] also permits the policy to drive alone.
    #[must_use]
    pub fn script(mut self, script: Script) -> Self {
        if script == Script::Unattended {
            self.settings.supervision = Supervision::Optional;
        }
        let operator = self.settings.scripted(script, MonoTime::ZERO);
        self.operator(operator)
    }

    /// With an operator whose hands the test moves.
    #[must_use]
    pub fn station(self, station: &Station) -> Self {
        let count = self.operators.len() as u64;
        let first = MonoTime::from_nanos(BETWEEN_TICKS + count * 1_000_000);
        let session = 0x7e57 + count;
        self.operator(station.node(session, first))
    }

    /// With the monitor that calls when the policy stands still.
    #[must_use]
    pub fn monitored(self) -> Self {
        let monitor = self.settings.monitor(MonoTime::ZERO);
        self.operator(monitor)
    }

    /// Under this protocol.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.settings.protocol = protocol;
        self
    }

    /// With any other operator.
    #[must_use]
    pub fn operator(mut self, node: impl Node + 'static) -> Self {
        self.operators.push(Box::new(node));
        self
    }

    /// With a robot that does not say that it is simulated.
    #[must_use]
    pub fn real(mut self) -> Self {
        self.settings.descriptor.simulated = false;
        self
    }

    /// What the robot says is altered before anyone hears it.
    #[must_use]
    pub fn altered(mut self, alter: impl FnMut(MonoTime, &mut Observation) + Send + 'static) -> Self {
        self.alter = Some(Box::new(alter));
        self
    }

    /// Recorded under `name` in `dir`.
    #[must_use]
    pub fn recorded(mut self, dir: &Path, name: &str) -> Self {
        let mut config = RecorderConfig::lockstep(dir.to_owned(), name.to_owned(), "arm".parse().unwrap(), 7);
        config.writer.reserve_bytes = 4096;
        self.recorder = Some(Box::new(Recorder::inline(config).unwrap()));
        self
    }

    /// What its nodes are made with.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Starts it.
    pub fn start(self) -> Run {
        let (settings, start) = (self.settings, MonoTime::ZERO);
        let sim = Sagging { robot: settings.sim(start).unwrap(), sag: self.sag, unheard: false };
        let robot: Box<dyn Node> = match self.alter {
            Some(alter) => Box::new(Altered { robot: sim, alter }),
            None => Box::new(sim),
        };
        let mut nodes: Vec<Box<dyn Node>> =
            vec![robot, Box::new(settings.policy(start)), Box::new(settings.arbiter(start))];
        nodes.extend(self.operators);
        // Last, so that it hears everyone's last words.
        nodes.extend(self.recorder);
        Run::new(nodes)
    }
}
