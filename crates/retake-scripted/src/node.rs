//! The node that runs a script.

use std::time::Duration;

use retake_node::{Echo, Node, Outbox};
use retake_tasks::{Expert, Scene, Task};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{Act, Observation, OperatorInput, Phase, Status},
};

pub use crate::drive::Speeds;
use crate::{
    Script,
    drive::{Hand, towards},
    supervisor::{Answer, Supervisor},
};

/// What a scripted operator depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptedConfig {
    /// Which script.
    pub script: Script,
    /// The task it supervises.
    pub task: Task,
    /// Tool speeds at full deflection.
    pub speeds: Speeds,
    /// Identity of this run: random in the field, fixed where runs are compared.
    pub session: u64,
}

/// Inputs are sent at this period, whether or not anything changed, like a gamepad's.
const PERIOD: Duration = Duration::from_millis(20);
/// The absent operator leaves this long after the policy has begun.
const LEAVES_AFTER: Duration = Duration::from_secs(1);
const PRESS_AGAIN: Duration = Duration::from_millis(700);

/// A scripted operator as a node.
#[derive(Debug)]
pub struct ScriptedOperator {
    config: ScriptedConfig,
    expert: Expert,
    supervisor: Supervisor,
    echo: Echo,
    status: Option<Status>,
    observation: Option<Observation>,
    next: MonoTime,
    pressed_at: Option<MonoTime>,
    running_since: Option<MonoTime>,
}

impl ScriptedOperator {
    /// An operator whose first input is at `start`.
    pub fn new(config: ScriptedConfig, start: MonoTime) -> Self {
        Self {
            expert: Expert::new(&config.task),
            supervisor: Supervisor::new(),
            echo: Echo::new(config.session),
            status: None,
            observation: None,
            next: start,
            pressed_at: None,
            running_since: None,
            config,
        }
    }

    fn answer(&mut self, now: MonoTime) -> Answer {
        let idle = Answer { hand: Hand::default(), resume: false };
        let (Some(status), Some(observation)) = (&self.status, &self.observation) else { return idle };
        let Some(scene) = Scene::observed(&self.config.task, observation) else { return idle };
        let goal = self.expert.goal(&scene);
        let ready = status.phase() == Phase::Ready;
        match self.config.script {
            Script::Supervisor => self.supervisor.act(status, &scene, &goal, self.config.speeds, now),
            Script::Demonstrator => {
                // One idle input arms the clutch before it is pressed.
                let drives = status.phase() == Phase::Running || (ready && !status.needs_release);
                let hand = towards(&goal, &scene.tool, scene.width, self.config.speeds);
                Answer { hand: if drives { hand } else { Hand::default() }, resume: false }
            }
            Script::Absent | Script::Unattended => {
                let resume = ready && self.pressed_at.is_none_or(|at| now.since(at) >= PRESS_AGAIN);
                if resume {
                    self.pressed_at = Some(now);
                }
                Answer { hand: Hand::default(), resume }
            }
        }
    }

    /// The absent operator has left the room.
    fn gone(&self, now: MonoTime) -> bool {
        self.config.script == Script::Absent
            && self.running_since.is_some_and(|since| now.since(since) >= LEAVES_AFTER)
    }

    fn input(&mut self, answer: &Answer, now: MonoTime) -> OperatorInput {
        let Hand { clutch, rewind, twist, gripper } = answer.hand;
        OperatorInput {
            header: Some(self.echo.header(now)),
            operator: self.config.script.operator().into(),
            device: "script".into(),
            clutch,
            rewind,
            valid: true,
            twist: twist.to_vec(),
            gripper,
            acts: if answer.resume { vec![Act::Resume.into()] } else { Vec::new() },
            ..OperatorInput::default()
        }
    }
}

impl Node for ScriptedOperator {
    fn name(&self) -> &'static str {
        "operator"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Beacon, Topic::Status, Topic::Observation]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Input]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only subscribed topics arrive")]
    fn receive(&mut self, now: MonoTime, message: &Message, _: &mut Outbox) {
        match message {
            Message::Beacon(beacon) => self.echo.hear(beacon),
            Message::Observation(observation) => self.observation = Some(observation.clone()),
            Message::Status(status) => {
                let running = status.phase() == Phase::Running;
                self.running_since = running.then(|| self.running_since.unwrap_or(now));
                self.status = Some(status.clone());
            }
            _ => {}
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.next = self.next + PERIOD;
        if self.next <= now {
            self.next = now + PERIOD;
        }
        if self.gone(now) || !self.echo.heard() {
            return;
        }
        let answer = self.answer(now);
        out.publish(self.input(&answer, now));
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}
