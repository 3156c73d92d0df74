//! The simulated robot's descriptor.

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use retake_kinematics::{JointLimit, Model, Shape};
use retake_tasks::Task;
use retake_wire::pb;

use crate::{SimError, arm::URDF};

/// Rate at which the simulated robot takes commands unless told otherwise, Hz.
pub const CONTROL_HZ: f64 = 50.0;

/// Share of the arm's published speeds that commands may use: an operator stands beside it.
const SPEED_SHARE: f64 = 0.7;
/// Accelerations and jerks of commands, rad/s² and rad/s³: smooth, and still at full speed within a fifth of a second.
const ACCELERATION: f64 = 12.0;
const JERK: f64 = 400.0;
/// The same for the gripper's opening, m/s² and m/s³.
const GRIPPER_SPEED: f64 = 0.3;
const GRIPPER_ACCELERATION: f64 = 4.0;
const GRIPPER_JERK: f64 = 100.0;
/// Joint limits are kept at this distance, radians.
const MARGIN: f64 = 0.02;
const CAMERA_HZ: f64 = 15.0;

/// What others need to know of the simulated robot.
///
/// # Errors
/// If the robot's own description cannot be read.
pub fn descriptor(robot: &str, task: &Task, control_hz: f64) -> Result<pb::RobotDescriptor, SimError> {
    let model = Model::from_urdf(URDF)?;
    let names = model.joint_names().to_vec();
    let (arm, fingers) = model.limits().split_at_checked(7).ok_or(SimError::Description)?;
    let widest = 2.0 * fingers.first().ok_or(SimError::Description)?.upper;
    Ok(pb::RobotDescriptor {
        robot: robot.to_owned(),
        groups: vec![arm_group(arm, names.get(..7).unwrap_or_default()), gripper_group(widest)],
        control_hz,
        workspace: Some(workspace(task)),
        urdf: URDF.to_owned(),
        tool_link: "tool".to_owned(),
        cameras: cameras(),
        objects: objects(task),
        task: task.name.clone(),
        time_limit: task.time_limit,
        posture: task.home.joints.clone(),
        simulated: true,
        keep_out: Vec::new(),
    })
}

fn arm_group(limits: &[JointLimit], joints: &[String]) -> pb::Group {
    pb::Group {
        name: "arm".into(),
        space: pb::CommandSpace::JointPosition.into(),
        joints: joints.to_vec(),
        lower: limits.iter().map(|limit| limit.lower + MARGIN).collect(),
        upper: limits.iter().map(|limit| limit.upper - MARGIN).collect(),
        velocity: limits.iter().map(|limit| limit.velocity * SPEED_SHARE).collect(),
        acceleration: vec![ACCELERATION; limits.len()],
        jerk: vec![JERK; limits.len()],
    }
}

fn gripper_group(widest: f64) -> pb::Group {
    pb::Group {
        name: "gripper".into(),
        space: pb::CommandSpace::Scalar.into(),
        joints: vec!["opening".into()],
        lower: vec![0.0],
        upper: vec![widest],
        velocity: vec![GRIPPER_SPEED],
        acceleration: vec![GRIPPER_ACCELERATION],
        jerk: vec![GRIPPER_JERK],
    }
}

/// Above the table and a little beyond its edges; the tool may touch the table but not be pushed into it.
fn workspace(task: &Task) -> pb::Workspace {
    let (centre, half) = (task.table.centre, task.table.size / 2.0);
    pb::Workspace {
        min_x: 0.2,
        min_y: centre.y - half.y,
        min_z: task.table_top() + 0.004,
        max_x: centre.x + half.x,
        max_y: centre.y + half.y,
        max_z: task.table_top() + 0.8,
    }
}

fn cameras() -> Vec<pb::Camera> {
    let front = looking(Point3::new(1.15, 0.55, 0.55), Point3::new(0.45, 0.02, 0.12), Vector3::z());
    // Beside the hand, seeing both fingertips and what is between and below them; the tool's z points out of the hand.
    let wrist = looking(Point3::new(0.085, 0.0, -0.10), Point3::new(0.0, 0.0, 0.03), -Vector3::x());
    let camera = |name: &str, fov_y: f64, link: &str, pose: &Isometry3<f64>| pb::Camera {
        name: name.into(),
        width: 320,
        height: 240,
        hz: CAMERA_HZ,
        fov_y,
        link: link.into(),
        pose: Some(wire_pose(pose)),
    };
    vec![camera("front", 0.75, "", &front), camera("wrist", 1.1, "tool", &wrist)]
}

/// A camera at `eye` that sees `at` in the middle, and `up` upwards.
fn looking(eye: Point3<f64>, at: Point3<f64>, up: Vector3<f64>) -> Isometry3<f64> {
    // `face_towards` points +z at the target with +y up; a camera's +y is down.
    let turned = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), std::f64::consts::PI);
    Isometry3::face_towards(&eye, &at, &up) * turned
}

fn objects(task: &Task) -> Vec<pb::SceneObject> {
    let table = pb::SceneObject {
        name: "table".into(),
        shapes: vec![pb::Shape {
            kind: pb::ShapeKind::Box.into(),
            size_x: task.table.size.x,
            size_y: task.table.size.y,
            size_z: task.table.size.z,
            pose: Some(wire_pose(&Isometry3::identity())),
            rgba: packed(task.table.rgba),
        }],
        fixed: true,
        pose: Some(wire_pose(&Isometry3::translation(
            task.table.centre.x,
            task.table.centre.y,
            task.table.centre.z,
        ))),
    };
    let things = task.objects.iter().map(|object| pb::SceneObject {
        name: object.name.clone(),
        shapes: object.parts.iter().map(|part| shape(&part.shape, &part.origin, part.rgba)).collect(),
        // Even what is bolted down is reported, so that a scene is the task's objects in order.
        fixed: false,
        pose: None,
    });
    std::iter::once(table).chain(things).collect()
}

fn shape(shape: &Shape, origin: &Isometry3<f64>, rgba: [f32; 4]) -> pb::Shape {
    let (kind, size) = match shape {
        Shape::Box { size } => (pb::ShapeKind::Box, [size.x, size.y, size.z]),
        Shape::Cylinder { radius, length } => (pb::ShapeKind::Cylinder, [*radius, *length, 0.0]),
        Shape::Sphere { radius } => (pb::ShapeKind::Sphere, [*radius, 0.0, 0.0]),
    };
    let pose = Some(wire_pose(origin));
    pb::Shape {
        kind: kind.into(),
        size_x: size[0],
        size_y: size[1],
        size_z: size[2],
        pose,
        rgba: packed(rgba),
    }
}

fn packed(rgba: [f32; 4]) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte")]
    rgba.iter().fold(0, |packed, part| packed << 8 | u32::from((part.clamp(0.0, 1.0) * 255.0).round() as u8))
}

/// A pose as it travels.
pub(crate) fn wire_pose(pose: &Isometry3<f64>) -> pb::Pose {
    let (p, q) = (pose.translation.vector, pose.rotation);
    pb::Pose { x: p.x, y: p.y, z: p.z, qx: q.i, qy: q.j, qz: q.k, qw: q.w }
}
