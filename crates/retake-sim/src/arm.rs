//! The arm in the engine: one body per moving link, reduced-coordinate joints, a servo on each.

use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use rapier3d::dynamics::{
    CoefficientCombineRule, GenericJointBuilder, JointAxesMask, JointAxis, MultibodyDofCoupling,
    MultibodyJointHandle, RigidBodyBuilder, RigidBodyHandle,
};
use rapier3d::geometry::{ColliderBuilder, Group, InteractionGroups, InteractionTestMode, SharedShape};
use rapier3d::math::Real;
use rapier3d::parry::mass_properties::MassProperties;
use rapier3d::pipeline::PhysicsWorld;
use retake_kinematics::{Inertial, Joint, JointKind, Model, Shape};

use crate::convert::{isometry, matrix, pose, real, vector};
use crate::error::SimError;
use crate::servo::Servo;

/// The robot's description, part of the program.
pub(crate) const URDF: &str = include_str!("../../../sim/robots/arm7.urdf");
/// Joints of the arm proper; the fingers come after.
pub(crate) const ARM_JOINTS: usize = 7;
const FINGERS: [&str; 2] = ["finger_left", "finger_right"];

/// Friction of rubber finger pads; it wins over what they touch.
const PAD_FRICTION: f64 = 1.3;
/// Friction of the rest of the robot.
const BODY_FRICTION: f64 = 0.3;

/// Collision group of the robot, of what stands still, and of what can be moved.
pub(crate) const ROBOT: Group = Group::GROUP_1;
pub(crate) const FIXED: Group = Group::GROUP_2;
pub(crate) const MOVABLE: Group = Group::GROUP_3;

pub(crate) fn groups(member: Group, meets: Group) -> InteractionGroups {
    InteractionGroups::new(member, meets, InteractionTestMode::And)
}

/// Gains of the arm's joints, base to tip. Stiff enough that 10 N at the tool move it by less than a millimetre, and
/// well damped for the inertia each joint carries.
const ARM_GAINS: [(f64, f64, f64); ARM_JOINTS] = [
    (9000.0, 420.0, 0.60),
    (9000.0, 420.0, 0.60),
    (6000.0, 220.0, 0.40),
    (6000.0, 220.0, 0.40),
    (2500.0, 45.0, 0.15),
    (2500.0, 45.0, 0.15),
    (2000.0, 36.0, 0.12),
];
const FINGER_SERVO: Servo = Servo { stiffness: 12_000.0, damping: 180.0, armature: 0.25, limit: 40.0 };

/// One joint in the engine.
#[derive(Clone, Copy, Debug)]
struct Drive {
    handle: MultibodyJointHandle,
    /// Spatial axis of its one degree of freedom.
    axis: usize,
    servo: Servo,
}

/// Handles to the arm's bodies and joints. Stays valid across restore, because a restored world holds the same bodies.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    /// Seven arm joints, then the two fingers.
    drives: Vec<Drive>,
    /// The body the tool frame sits on, and where on it.
    tool: (RigidBodyHandle, Isometry3<f64>),
    /// The bodies of the two fingers.
    fingers: [RigidBodyHandle; 2],
}

/// Position and rate of one joint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct JointState {
    pub(crate) position: f64,
    pub(crate) rate: f64,
    pub(crate) effort: f64,
}

impl Arm {
    /// Puts the arm into `world` at joint positions `home` (seven joints) and opening `width`.
    pub(crate) fn build(
        model: &Model,
        world: &mut PhysicsWorld,
        home: &[f64],
        width: f64,
    ) -> Result<Self, SimError> {
        let mut carriers = vec![None; model.links().len()];
        let base = world.insert_body(RigidBodyBuilder::fixed());
        carriers[model.root()] = Some((base, Isometry3::identity()));
        let mut drives = Vec::new();
        let mut bodies = vec![(base, MassProperties::default())];
        let mut wanted: Vec<Real> = Vec::new();
        for joint in model.joints() {
            let Some((parent, offset)) = carriers[joint.parent] else { continue };
            let frame = offset * joint.origin;
            if joint.kind == JointKind::Fixed {
                carriers[joint.child] = Some((parent, frame));
                continue;
            }
            let child = world.insert_body(RigidBodyBuilder::dynamic().gravity_scale(0.0).can_sleep(false));
            carriers[joint.child] = Some((child, Isometry3::identity()));
            bodies.push((child, MassProperties::default()));
            let drive =
                insert(world, joint, (parent, child), &frame, drives.len()).ok_or(SimError::Description)?;
            wanted.push(real(home.get(drives.len()).copied().unwrap_or(width / 2.0)));
            drives.push(drive);
        }
        let links = model.links().iter().zip(&carriers);
        for (link, (body, offset)) in
            links.filter_map(|(link, carrier)| carrier.map(|carrier| (link, carrier)))
        {
            let finger = link.name.ends_with("finger");
            for part in &link.collisions {
                let collider = collider(&part.shape, &(offset * part.origin), finger);
                world.insert_collider(collider, Some(body));
            }
            if let Some(entry) = bodies.iter_mut().find(|(handle, _)| *handle == body) {
                entry.1 += mass(&link.inertial, &offset);
            }
        }
        let [.., (left, _), (right, _)] = bodies.as_slice() else { return Err(SimError::Description) };
        let fingers = [*left, *right];
        for (handle, mass) in bodies {
            if let Some(body) = world.bodies.get_mut(handle) {
                body.set_additional_mass_properties(mass, true);
            }
        }
        let tool = model.link_index("tool").and_then(|index| carriers[index]).ok_or(SimError::Description)?;
        let arm = Self { drives, tool, fingers };
        arm.start(world, &wanted)?;
        Ok(arm)
    }

    /// Couples the fingers, sets the motors' inertia and damping, and moves the joints to their start.
    fn start(&self, world: &mut PhysicsWorld, wanted: &[Real]) -> Result<(), SimError> {
        let [.., left, right] = self.drives.as_slice() else { return Err(SimError::Description) };
        let ids = [left, right].map(|drive| world.multibody_joints.get(drive.handle).map(|(_, id)| id));
        let [Some(link1), Some(link2)] = ids else { return Err(SimError::Description) };
        let (axis1, axis2) = (left.axis, right.axis);
        let handle = left.handle;
        let PhysicsWorld { multibody_joints, bodies, .. } = world;
        let (multibody, _) = multibody_joints.get_mut(handle).ok_or(SimError::Description)?;
        multibody.set_self_contacts_enabled(false);
        // Settles the kind of root, so that the vectors below have one entry per joint.
        multibody.forward_kinematics(bodies, false);
        if multibody.ndofs() != self.drives.len() {
            return Err(SimError::Description);
        }
        for (index, drive) in self.drives.iter().enumerate() {
            multibody.damping_mut()[index] = real(drive.servo.damping);
            multibody.armature_mut()[index] = real(drive.servo.armature);
        }
        multibody.add_dof_coupling(MultibodyDofCoupling {
            link1,
            dof1: 0,
            axis1,
            link2,
            dof2: 0,
            axis2,
            coeff: 1.0,
            offset: 0.0,
        });
        multibody.apply_displacements(wanted);
        multibody.forward_kinematics(bodies, false);
        multibody.update_rigid_bodies(bodies, true);
        Ok(())
    }

    /// Sets every joint's spring for the next engine step: `targets` are position and rate, seven joints and the
    /// opening of one finger.
    pub(crate) fn drive(&self, world: &mut PhysicsWorld, targets: &[(f64, f64); ARM_JOINTS + 1]) {
        for (index, drive) in self.drives.iter().enumerate() {
            let state = read(world, drive);
            let (target, rate) = targets[index.min(ARM_JOINTS)];
            let rest = drive.servo.rest(target, rate, state.position, state.rate);
            if let Some((multibody, id)) = world.multibody_joints.get_mut(drive.handle)
                && let Some(link) = multibody.link_mut(id)
            {
                link.joint.set_spring(drive.axis, real(drive.servo.stiffness), real(rest));
            }
        }
    }

    /// The seven arm joints and the two fingers.
    pub(crate) fn joints(&self, world: &PhysicsWorld) -> Vec<JointState> {
        self.drives.iter().map(|drive| read(world, drive)).collect()
    }

    /// The bodies of the two fingers.
    pub(crate) const fn fingers(&self) -> [RigidBodyHandle; 2] {
        self.fingers
    }

    /// The tool's pose in the base frame.
    pub(crate) fn tool(&self, world: &PhysicsWorld) -> Isometry3<f64> {
        let (body, offset) = self.tool;
        world.bodies.get(body).map_or_else(Isometry3::identity, |body| isometry(body.position()) * offset)
    }
}

fn read(world: &PhysicsWorld, drive: &Drive) -> JointState {
    let Some((multibody, id)) = world.multibody_joints.get(drive.handle) else {
        return JointState { position: 0.0, rate: 0.0, effort: 0.0 };
    };
    let Some(link) = multibody.link(id) else { return JointState { position: 0.0, rate: 0.0, effort: 0.0 } };
    let position = f64::from(link.joint().coords()[drive.axis]);
    let rate = f64::from(multibody.joint_velocity(link)[0]);
    let effort = drive.servo.effort(link.joint().spring(drive.axis).1, position, rate);
    JointState { position, rate, effort }
}

fn insert(
    world: &mut PhysicsWorld,
    joint: &Joint,
    (parent, child): (RigidBodyHandle, RigidBodyHandle),
    frame: &Isometry3<f64>,
    index: usize,
) -> Option<Drive> {
    let (direction, free, axis) = match joint.kind {
        JointKind::Revolute(direction) => (direction, JointAxesMask::LOCKED_REVOLUTE_AXES, JointAxis::AngX),
        JointKind::Prismatic(direction) => (direction, JointAxesMask::LOCKED_PRISMATIC_AXES, JointAxis::LinX),
        JointKind::Fixed => return None,
    };
    let finger = FINGERS.contains(&joint.name.as_str());
    let servo = match ARM_GAINS.get(index) {
        Some((stiffness, damping, armature)) if !finger => {
            Servo { stiffness: *stiffness, damping: *damping, armature: *armature, limit: joint.limit.effort }
        }
        _ => FINGER_SERVO,
    };
    // The engine's joints move along or about x.
    let turn = UnitQuaternion::rotation_between(&Vector3::x(), &direction)?;
    let turn = Isometry3::from_parts(nalgebra::Translation3::identity(), turn);
    let description = GenericJointBuilder::new(free)
        .local_frame1(pose(&(frame * turn)))
        .local_frame2(pose(&turn))
        .limits(axis, [real(joint.limit.lower), real(joint.limit.upper)])
        .contacts_enabled(false)
        .build();
    let handle = world.multibody_joints.insert(parent, child, description, true)?;
    Some(Drive { handle, axis: axis as usize, servo })
}

pub(crate) fn shape(shape: &Shape) -> (SharedShape, Isometry3<f64>) {
    match shape {
        Shape::Box { size } => (
            SharedShape::cuboid(real(size.x / 2.0), real(size.y / 2.0), real(size.z / 2.0)),
            Isometry3::identity(),
        ),
        // The engine's cylinders lie along y, ours along z.
        Shape::Cylinder { radius, length } => (
            SharedShape::cylinder(real(length / 2.0), real(*radius)),
            Isometry3::rotation(Vector3::x() * std::f64::consts::FRAC_PI_2),
        ),
        Shape::Sphere { radius } => (SharedShape::ball(real(*radius)), Isometry3::identity()),
    }
}

fn collider(part: &Shape, origin: &Isometry3<f64>, finger: bool) -> ColliderBuilder {
    let (shape, turn) = shape(part);
    let (friction, rule) = if finger {
        (PAD_FRICTION, CoefficientCombineRule::Max)
    } else {
        (BODY_FRICTION, CoefficientCombineRule::Average)
    };
    ColliderBuilder::new(shape)
        .position(pose(&(origin * turn)))
        .density(0.0)
        .friction(real(friction))
        .friction_combine_rule(rule)
        .collision_groups(groups(ROBOT, FIXED | MOVABLE))
}

fn mass(inertial: &Inertial, offset: &Isometry3<f64>) -> MassProperties {
    if inertial.mass <= 0.0 {
        return MassProperties::default();
    }
    let own = MassProperties::with_inertia_matrix(
        vector(&Vector3::zeros()),
        real(inertial.mass),
        matrix(&inertial.inertia),
    );
    own.transform_by(&pose(&(offset * inertial.origin)))
}
