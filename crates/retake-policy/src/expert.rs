//! The scripted expert: observations in, chunks out.

use std::{collections::VecDeque, time::Duration};

use retake_kinematics::{Chain, Model};
use retake_node::{Node, Outbox};
use retake_tasks::{Expert, PlanStep, Scene, Task};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{
        Applied, Beacon, GroupValues, Header, Notice, Observation, PolicyInfo, Proposal, ProposalStep,
        RobotDescriptor,
    },
};

use crate::{Defect, PolicySpec, defect::Wander};

/// What the expert depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpertConfig {
    /// What is wrong with it.
    pub defect: Defect,
    /// The task it was made for.
    pub task: Task,
    /// Identity of this run, and the seed of its noise: random in the field, fixed where runs are compared.
    pub session: u64,
}

/// Steps in a chunk, and how many are used before the next is computed.
const STEPS: usize = 16;
const REPLAN_AFTER: u64 = 8;
const ANNOUNCE_AGAIN: Duration = Duration::from_millis(500);
/// A defect that comes in spells begins this long after the episode's first proposal.
const SPELL_AFTER: Duration = Duration::from_millis(2500);

#[derive(Debug)]
struct Robot {
    descriptor: RobotDescriptor,
    chain: Chain,
}

/// When a defect that comes in spells shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spell {
    Ahead { since: MonoTime },
    On { epoch: u64 },
    Over,
}

/// The scripted expert as a policy node.
#[derive(Debug)]
pub struct ExpertPolicy {
    config: ExpertConfig,
    expert: Expert,
    wander: Wander,
    robot: Option<Robot>,
    applied: Option<Applied>,
    beacon: Beacon,
    seq: u64,
    chunk: u64,
    planned: Option<(u64, u64)>,
    episode: u64,
    spell: Spell,
    last: Option<Proposal>,
    late: VecDeque<(MonoTime, Proposal)>,
    announce_at: MonoTime,
}

impl ExpertPolicy {
    /// A policy that waits for a robot.
    pub fn new(config: ExpertConfig, start: MonoTime) -> Self {
        Self {
            expert: Expert::new(&config.task),
            wander: Wander::new(config.session),
            robot: None,
            applied: None,
            beacon: Beacon::default(),
            seq: 0,
            chunk: 0,
            planned: None,
            episode: 0,
            spell: Spell::Over,
            last: None,
            late: VecDeque::new(),
            announce_at: start,
            config,
        }
    }

    fn described(&mut self, descriptor: &RobotDescriptor, out: &mut Outbox) {
        if self.robot.as_ref().is_some_and(|robot| &robot.descriptor == descriptor) {
            return;
        }
        let chain = Model::from_urdf(&descriptor.urdf).and_then(|model| model.chain(&descriptor.tool_link));
        match chain {
            Ok(chain) if descriptor.task == self.config.task.name => {
                self.robot = Some(Robot { descriptor: descriptor.clone(), chain });
            }
            Ok(_) => {
                let text = format!(
                    "The policy was made for the task {:?}, but the robot is set up for {:?}; start both with the same task.",
                    self.config.task.name, descriptor.task
                );
                out.publish(notice("policy_wrong_task", text));
            }
            Err(error) => out.publish(notice("policy_bad_robot", error.to_string())),
        }
    }

    fn observed(&mut self, observation: &Observation, now: MonoTime, out: &mut Outbox) {
        let seq = observation.header.unwrap_or_default().seq;
        if observation.resets != self.episode {
            (self.episode, self.planned) = (observation.resets, None);
            self.spell = Spell::Ahead { since: now };
        }
        // A change of authority kills what was planned before it: answer at once.
        let due = self.planned.is_none_or(|(planned, epoch)| {
            seq.saturating_sub(planned) >= REPLAN_AFTER || epoch != self.beacon.epoch || seq < planned
        });
        // Without a beacon to answer to, nothing it says can be fresh.
        if !due || self.beacon.nonce == 0 {
            return;
        }
        let Some(proposal) = self.propose(observation, now) else { return };
        self.planned = Some((seq, self.beacon.epoch));
        if let Defect::Late { by } = self.config.defect {
            self.late.push_back((now + by, proposal));
        } else {
            out.publish(proposal);
        }
    }

    fn propose(&mut self, observation: &Observation, now: MonoTime) -> Option<Proposal> {
        let robot = self.robot.as_ref()?;
        let defect = self.config.defect;
        let scene = Scene::observed(&self.config.task, observation)?;
        let believed = defect.believe(&self.config.task, scene, self.episode);
        let measured = observation.position.first()?.values.clone();
        let applied = self.applied.as_ref().and_then(|applied| applied.position.first());
        let start = applied.map_or(measured, |applied| applied.values.clone());
        let dt = 1.0 / robot.descriptor.control_hz;
        let mut plan = self.expert.plan(&believed, &start, &robot.chain, STEPS, dt);
        if let Defect::Noise { radians } = defect {
            self.wander.disturb(&mut plan, radians);
        }
        let spell = self.spell_now(now);
        if spell && defect == Defect::Freeze {
            plan = vec![PlanStep { q: start, width: believed.width }; STEPS];
        }
        self.chunk += 1;
        let mut proposal = self.proposal(observation, &plan, dt);
        if spell {
            self.spoil(&mut proposal);
        }
        self.last = Some(proposal.clone());
        Some(proposal)
    }

    /// Whether a defect that comes in spells shows now: from some way into the episode until authority changes.
    fn spell_now(&mut self, now: MonoTime) -> bool {
        if !self.config.defect.is_spell() {
            return false;
        }
        let epoch = self.beacon.epoch;
        self.spell = match self.spell {
            Spell::Ahead { since } if now.since(since) >= SPELL_AFTER => Spell::On { epoch },
            Spell::On { epoch: began } if began != epoch => Spell::Over,
            Spell::Ahead { .. } | Spell::On { .. } | Spell::Over => self.spell,
        };
        matches!(self.spell, Spell::On { .. })
    }

    fn spoil(&self, proposal: &mut Proposal) {
        match (self.config.defect, &self.last) {
            (Defect::Nan, _) => {
                let value =
                    proposal.steps.first_mut().and_then(|step| step.groups.first_mut()?.values.first_mut());
                value.into_iter().for_each(|value| *value = f64::NAN);
            }
            (Defect::Short, _) => proposal.steps.iter_mut().for_each(|step| step.groups.truncate(1)),
            (Defect::Stale, Some(last)) => {
                let header = proposal.header;
                proposal.clone_from(last);
                proposal.header = header;
            }
            _ => {}
        }
    }

    fn proposal(&mut self, observation: &Observation, plan: &[PlanStep], dt: f64) -> Proposal {
        self.seq += 1;
        let step = |step: &PlanStep| ProposalStep {
            groups: vec![GroupValues { values: step.q.clone() }, GroupValues { values: vec![step.width] }],
        };
        let header = Header {
            epoch: self.beacon.epoch,
            seq: self.seq,
            beacon: self.beacon.nonce,
            sent_nanos: observation.captured_nanos,
            session: self.config.session,
        };
        Proposal {
            header: Some(header),
            version: PolicySpec::from(self.config.defect).version(),
            chunk: self.chunk,
            observation_seq: observation.header.unwrap_or_default().seq,
            observation_nanos: observation.captured_nanos,
            #[expect(clippy::cast_possible_truncation, reason = "a control period in nanoseconds")]
            period_nanos: (dt * 1e9).round() as i64,
            steps: plan.iter().map(step).collect(),
        }
    }
}

pub(crate) fn notice(code: &str, text: String) -> Notice {
    Notice { tick: 0, code: code.into(), text, source: "policy".into() }
}

impl Node for ExpertPolicy {
    fn name(&self) -> &'static str {
        "policy"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Descriptor, Topic::Observation, Topic::Applied, Topic::Beacon]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Proposal, Topic::PolicyInfo, Topic::Notice]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only subscribed topics arrive")]
    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        match message {
            Message::Descriptor(descriptor) => self.described(descriptor, out),
            Message::Observation(observation) => self.observed(observation, now, out),
            Message::Applied(applied) => self.applied = Some(applied.clone()),
            Message::Beacon(beacon) => self.beacon = *beacon,
            _ => {}
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        if now >= self.announce_at {
            self.announce_at = now + ANNOUNCE_AGAIN;
            out.publish(PolicyInfo {
                version: PolicySpec::from(self.config.defect).version(),
                name: "expert".into(),
                task: self.config.task.name.clone(),
                session: self.config.session,
            });
        }
        while self.late.front().is_some_and(|(due, _)| *due <= now) {
            out.publish(self.late.pop_front().map(|(_, proposal)| proposal).unwrap_or_default());
        }
    }

    fn next_wake(&self) -> Option<MonoTime> {
        let late = self.late.front().map(|(due, _)| *due);
        Some(late.map_or(self.announce_at, |due| due.min(self.announce_at)))
    }
}
