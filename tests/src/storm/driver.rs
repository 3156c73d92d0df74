//! A robot without physics: it is where it was told to be, a moment later.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use retake_deployment::Settings;
use retake_gate::{Gate, GateConfig};
use retake_kinematics::{Chain, Model};
use retake_model::Random;
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{Command, GroupValues, Header, Observation, Pose, RobotDescriptor},
};

use super::{Judge, TICK, locked};

/// Share of the way to the set-point that the robot makes in a period.
const FOLLOWS: f64 = 0.6;
const DESCRIBE_AGAIN: Duration = Duration::from_millis(500);

pub(super) struct Driver {
    robot: RobotDescriptor,
    home: Vec<Vec<f64>>,
    chain: Chain,
    gate: Gate,
    judge: Arc<Mutex<Judge>>,
    random: Random,
    measured: Vec<Vec<f64>>,
    next: MonoTime,
    described: Option<MonoTime>,
    header: Header,
    resets: u64,
}

impl Driver {
    pub(super) fn new(settings: &Settings, judge: Arc<Mutex<Judge>>, seed: u64) -> Self {
        let robot = settings.descriptor.clone();
        let home = vec![settings.task.home.joints.clone(), vec![settings.task.home.width]];
        let chain = Model::from_urdf(&robot.urdf).unwrap().chain(&robot.tool_link).unwrap();
        let mut random = Random::new(seed);
        Self {
            gate: Gate::new(GateConfig::from_descriptor(&robot), home.clone()),
            header: Header { session: random.next(), ..Header::default() },
            measured: home.clone(),
            robot,
            home,
            chain,
            judge,
            random,
            next: MonoTime::ZERO,
            described: None,
            resets: 0,
        }
    }

    fn command(&mut self, command: &Command, now: MonoTime, out: &mut Outbox) {
        let before = self.gate.set_point().to_vec();
        let applied = self.gate.offer(command, now);
        locked(&self.judge).offered(command, &applied, (&before, self.gate.set_point()), now);
        out.publish(applied);
    }

    fn observation(&mut self, now: MonoTime) -> Observation {
        let mut velocity = self.measured.clone();
        for ((is, set), speed) in self.measured.iter_mut().zip(self.gate.set_point()).zip(&mut velocity) {
            for ((is, set), speed) in is.iter_mut().zip(set).zip(speed) {
                *speed = FOLLOWS * (set - *is) / TICK.as_secs_f64();
                *is += FOLLOWS * (set - *is);
            }
        }
        self.header = Header { seq: self.header.seq + 1, sent_nanos: now.wire_nanos(), ..self.header };
        let nonce = self.random.next().max(1);
        self.gate.issue(nonce, now);
        locked(&self.judge).issued(nonce, now);
        let tool = self.chain.forward(&self.measured[0]);
        let (at, turn) = (tool.translation.vector, tool.rotation.coords);
        let wired = |values: &[Vec<f64>]| values.iter().map(|v| GroupValues { values: v.clone() }).collect();
        Observation {
            header: Some(self.header),
            captured_nanos: now.wire_nanos(),
            position: wired(&self.measured),
            velocity: wired(&velocity),
            tool: Some(Pose { x: at.x, y: at.y, z: at.z, qx: turn.x, qy: turn.y, qz: turn.z, qw: turn.w }),
            driver_beacon: nonce,
            resets: self.resets,
            ..Observation::default()
        }
    }
}

impl Node for Driver {
    fn name(&self) -> &'static str {
        "driver"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Command, Topic::Reset]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Descriptor, Topic::Observation, Topic::Applied]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only subscribed topics arrive")]
    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        match message {
            Message::Command(command) => self.command(command, now, out),
            Message::Reset(reset) if reset.resets > self.resets => {
                self.resets = reset.resets;
                out.publish(self.gate.rest_at(self.home.clone(), now));
                self.measured.clone_from(&self.home);
            }
            _ => {}
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        if self.described.is_none_or(|at| now.since(at) >= DESCRIBE_AGAIN) {
            self.described = Some(now);
            out.publish(self.robot.clone());
        }
        if let Some(applied) = self.gate.watch(now) {
            out.publish(applied);
        }
        let observation = self.observation(now);
        out.publish(observation);
        self.next = now + TICK;
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}
