//! The world: built from a task and a seed, commanded, stepped, looked at, saved and restored.

use nalgebra::Isometry3;
use rapier3d::dynamics::RigidBodyHandle;
use rapier3d::pipeline::PhysicsWorld;
use retake_kinematics::{JointLimit, Model};
use retake_tasks::{Hold, Scene, Task};
use serde::{Deserialize, Serialize};

use crate::arm::{ARM_JOINTS, Arm, URDF};
use crate::contact;
use crate::convert::{isometry, real};
use crate::digest::Fnv;
use crate::engine::{self, ENGINE_STEP};
use crate::error::SimError;
use crate::scene;
use crate::snapshot::{self, Snapshot};
use crate::state::SimState;

/// Longest control period, seconds.
pub(crate) const LONGEST_STEP: f64 = 1.0;
/// How far a set-point may be ahead of its joint, radians. Without it, an arm that was held up would catch up with the
/// command at full torque, faster than its joints may turn.
const LEASH: f64 = 0.10;
/// How fast the gripper opens and closes, m/s of opening.
const GRIPPER_SPEED: f64 = 0.2;

/// Everything that changes beside the engine's own state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Control {
    pub(crate) time: f64,
    /// Set-points at the end of the last step: seven joints.
    pub(crate) from: [f64; ARM_JOINTS],
    /// Commanded: seven joints.
    pub(crate) to: [f64; ARM_JOINTS],
    /// Gripper set-point, which follows the command at the gripper's own speed.
    pub(crate) width: f64,
    /// Commanded opening.
    pub(crate) width_to: f64,
    /// How long the scene has been a success.
    pub(crate) hold: Hold,
    /// Whether that is long enough.
    pub(crate) success: bool,
}

/// A robot, a table and a task's objects.
pub struct World {
    task: Task,
    /// Of the task and the robot: a snapshot fits only a world that was built from the same.
    fingerprint: u64,
    model: Model,
    limits: [JointLimit; ARM_JOINTS],
    widest: f64,
    physics: PhysicsWorld,
    arm: Arm,
    objects: Vec<RigidBodyHandle>,
    control: Control,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("task", &self.task.name).field("control", &self.control).finish()
    }
}

impl World {
    /// The task's start for a seed: the arm at home, the objects where [`Task::place`] puts them.
    ///
    /// # Errors
    /// [`SimError::Home`] when the task was made for another arm.
    pub fn new(task: &Task, seed: u64) -> Result<Self, SimError> {
        let model = Model::from_urdf(URDF)?;
        let limits = model.limits().get(..ARM_JOINTS).and_then(|limits| limits.try_into().ok());
        let limits: [JointLimit; ARM_JOINTS] = limits.ok_or(SimError::Description)?;
        let finger = model.limits().get(ARM_JOINTS).ok_or(SimError::Description)?;
        let widest = 2.0 * finger.upper;
        let (physics, arm, objects, control) = build(&model, task, seed)?;
        let mut hash = Fnv::new();
        hash.add_bytes(format!("{task:?}").as_bytes());
        hash.add_bytes(URDF.as_bytes());
        let fingerprint = hash.value();
        Ok(Self { task: task.clone(), fingerprint, model, limits, widest, physics, arm, objects, control })
    }

    /// Starts over with another seed, as [`World::new`] would.
    ///
    /// # Errors
    /// None that [`World::new`] did not already have.
    pub fn reset(&mut self, seed: u64) -> Result<(), SimError> {
        let (physics, arm, objects, control) = build(&self.model, &self.task, seed)?;
        (self.physics, self.arm, self.objects, self.control) = (physics, arm, objects, control);
        Ok(())
    }

    /// The task this world was built for.
    #[must_use]
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// The robot's description.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Sets where the arm should be at the end of the next step, and how far open the gripper.
    ///
    /// The set-points move there evenly over that step and then stay. Values beyond the joints' position limits are
    /// cut to them, and a set-point that would have to move faster than its joint may takes more than one step, as in
    /// the arm's own controller.
    ///
    /// # Errors
    /// Wrong length or a value that is not finite; nothing changes then.
    pub fn set_command(&mut self, q: &[f64], width: f64) -> Result<(), SimError> {
        let positions: [f64; ARM_JOINTS] =
            q.try_into().map_err(|_error| SimError::CommandLength { got: q.len(), expected: ARM_JOINTS })?;
        if !width.is_finite() || positions.iter().any(|value| !value.is_finite()) {
            return Err(SimError::CommandNotFinite);
        }
        for ((to, value), limit) in self.control.to.iter_mut().zip(positions).zip(&self.limits) {
            *to = value.clamp(limit.lower, limit.upper);
        }
        self.control.width_to = width.clamp(0.0, self.widest);
        Ok(())
    }

    /// Lets `seconds` pass: one control period, 0.02 s or so.
    ///
    /// # Errors
    /// [`SimError::Period`]; nothing changes then.
    pub fn step(&mut self, seconds: f64) -> Result<(), SimError> {
        if !(seconds > 0.0 && seconds <= LONGEST_STEP) {
            return Err(SimError::Period { seconds });
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and 1000, see above"
        )]
        let parts = (seconds / ENGINE_STEP - 1e-9).ceil().max(1.0) as u32;
        let dt = seconds / f64::from(parts);
        self.physics.integration_parameters.dt = real(dt);
        let from = self.leashed();
        let mut to = self.control.to;
        for ((to, from), limit) in to.iter_mut().zip(&from).zip(&self.limits) {
            let way = limit.velocity * seconds;
            *to = from + (*to - from).clamp(-way, way);
        }
        for part in 1..=parts {
            let share = f64::from(part) / f64::from(parts);
            let change = self.control.width_to - self.control.width;
            let slide = change.clamp(-GRIPPER_SPEED * dt, GRIPPER_SPEED * dt);
            self.control.width += slide;
            let mut targets = [(self.control.width / 2.0, slide / dt / 2.0); ARM_JOINTS + 1];
            for (target, (from, to)) in targets.iter_mut().zip(from.iter().zip(&to)) {
                *target = (from + (to - from) * share, (to - from) / seconds);
            }
            self.arm.drive(&mut self.physics, &targets);
            self.physics.step();
        }
        self.control.from = to;
        self.control.time += seconds;
        let scene = self.scene();
        self.control.success = self.control.hold.update(&self.task, &scene, self.control.time);
        Ok(())
    }

    /// Where the set-points stand: never further ahead of the joints than [`LEASH`].
    fn leashed(&self) -> [f64; ARM_JOINTS] {
        let mut from = self.control.from;
        for (from, joint) in from.iter_mut().zip(self.arm.joints(&self.physics)) {
            *from = from.clamp(joint.position - LEASH, joint.position + LEASH);
        }
        from
    }

    /// What can be measured now.
    #[must_use]
    pub fn state(&self) -> SimState {
        let joints = self.arm.joints(&self.physics);
        let arm = |value: fn(&crate::arm::JointState) -> f64| {
            let mut values = [0.0; ARM_JOINTS];
            for (slot, joint) in values.iter_mut().zip(&joints) {
                *slot = value(joint);
            }
            values
        };
        let fingers = joints.get(ARM_JOINTS..).unwrap_or_default();
        SimState {
            time: self.control.time,
            q: arm(|joint| joint.position),
            dq: arm(|joint| joint.rate),
            effort: arm(|joint| joint.effort),
            // The joints' stops are stiff springs: when the hand is beaten against the table they give by millimetres.
            width: fingers.iter().map(|joint| joint.position).sum::<f64>().max(0.0),
            width_velocity: fingers.iter().map(|joint| joint.rate).sum(),
            grip_force: -fingers.iter().map(|joint| joint.effort).sum::<f64>() / 2.0,
            objects: self.poses(),
            tool: self.arm.tool(&self.physics),
        }
    }

    /// What the task's stages, success and expert look at.
    #[must_use]
    pub fn scene(&self) -> Scene {
        let state = self.state();
        Scene { tool: state.tool, width: state.width, objects: state.objects }
    }

    /// Last commanded joint positions.
    #[must_use]
    pub fn command(&self) -> [f64; 7] {
        self.control.to
    }

    /// Last commanded opening of the gripper, metres.
    #[must_use]
    pub fn width_command(&self) -> f64 {
        self.control.width_to
    }

    /// Whether the scene has been a success for as long as the task asks.
    #[must_use]
    pub fn success(&self) -> bool {
        self.control.success
    }

    /// The largest force that the arm exerts on any one body, newtons; see [`crate::contact`].
    #[must_use]
    pub fn contact_force(&self) -> f64 {
        contact::largest(&self.physics, &self.arm, &self.objects)
    }

    /// The whole state, at most [`crate::SNAPSHOT_LIMIT`] bytes.
    ///
    /// # Errors
    /// [`SimError::SnapshotSize`].
    pub fn snapshot(&self) -> Result<Snapshot, SimError> {
        snapshot::save(&self.task.name, self.fingerprint, &self.control, &self.physics)
    }

    /// Goes back to a snapshot of a world of the same task. What follows is bit-identical to what followed it then.
    ///
    /// # Errors
    /// A snapshot of another task, or one that is damaged; nothing changes then.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SimError> {
        (self.control, self.physics) = snapshot::load(snapshot, &self.task.name, self.fingerprint)?;
        Ok(())
    }

    /// Whether [`World::restore`] would take this snapshot; changes nothing.
    ///
    /// # Errors
    /// As [`World::restore`].
    pub fn check(&self, snapshot: &Snapshot) -> Result<(), SimError> {
        snapshot::load(snapshot, &self.task.name, self.fingerprint).map(|_| ())
    }

    /// A fingerprint of the raw bits of all moving state: equal for equal histories, on every machine.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let control = &self.control;
        let mut hash = Fnv::new();
        for value in [control.time, control.width, control.width_to] {
            hash.add(value.to_bits());
        }
        for value in control.from.iter().chain(&control.to) {
            hash.add(value.to_bits());
        }
        for joint in self.arm.joints(&self.physics) {
            for value in [joint.position, joint.rate, joint.effort] {
                hash.add(value.to_bits());
            }
        }
        for body in self.objects.iter().filter_map(|handle| self.physics.bodies.get(*handle)) {
            let (pose, linear, angular) = (body.position(), body.linvel(), body.angvel());
            let (t, r) = (pose.translation, pose.rotation);
            for value in [t.x, t.y, t.z, r.x, r.y, r.z, r.w] {
                hash.add(u64::from(value.to_bits()));
            }
            for value in [linear.x, linear.y, linear.z, angular.x, angular.y, angular.z] {
                hash.add(u64::from(value.to_bits()));
            }
        }
        hash.value()
    }

    fn poses(&self) -> Vec<Isometry3<f64>> {
        let pose = |handle: &RigidBodyHandle| {
            let body = self.physics.bodies.get(*handle);
            body.map_or_else(Isometry3::identity, |body| isometry(body.position()))
        };
        self.objects.iter().map(pose).collect()
    }
}

type Parts = (PhysicsWorld, Arm, Vec<RigidBodyHandle>, Control);

fn build(model: &Model, task: &Task, seed: u64) -> Result<Parts, SimError> {
    let home = &task.home;
    let joints = home.joints.as_slice();
    let from: [f64; ARM_JOINTS] =
        joints.try_into().map_err(|_error| SimError::Home { got: joints.len(), expected: ARM_JOINTS })?;
    let mut physics = engine::world();
    let arm = Arm::build(model, &mut physics, joints, home.width)?;
    let objects = scene::build(task, &mut physics, &task.place(seed));
    let control = Control {
        time: 0.0,
        from,
        to: from,
        width: home.width,
        width_to: home.width,
        hold: Hold::default(),
        success: false,
    };
    Ok((physics, arm, objects, control))
}
