//! One attempt at the task, as it is recorded: a demonstration, a supervised deployment, or a policy alone.

use rand_chacha::ChaCha8Rng;
use retake_labels::{Class, Label, Rule, Step, label};
use retake_wire::pb::SegmentKind;
use serde::{Deserialize, Serialize};

use crate::expert::{lead, recover, recovered, unsteady};
use crate::random::{Key, Purpose, stream};
use crate::supervisor::{Supervisor, passed};
use crate::task::{ACTIONS, Insertion, OBSERVATIONS, RATE, SPEED, Stage, narrow};

/// Nearer than this to a place on its way, the tool has come back to it, metres.
const BACK_AT: f64 = 0.01;

/// What an operator does with a robot that was taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rules {
    /// Corrects until the bottleneck is passed, and gives the robot back (Sirius, IWR, HG-DAgger).
    #[default]
    Free,
    /// Recovers to where the policy knows its way, corrects until the bottleneck is passed, and ends the episode (RaC).
    Rac,
    /// Leaves nothing to the policy: whole demonstrations for the same number of human steps, as a control.
    Demonstrate,
}

/// How a deployment is supervised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Supervision {
    /// Steps of trouble before the operator acts.
    pub(crate) delay: usize,
    /// What the operator then does.
    pub(crate) rules: Rules,
    /// Whether the robot first goes back along its path.
    pub(crate) rewind: bool,
    /// Standard deviation of the hand's noise, as a share of full speed.
    pub(crate) noise: f64,
}

/// One recorded step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Recorded {
    /// What was seen.
    pub(crate) observation: [f32; OBSERVATIONS],
    /// What was then done.
    pub(crate) action: [f32; ACTIONS],
    /// Who did it, and what for.
    pub(crate) kind: SegmentKind,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The tool is in the hole.
    Success,
    /// The time was up.
    Late,
    /// The operator ended it after a correction, as RaC has it.
    Corrected,
}

/// An attempt that is over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attempt {
    /// Its steps.
    pub(crate) steps: Vec<Recorded>,
    /// How it ended.
    pub(crate) ending: Ending,
}

impl Attempt {
    /// What its steps are examples of.
    pub(crate) fn labels(&self, rule: &Rule) -> Vec<Label> {
        let evidence = |(tick, step): (i64, &Recorded)| Step {
            at_nanos: tick * (1_000_000_000 / i64::from(RATE)),
            kind: step.kind,
        };
        label(&(0..).zip(&self.steps).map(evidence).collect::<Vec<_>>(), rule)
    }

    /// Steps with a human's hand on the robot.
    pub(crate) fn human_steps(&self) -> u64 {
        let by_hand = |step: &&Recorded| {
            let class = Class::of_segment(step.kind);
            class.is_intervention() || class == Class::Demo
        };
        self.steps.iter().filter(by_hand).map(|_| 1).sum()
    }

    /// It succeeded, and no human took over.
    pub(crate) fn untouched_success(&self) -> bool {
        let touched = |step: &Recorded| Class::of_segment(step.kind).is_intervention();
        self.ending == Ending::Success && !self.steps.iter().any(touched)
    }
}

/// Who drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Driver {
    Policy,
    /// The operator, who took over at this stage and does this there.
    Operator(Stage, Act),
    Demonstrator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Rewind,
    Recover,
    Correct,
}

/// An attempt under way.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    world: Insertion,
    supervisor: Option<(Supervisor, Supervision)>,
    driver: Driver,
    hand: ChaCha8Rng,
    noise: f64,
    path: Vec<[f64; 2]>,
    steps: Vec<Recorded>,
    ending: Option<Ending>,
}

impl Running {
    fn new(key: Key, driver: Driver, noise: f64) -> Self {
        Self {
            world: Insertion::of(key),
            supervisor: None,
            driver,
            hand: stream(key, Purpose::Hand),
            noise,
            path: Vec::new(),
            steps: Vec::new(),
            ending: None,
        }
    }

    /// A policy alone.
    pub(crate) fn alone(key: Key) -> Self {
        Self::new(key, Driver::Policy, 0.0)
    }

    /// A policy and a supervisor.
    pub(crate) fn supervised(key: Key, supervision: Supervision) -> Self {
        let mut running = Self::new(key, Driver::Policy, supervision.noise);
        let supervisor = Supervisor::new(supervision.delay, &running.world);
        running.supervisor = Some((supervisor, supervision));
        running
    }

    /// What the policy sees, while the attempt goes on.
    pub(crate) fn sees(&self) -> Option<[f32; OBSERVATIONS]> {
        self.ending.is_none().then(|| self.world.observe())
    }

    /// The attempt, once it is over.
    pub(crate) fn over(self) -> Option<Attempt> {
        self.ending.map(|ending| Attempt { steps: self.steps, ending })
    }

    /// Goes on by one step, in which the policy would do `proposal`.
    pub(crate) fn step(&mut self, proposal: [f64; ACTIONS]) {
        if self.ending.is_some() {
            return;
        }
        self.decide();
        let (action, kind) = self.action(proposal);
        let observation = self.world.observe();
        if kind != SegmentKind::Rewind {
            self.path.push(self.world.tool());
        }
        self.steps.push(Recorded { observation, action: action.map(narrow), kind });
        self.world.step(action);
        self.conclude();
    }

    /// Who drives the next step.
    fn decide(&mut self) {
        let Some((supervisor, supervision)) = &mut self.supervisor else { return };
        if self.driver == Driver::Policy && supervisor.watch(&self.world) {
            let first = if supervision.rewind { Act::Rewind } else { Act::Recover };
            self.driver = Driver::Operator(self.world.stage(), first);
        }
        if let Driver::Operator(stage, Act::Rewind) = self.driver
            && (recovered(&self.world) || !self.leads_back())
        {
            self.driver = Driver::Operator(stage, Act::Recover);
        }
        let recovers = self.supervisor.as_ref().is_some_and(|(_, how)| how.rules == Rules::Rac);
        if let Driver::Operator(stage, Act::Recover) = self.driver
            && (!recovers || recovered(&self.world))
        {
            self.driver = Driver::Operator(stage, Act::Correct);
        }
    }

    /// Forgets the places of the path that the tool is back at. False if none are left.
    fn leads_back(&mut self) -> bool {
        let [x, y] = self.world.tool();
        while self.path.last().is_some_and(|place| (place[0] - x).hypot(place[1] - y) < BACK_AT) {
            self.path.pop();
        }
        !self.path.is_empty()
    }

    fn action(&mut self, proposal: [f64; ACTIONS]) -> ([f64; ACTIONS], SegmentKind) {
        let (wish, kind) = match self.driver {
            Driver::Policy => return (proposal.map(|value| value.clamp(-1.0, 1.0)), SegmentKind::Policy),
            Driver::Operator(_, Act::Rewind) => return (self.back(), SegmentKind::Rewind),
            Driver::Operator(_, Act::Recover) => (recover(&self.world), SegmentKind::Recovery),
            Driver::Operator(_, Act::Correct) => (lead(&self.world), SegmentKind::Correction),
            Driver::Demonstrator => (lead(&self.world), SegmentKind::Demo),
        };
        (unsteady(wish, self.noise, &mut self.hand), kind)
    }

    /// Towards the last place of the path, no faster than the tool can. It is tried once: a jammed tool cannot get to a place beside
    /// it, but to those further back.
    fn back(&mut self) -> [f64; ACTIONS] {
        let [x, y] = self.world.tool();
        let place = self.path.pop().unwrap_or([x, y]);
        [(place[0] - x) / SPEED, (place[1] - y) / SPEED].map(|value| value.clamp(-1.0, 1.0))
    }

    /// Whether it is over, and whether the policy gets the robot back.
    fn conclude(&mut self) {
        if self.world.succeeded() {
            self.ending = Some(Ending::Success);
        } else if let (Driver::Operator(stage, Act::Correct), Some((supervisor, supervision))) =
            (self.driver, &mut self.supervisor)
            && passed(stage, &self.world)
        {
            if supervision.rules == Rules::Rac {
                self.ending = Some(Ending::Corrected);
            } else {
                supervisor.resume(&self.world);
                self.driver = Driver::Policy;
            }
        }
        if self.ending.is_none() && self.world.expired() {
            self.ending = Some(Ending::Late);
        }
    }
}

/// A whole demonstration.
pub(crate) fn demonstrate(key: Key, noise: f64) -> Attempt {
    let mut running = Running::new(key, Driver::Demonstrator, noise);
    while running.ending.is_none() {
        running.step([0.0; ACTIONS]);
    }
    Attempt { steps: running.steps, ending: running.ending.unwrap_or(Ending::Late) }
}
