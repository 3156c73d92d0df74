//! One node for whichever policy it is.

use retake_node::{Node, Outbox};
use retake_tasks::Task;
use retake_units::MonoTime;
use retake_wire::{Message, Topic};

use crate::{ExpertConfig, ExpertPolicy, LearntPolicy, PolicySpec};

/// What the policy node depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyConfig {
    /// Which policy.
    pub spec: PolicySpec,
    /// The task it was made for.
    pub task: Task,
    /// Identity of this run, and the seed of its noise: random in the field, fixed where runs are compared.
    pub session: u64,
}

/// The policy node.
#[derive(Debug)]
pub enum PolicyNode {
    /// The scripted expert.
    Expert(Box<ExpertPolicy>),
    /// A trained policy.
    Learnt(Box<LearntPolicy>),
}

impl PolicyNode {
    /// A policy that waits for a robot.
    pub fn new(config: PolicyConfig, start: MonoTime) -> Self {
        let PolicyConfig { spec, task, session } = config;
        match spec {
            PolicySpec::Expert(defect) => {
                Self::Expert(Box::new(ExpertPolicy::new(ExpertConfig { defect, task, session }, start)))
            }
            PolicySpec::Learnt(dir) => Self::Learnt(Box::new(LearntPolicy::new(&dir, session, start))),
        }
    }

    fn node(&self) -> &dyn Node {
        match self {
            Self::Expert(node) => node.as_ref(),
            Self::Learnt(node) => node.as_ref(),
        }
    }

    fn node_mut(&mut self) -> &mut dyn Node {
        match self {
            Self::Expert(node) => node.as_mut(),
            Self::Learnt(node) => node.as_mut(),
        }
    }
}

impl Node for PolicyNode {
    fn name(&self) -> &str {
        self.node().name()
    }

    fn subscriptions(&self) -> &[Topic] {
        self.node().subscriptions()
    }

    fn publications(&self) -> &[Topic] {
        self.node().publications()
    }

    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        self.node_mut().receive(now, message, out);
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.node_mut().wake(now, out);
    }

    fn next_wake(&self) -> Option<MonoTime> {
        self.node().next_wake()
    }
}
