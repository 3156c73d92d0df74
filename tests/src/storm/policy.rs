//! A policy that wants anything, and sometimes what cannot be.

use retake_model::Random;
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{Beacon, GroupValues, Header, Proposal, ProposalStep, RobotDescriptor},
};

const STEPS: usize = 16;
const AGAIN: u64 = 8;

pub(super) struct Policy {
    robot: RobotDescriptor,
    random: Random,
    beacon: Beacon,
    position: Vec<Vec<f64>>,
    session: u64,
    seq: u64,
    planned: (u64, u64),
    silent: u64,
}

impl Policy {
    pub(super) fn new(robot: &RobotDescriptor, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let session = random.next();
        Self {
            robot: robot.clone(),
            random,
            beacon: Beacon::default(),
            position: Vec::new(),
            session,
            seq: 0,
            planned: (0, 0),
            silent: 0,
        }
    }

    /// Each joint goes somewhere at some speed; the gripper always opens.
    fn steps(&mut self) -> Vec<ProposalStep> {
        let leap = if self.random.one_in(60) { 0.8 } else { 0.0 };
        let mut speeds = Vec::new();
        for group in &self.robot.groups {
            let arm = group.lower.len() > 1;
            let speed = |fastest: &f64| if arm { self.random.signed() * fastest } else { fastest.abs() };
            speeds.push(group.velocity.iter().map(speed).collect::<Vec<f64>>());
        }
        let dt = 1.0 / self.robot.control_hz;
        let at = |step: usize, group: usize| {
            let limits = &self.robot.groups[group];
            let moved = self.position[group].iter().zip(&speeds[group]).enumerate();
            let values = moved.map(|(index, (from, speed))| {
                let to = from + speed * (dt * (step + 1) as f64 * 0.5 + leap);
                to.clamp(limits.lower[index], limits.upper[index])
            });
            GroupValues { values: values.collect() }
        };
        (0..STEPS).map(|step| ProposalStep { groups: vec![at(step, 0), at(step, 1)] }).collect()
    }

    fn spoil(&mut self, proposal: &mut Proposal) {
        let header = proposal.header.as_mut().unwrap();
        match self.random.below(200) {
            0 => proposal.steps[3].groups[0].values[2] = f64::NAN,
            1 => proposal.steps[0].groups[1].values[0] = f64::INFINITY,
            2 => proposal.steps[1].groups.truncate(1),
            3 => proposal.steps.clear(),
            4..=6 => header.epoch = header.epoch.saturating_sub(1 + self.random.below(3)),
            7 => header.epoch += 1,
            8..=10 => header.seq = header.seq.saturating_sub(2),
            11 => proposal.observation_seq += 100,
            12..=13 => proposal.observation_seq = proposal.observation_seq.saturating_sub(30),
            14 => proposal.period_nanos = 0,
            15 => header.beacon ^= 1,
            16 => self.silent = self.random.below(60),
            _ => {}
        }
    }
}

impl Node for Policy {
    fn name(&self) -> &'static str {
        "policy"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Observation, Topic::Applied, Topic::Beacon]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Proposal]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only subscribed topics arrive")]
    fn receive(&mut self, _: MonoTime, message: &Message, out: &mut Outbox) {
        match message {
            Message::Beacon(beacon) => self.beacon = *beacon,
            Message::Applied(applied) => {
                self.position = applied.position.iter().map(|group| group.values.clone()).collect();
            }
            Message::Observation(observation) if self.silent == 0 => {
                let seen = observation.header.unwrap_or_default().seq;
                let due = seen >= self.planned.0 + AGAIN || self.planned.1 != self.beacon.epoch;
                if !due || self.beacon.nonce == 0 || self.position.len() != 2 {
                    return;
                }
                self.planned = (seen, self.beacon.epoch);
                self.seq += 1;
                let header = Header {
                    epoch: self.beacon.epoch,
                    seq: self.seq,
                    beacon: self.beacon.nonce,
                    session: self.session,
                    ..Header::default()
                };
                let mut proposal = Proposal {
                    header: Some(header),
                    version: "storm".into(),
                    chunk: self.seq,
                    observation_seq: seen,
                    period_nanos: 20_000_000,
                    steps: self.steps(),
                    ..Proposal::default()
                };
                self.spoil(&mut proposal);
                out.publish(proposal);
            }
            Message::Observation(_) => self.silent -= 1,
            _ => {}
        }
    }

    fn wake(&mut self, _: MonoTime, _: &mut Outbox) {}

    fn next_wake(&self) -> Option<MonoTime> {
        None
    }
}
