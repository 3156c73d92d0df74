//! The simulated robot as a node: a driver like any other, commanded only through the gate.

use std::time::Duration;

use retake_gate::{Gate, GateConfig, Outcome};
use retake_node::{Node, Outbox};
use retake_tasks::Task;
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{Applied, Command, GroupValues, Header, Notice, Observation, Reset, RobotDescriptor, SimState},
};

use crate::{
    SimError, Snapshot, StartState, World,
    descriptor::wire_pose,
    named::Named,
    past::{PAST_BYTES, Past},
};

const DESCRIBE_AGAIN: Duration = Duration::from_millis(500);
/// Further behind than this, lost time is given up instead of being made up for.
const GIVE_UP: u32 = 10;
/// Observations from one snapshot to the next.
const SNAPSHOT_EVERY: u64 = 10;
/// Seconds from one published state to the next; a little less than a second, which is not a whole number of periods.
const PUBLISH_EVERY: f64 = 0.999;

/// The simulator node.
pub struct SimNode {
    world: World,
    descriptor: RobotDescriptor,
    gate: Gate,
    past: Past,
    named: Named,
    period: Duration,
    next: MonoTime,
    described: Option<MonoTime>,
    nonce: u64,
    session: u64,
    seq: u64,
    resets: u64,
    /// Number of the last request that was refused, which is told once.
    refused: u64,
    /// Observation of the last snapshot and that of the last published state; none from a reset to the first command after it.
    snapshot: Option<u64>,
    published: Option<u64>,
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
    /// `states` can be started in by name. `nonce_seed` is random in the field and fixed where runs are compared.
    ///
    /// # Errors
    /// What [`World::new`] says, or what is wrong with one of the states.
    pub fn new(
        descriptor: RobotDescriptor,
        task: &Task,
        states: &[StartState],
        nonce_seed: u64,
        start: MonoTime,
    ) -> Result<Self, SimError> {
        let world = World::new(task, 0)?;
        let named = Named::new(states, &world)?;
        let period = Duration::from_secs_f64(1.0 / descriptor.control_hz);
        let gate = Gate::new(GateConfig::from_descriptor(&descriptor), set_point(&world));
        Ok(Self {
            world,
            gate,
            descriptor,
            past: Past::new(PAST_BYTES),
            named,
            period,
            next: start,
            described: None,
            nonce: nonce_seed,
            session: nonce_seed ^ 0x5349_4d00,
            seq: 0,
            resets: 0,
            refused: 0,
            snapshot: None,
            published: None,
        })
    }

    fn reset(&mut self, reset: &Reset, now: MonoTime, out: &mut Outbox) {
        if !reset.save_as.is_empty() {
            return self.save(&reset.save_as, out);
        }
        if reset.resets <= self.resets {
            return;
        }
        match self.put_back(reset) {
            Ok(()) => {
                self.resets = reset.resets;
                (self.snapshot, self.published) = (None, None);
                // Whoever commands must know from where: a hand that holds something is commanded shut further than it is.
                out.publish(self.gate.rest_at(set_point(&self.world), now));
            }
            Err(error) if self.refused != reset.resets => {
                self.refused = reset.resets;
                out.publish(notice("reset_refused", error.to_string()));
            }
            Err(_) => {}
        }
    }

    /// Nothing changes unless all of it does.
    fn put_back(&mut self, reset: &Reset) -> Result<(), SimError> {
        let (seq, newest) = (reset.restore_seq, self.seq);
        if seq > newest {
            return Err(SimError::NoSuchObservation { seq, newest });
        }
        if seq > 0 {
            let forgotten = SimError::Forgotten { seq, oldest: self.past.oldest(), newest };
            return self.world.restore(self.past.at(seq).ok_or(forgotten)?);
        }
        if !reset.start_state.is_empty() {
            return self.world.restore(self.named.get(&reset.start_state)?);
        }
        self.world.reset(reset.seed)
    }

    fn save(&mut self, name: &str, out: &mut Outbox) {
        let saved = self.world.snapshot().and_then(|snapshot| {
            self.named.save(name, snapshot.clone())?;
            Ok(snapshot)
        });
        match saved {
            Ok(snapshot) => out.publish(self.state(&snapshot, name)),
            Err(error) => out.publish(notice("save_refused", error.to_string())),
        }
    }

    fn state(&self, snapshot: &Snapshot, name: &str) -> SimState {
        SimState {
            observation_seq: self.seq,
            resets: self.resets,
            task: self.world.task().name.clone(),
            name: name.to_owned(),
            state: snapshot.as_bytes().to_vec(),
        }
    }

    /// Keeps a snapshot now and then, and publishes one of them each second. It begins with the first command that moves the robot
    /// after a reset: what is published before it is not part of the episode.
    fn remember(&mut self, out: &mut Outbox) {
        if self.snapshot.is_some_and(|last| self.seq - last >= SNAPSHOT_EVERY) {
            self.keep(out);
        }
    }

    fn keep(&mut self, out: &mut Outbox) {
        let since = |last: u64| self.period.as_secs_f64() * (self.seq - last) as f64;
        let publish = self.published.is_none_or(|last| since(last) >= PUBLISH_EVERY);
        match self.world.snapshot() {
            Ok(snapshot) => {
                self.snapshot = Some(self.seq);
                if publish {
                    self.published = Some(self.seq);
                    out.publish(self.state(&snapshot, ""));
                }
                self.past.keep(self.seq, snapshot);
            }
            Err(error) => out.publish(fault(&error)),
        }
    }

    fn command(&mut self, command: &Command, now: MonoTime, out: &mut Outbox) {
        let applied: Applied = self.gate.offer(command, now);
        let begins = applied.outcome() == Outcome::Applied && !command.stop;
        out.publish(applied);
        if begins && self.snapshot.is_none() && self.resets > 0 {
            self.keep(out);
        }
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
            success: self.world.success(),
            contact_force: self.world.contact_force(),
        }
    }
}

/// What the world is commanded to, in the descriptor's groups.
fn set_point(world: &World) -> Vec<Vec<f64>> {
    vec![world.command().to_vec(), vec![world.width_command()]]
}

fn fault(error: &SimError) -> Notice {
    notice("sim_fault", error.to_string())
}

fn notice(code: &str, text: String) -> Notice {
    Notice { tick: 0, code: code.into(), text, source: "sim".into() }
}

impl Node for SimNode {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Command, Topic::Reset]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Descriptor, Topic::Observation, Topic::Applied, Topic::SimState, Topic::Notice]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only subscribed topics arrive")]
    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        match message {
            Message::Command(command) => self.command(command, now, out),
            Message::Reset(reset) => self.reset(reset, now, out),
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
        self.remember(out);
        self.next = self.next + self.period;
        if now.since(self.next) > self.period * GIVE_UP {
            self.next = now + self.period;
        }
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}

#[cfg(test)]
mod tests;
