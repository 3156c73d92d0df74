//! The simulated robot as a node: a driver like any other, commanded only through the gate.

use std::time::Duration;

use retake_gate::{Gate, GateConfig};
use retake_node::{Node, Outbox};
use retake_tasks::{Hold, Task};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{Applied, Command, GroupValues, Header, Notice, Observation, Reset, RobotDescriptor},
};

use crate::{SimError, World, descriptor::wire_pose};

const DESCRIBE_AGAIN: Duration = Duration::from_millis(500);
/// Further behind than this, lost time is given up instead of being made up for.
const GIVE_UP: u32 = 10;

/// The simulator node.
pub struct SimNode {
    world: World,
    descriptor: RobotDescriptor,
    gate: Gate,
    hold: Hold,
    period: Duration,
    next: MonoTime,
    described: Option<MonoTime>,
    nonce: u64,
    session: u64,
    seq: u64,
    resets: u64,
}

impl std::fmt::Debug for SimNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimNode")
            .field("resets", &self.resets)
            .field("seq", &self.seq)
            .finish_non_exhaustive()
    }
}

impl SimNode {
    /// The robot of `descriptor` at its home, in a scene of `task`, whose first period begins at `start`.
    ///
    /// `nonce_seed` is random in the field and fixed where runs are compared.
    ///
    /// # Errors
    /// What [`World::new`] says.
    pub fn new(
        descriptor: RobotDescriptor,
        task: &Task,
        nonce_seed: u64,
        start: MonoTime,
    ) -> Result<Self, SimError> {
        let world = World::new(task, 0)?;
        let period = Duration::from_secs_f64(1.0 / descriptor.control_hz);
        let gate = Gate::new(GateConfig::from_descriptor(&descriptor), home(task));
        Ok(Self {
            world,
            gate,
            descriptor,
            hold: Hold::default(),
            period,
            next: start,
            described: None,
            nonce: nonce_seed,
            session: nonce_seed ^ 0x5349_4d00,
            seq: 0,
            resets: 0,
        })
    }

    fn reset(&mut self, reset: &Reset, out: &mut Outbox) {
        if reset.resets <= self.resets {
            return;
        }
        match self.world.reset(reset.seed) {
            Ok(()) => {
                self.resets = reset.resets;
                self.hold = Hold::default();
                self.gate.rest_at(home(self.world.task()));
            }
            Err(error) => out.publish(fault(&error)),
        }
    }

    fn command(&mut self, command: &Command, now: MonoTime, out: &mut Outbox) {
        let applied: Applied = self.gate.offer(command, now);
        out.publish(applied);
    }

    /// Moves the world by one period towards the gate's set-point.
    fn advance(&mut self) -> Result<(), SimError> {
        if let [arm, gripper] = self.gate.set_point() {
            self.world.set_command(arm, gripper.first().copied().unwrap_or_default())?;
        }
        self.world.step(self.period.as_secs_f64())
    }

    fn observation(&mut self, now: MonoTime) -> Observation {
        let state = self.world.state();
        self.seq += 1;
        self.nonce = self.nonce.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let driver_beacon = (self.nonce ^ (self.nonce >> 29)).max(1);
        self.gate.issue(driver_beacon, now);
        let scene = self.world.scene();
        let values = |arm: &[f64], gripper: f64| {
            vec![GroupValues { values: arm.to_vec() }, GroupValues { values: vec![gripper] }]
        };
        Observation {
            header: Some(Header {
                seq: self.seq,
                sent_nanos: now.wire_nanos(),
                session: self.session,
                ..Header::default()
            }),
            captured_nanos: now.wire_nanos(),
            position: values(&state.q, state.width),
            velocity: values(&state.dq, state.width_velocity),
            tool: Some(wire_pose(&state.tool)),
            objects: state.objects.iter().map(wire_pose).collect(),
            grip_force: state.grip_force,
            driver_beacon,
            resets: self.resets,
            stage: u32::try_from(self.world.task().stage(&scene).index).unwrap_or(u32::MAX),
            success: self.hold.update(self.world.task(), &scene, state.time),
            contact_force: 0.0,
        }
    }
}

fn home(task: &Task) -> Vec<Vec<f64>> {
    vec![task.home.joints.clone(), vec![task.home.width]]
}

fn fault(error: &SimError) -> Notice {
    Notice { tick: 0, code: "sim_fault".into(), text: error.to_string(), source: "sim".into() }
}

impl Node for SimNode {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Command, Topic::Reset]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Descriptor, Topic::Observation, Topic::Applied, Topic::Notice]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only subscribed topics arrive")]
    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        match message {
            Message::Command(command) => self.command(command, now, out),
            Message::Reset(reset) => self.reset(reset, out),
            _ => {}
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        if self.described.is_none_or(|at| now.since(at) >= DESCRIBE_AGAIN) {
            self.described = Some(now);
            out.publish(self.descriptor.clone());
        }
        if let Some(applied) = self.gate.watch(now) {
            out.publish(applied);
        }
        if let Err(error) = self.advance() {
            out.publish(fault(&error));
        }
        let observation = self.observation(now);
        out.publish(observation);
        self.next = self.next + self.period;
        if now.since(self.next) > self.period * GIVE_UP {
            self.next = now + self.period;
        }
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}
