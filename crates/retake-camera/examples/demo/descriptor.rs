//! The arm over a table with a few things on it, as the simulator describes it.

use retake_wire::pb;

const URDF: &str = include_str!("../../../../sim/robots/arm7.urdf");

/// Cameras of the given size: one in front, one at the hand.
pub(crate) fn descriptor(width: u32, height: u32) -> pb::RobotDescriptor {
    let camera = |name: &str, link: &str, fov_y, pose| pb::Camera {
        name: name.into(),
        width,
        height,
        hz: 30.0,
        fov_y,
        link: link.into(),
        pose: Some(pose),
    };
    let front = retake_camera::CameraView::looking_at([1.35, 0.55, 0.75], [0.32, 0.0, 0.2], 0.75).pose;
    let turn = front.rotation.quaternion();
    let front = pb::Pose {
        x: front.translation.x,
        y: front.translation.y,
        z: front.translation.z,
        qx: turn.i,
        qy: turn.j,
        qz: turn.k,
        qw: turn.w,
    };
    // Beside the hand, tilted towards the finger tips.
    let tilt = 0.35_f64 * 0.5;
    let wrist = pb::Pose { x: 0.07, z: 0.01, qy: -tilt.sin(), qw: tilt.cos(), ..pb::Pose::default() };
    let arm = (1..=7).map(|joint| format!("joint_{joint}")).collect();
    pb::RobotDescriptor {
        robot: "arm7".into(),
        groups: vec![
            pb::Group {
                name: "arm".into(),
                space: pb::CommandSpace::JointPosition.into(),
                joints: arm,
                ..pb::Group::default()
            },
            pb::Group {
                name: "gripper".into(),
                space: pb::CommandSpace::Scalar.into(),
                joints: vec!["finger_left".into()],
                ..pb::Group::default()
            },
        ],
        control_hz: 50.0,
        urdf: URDF.into(),
        tool_link: "tool".into(),
        cameras: vec![camera("front", "", 0.75, front), camera("wrist", "hand", 1.2, wrist)],
        objects: objects(),
        ..pb::RobotDescriptor::default()
    }
}

fn objects() -> Vec<pb::SceneObject> {
    let shape = |kind: pb::ShapeKind, x, y, z, rgba| pb::Shape {
        kind: kind.into(),
        size_x: x,
        size_y: y,
        size_z: z,
        pose: None,
        rgba,
    };
    let object = |name: &str, fixed, shapes, x, y, z| pb::SceneObject {
        name: name.into(),
        shapes,
        fixed,
        pose: Some(pb::Pose { x, y, z, qw: 1.0, ..pb::Pose::default() }),
    };
    let (solid, round) = (pb::ShapeKind::Box, pb::ShapeKind::Cylinder);
    vec![
        object("cube", false, vec![shape(solid, 0.045, 0.045, 0.045, 0xd8_3a_34_ff)], 0.5, 0.0, 0.0225),
        object("peg", true, vec![shape(round, 0.012, 0.12, 0.0, 0x2f_7d_5b_ff)], 0.42, -0.22, 0.06),
        object("plate", true, vec![shape(round, 0.07, 0.008, 0.0, 0x3b_6f_c4_ff)], 0.55, 0.24, 0.004),
        object(
            "ball",
            false,
            vec![shape(pb::ShapeKind::Sphere, 0.03, 0.0, 0.0, 0xf2_b1_34_ff)],
            0.62,
            -0.12,
            0.03,
        ),
    ]
}

/// The arm ready over the cube, `sway` radians aside, with the gripper open.
pub(crate) fn observation(sway: f64) -> pb::Observation {
    let arm = vec![sway, 0.25, 0.0, -2.2, 0.0, 2.45, 0.785 + sway];
    pb::Observation {
        position: vec![pb::GroupValues { values: arm }, pb::GroupValues { values: vec![0.07] }],
        ..pb::Observation::default()
    }
}
