//! The arm of the simulator is the example throughout.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3, Vector6};
use proptest::prelude::*;

use crate::{Chain, JointKind, Model, ModelError, Shape, pose_error};

const ARM: &str = include_str!("../../../sim/robots/arm7.urdf");
const HOME: [f64; 7] = [
    0.0,
    -std::f64::consts::FRAC_PI_4,
    0.0,
    -3.0 * std::f64::consts::FRAC_PI_4,
    0.0,
    std::f64::consts::FRAC_PI_2,
    std::f64::consts::FRAC_PI_4,
];

fn arm() -> Model {
    Model::from_urdf(ARM).unwrap()
}

fn tool() -> Chain {
    arm().chain("tool").unwrap()
}

/// Joint positions inside the limits, as shares of the range.
fn inside(chain: &Chain, shares: &[f64]) -> Vec<f64> {
    chain.limits().iter().zip(shares).map(|(l, share)| l.lower + share * (l.upper - l.lower)).collect()
}

fn shares() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.02..0.98_f64, 7)
}

#[test]
fn the_arm_has_seven_joints_and_one_finger_to_command() {
    let model = arm();
    let names = ["joint_1", "joint_2", "joint_3", "joint_4", "joint_5", "joint_6", "joint_7", "finger_left"];
    assert_eq!(model.joint_names(), names);
    assert_eq!(model.limits().len(), 8);
    assert_eq!(model.links()[model.root()].name, "base");
    assert!(matches!(model.joints()[0].kind, JointKind::Revolute(_)));
    assert!((model.limits()[3].upper + 0.1518).abs() < 1e-12);
    assert!((model.limits()[6].effort - 12.0).abs() < 1e-12);
}

#[test]
fn shapes_and_shared_colours_are_read() {
    let model = arm();
    let hand = &model.links()[model.link_index("hand").unwrap()];
    assert_eq!(hand.visuals[0].shape, Shape::Box { size: Vector3::new(0.056, 0.19, 0.050) });
    assert_eq!(hand.visuals[0].rgba, [0.16, 0.17, 0.20, 1.0]);
    assert_eq!(hand.collisions.len(), 1);
    assert!((hand.inertial.mass - 0.7).abs() < 1e-12);
}

/// Worked out by hand from the published offsets: at zero the arm stands straight up and the flange looks down; at
/// home upper arm and forearm lean 45° and 90°; the third has the forearm level and the base turned a quarter.
#[test]
fn forward_kinematics_agrees_with_hand_calculation() {
    let chain = tool();
    let hand = 0.107 + 0.1034;
    let half = std::f64::consts::FRAC_1_SQRT_2;
    let wrist_x = -0.316 * half + 0.0825 * half + 0.384;
    let wrist_z = 0.333 + 0.316 * half + 0.0825 * half + 0.0825;
    let quarter = std::f64::consts::FRAC_PI_2;
    let cases: [([f64; 7], [f64; 3]); 3] = [
        ([0.0; 7], [0.088, 0.0, 0.333 + 0.316 + 0.384 - hand]),
        (HOME, [wrist_x + 0.088, 0.0, wrist_z - hand]),
        (
            [quarter, 0.0, 0.0, -quarter, 0.0, quarter, 0.0],
            [0.0, 0.0825 + 0.384 + 0.088, 0.333 + 0.316 + 0.0825 - hand],
        ),
    ];
    for (q, [x, y, z]) in cases {
        let got = chain.forward(&q).translation.vector;
        assert!((got - Vector3::new(x, y, z)).norm() < 1e-12, "{q:?}: {got:?}");
    }
    // At home the tool looks down and opens along the base's y.
    let down = chain.forward(&HOME).rotation;
    assert!((down * Vector3::z() + Vector3::z()).norm() < 1e-12);
    assert!((down * Vector3::x() - Vector3::x()).norm() < 1e-12);
}

#[test]
fn link_poses_agree_with_the_chain_and_fingers_mirror() {
    let model = arm();
    let mut poses = vec![Isometry3::identity(); 3];
    let mut q = HOME.to_vec();
    q.push(0.03);
    model.link_poses(&q, &mut poses);
    assert_eq!(poses.len(), model.links().len());
    let pose = |name: &str| poses[model.link_index(name).unwrap()];
    assert!((pose("tool").translation.vector - tool().forward(&HOME).translation.vector).norm() < 1e-12);
    let gap = pose("left_finger").translation.vector - pose("right_finger").translation.vector;
    // The tool's y is the base's -y at home.
    assert!((gap - Vector3::new(0.0, -0.06, 0.0)).norm() < 1e-12, "{gap:?}");
}

#[test]
fn velocity_step_moves_the_tip_as_asked() {
    let chain = tool();
    let twist = Vector6::new(0.1, -0.05, 0.08, 0.2, -0.1, 0.3);
    let v = chain.velocity_step(&HOME, &twist, &HOME, 1e-3);
    let got = chain.jacobian(&HOME) * nalgebra::DVector::from_vec(v);
    assert!((got - twist).norm() < 1e-3, "{got:?}");
}

#[test]
fn too_fast_a_twist_keeps_its_direction() {
    let chain = tool();
    let twist = Vector6::new(30.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    let v = chain.velocity_step(&HOME, &twist, &HOME, 1e-3);
    for (velocity, limit) in v.iter().zip(chain.limits()) {
        assert!(velocity.abs() <= limit.velocity + 1e-9);
    }
    let got = chain.jacobian(&HOME) * nalgebra::DVector::from_vec(v);
    assert!(got[0] > 0.3 && got.rows(1, 5).norm() < 0.01 * got[0], "{got:?}");
}

#[test]
fn a_pose_out_of_reach_is_refused_with_the_distance() {
    let far = Isometry3::from_parts(Translation3::new(2.0, 0.0, 0.5), tool().forward(&HOME).rotation);
    let miss = tool().inverse(&HOME, &far, &HOME).unwrap_err();
    assert!(miss.position_error > 1.0, "{miss}");
}

#[test]
fn pose_error_is_the_motion_in_the_base_frame() {
    let from = Isometry3::from_parts(
        Translation3::new(1.0, 0.0, 0.0),
        UnitQuaternion::from_euler_angles(0.0, 0.0, 1.0),
    );
    let to = Isometry3::from_parts(
        Translation3::new(1.0, 2.0, 0.0),
        UnitQuaternion::from_euler_angles(0.3, 0.0, 0.0) * from.rotation,
    );
    let error = pose_error(&from, &to).vector();
    assert!((error - Vector6::new(0.0, 2.0, 0.0, 0.3, 0.0, 0.0)).norm() < 1e-12);
}

#[test]
fn broken_descriptions_say_what_is_wrong() {
    let joint = |kind: &str, parent: &str, extra: &str| {
        format!(
            r#"<robot name="r"><link name="a"/><link name="b"/><joint name="j" type="{kind}"><parent link="{parent}"/>
               <child link="b"/>{extra}</joint></robot>"#
        )
    };
    let limit = r#"<limit lower="0" upper="1" velocity="1" effort="1"/>"#;
    let error = |text: &str| Model::from_urdf(text).unwrap_err();
    assert!(matches!(error("<robot"), ModelError::Unreadable { .. }));
    assert!(
        matches!(error(&joint("revolute", "c", limit)), ModelError::UnknownLink { link, .. } if link == "c")
    );
    assert!(matches!(error(&joint("floating", "a", limit)), ModelError::Unsupported { .. }));
    assert!(matches!(error(&joint("revolute", "b", limit)), ModelError::NotATree { .. }));
    assert!(matches!(error(&joint("revolute", "a", "")), ModelError::BadNumber { field: "limit", .. }));
    let reversed = r#"<limit lower="1" upper="0" velocity="1" effort="1"/>"#;
    assert!(matches!(error(&joint("revolute", "a", reversed)), ModelError::BadNumber { field: "limit", .. }));
    let mimic = format!(r#"{limit}<mimic joint="nobody"/>"#);
    assert!(matches!(error(&joint("revolute", "a", &mimic)), ModelError::UnknownMimic { .. }));
    assert!(
        matches!(arm().chain("thumb").unwrap_err(), ModelError::NoSuchTip { known, .. } if known.len() == 12)
    );
    assert!(matches!(arm().chain("right_finger").unwrap_err(), ModelError::MimicInChain { .. }));
    assert_eq!(arm().chain("left_finger").unwrap().dof(), 8);
}

proptest! {
    #[test]
    fn jacobian_matches_finite_differences(shares in shares()) {
        let chain = tool();
        let q = inside(&chain, &shares);
        let jacobian = chain.jacobian(&q);
        let h = 1e-6;
        for i in 0..7 {
            let (mut low, mut high) = (q.clone(), q.clone());
            low[i] -= h;
            high[i] += h;
            let change = pose_error(&chain.forward(&low), &chain.forward(&high)).vector() / (2.0 * h);
            prop_assert!((change - jacobian.column(i)).norm() < 1e-7);
        }
    }

    #[test]
    fn inverse_reaches_what_forward_gave(shares in shares(), nudge in prop::collection::vec(-0.4..0.4_f64, 7)) {
        let chain = tool();
        let q = inside(&chain, &shares);
        let target = chain.forward(&q);
        let seed: Vec<f64> = q.iter().zip(&nudge).map(|(q, d)| q + d).collect();
        let found = chain.inverse(&seed, &target, &seed);
        // Close to a limit the iteration may run into it from a bad seed; it then says so instead of returning junk.
        if let Ok(found) = found {
            let error = pose_error(&chain.forward(&found), &target);
            prop_assert!(error.linear.norm() < 1e-5 && error.angular.norm() < 1e-5);
            for (value, limit) in found.iter().zip(chain.limits()) {
                prop_assert!((limit.lower - 1e-9..=limit.upper + 1e-9).contains(value));
            }
        }
    }

    #[test]
    fn inverse_finds_every_pose_of_the_workspace(
        x in 0.35..0.62_f64, y in -0.25..0.25_f64, z in 0.02..0.45_f64, yaw in -0.8..0.8_f64, tilt in -0.3..0.3_f64,
    ) {
        let chain = tool();
        let down = chain.forward(&HOME).rotation;
        let target = Isometry3::from_parts(
            Translation3::new(x, y, z), UnitQuaternion::from_euler_angles(tilt, 0.0, yaw) * down);
        let found = chain.inverse(&HOME, &target, &HOME);
        prop_assert!(found.is_ok(), "{:?}", found);
        let error = pose_error(&chain.forward(&found.unwrap()), &target);
        prop_assert!(error.linear.norm() < 1e-5 && error.angular.norm() < 1e-5);
    }

    #[test]
    fn a_small_change_of_the_target_is_a_small_change_of_the_joints(
        dx in -0.02..0.02_f64, dy in -0.02..0.02_f64, dz in -0.02..0.02_f64,
    ) {
        let chain = tool();
        let target = Translation3::new(dx, dy, dz) * chain.forward(&HOME);
        let found = chain.inverse(&HOME, &target, &HOME).unwrap();
        for (value, start) in found.iter().zip(HOME) {
            prop_assert!((value - start).abs() < 0.2);
        }
    }

    #[test]
    fn walking_by_velocity_steps_never_leaves_the_limits(
        shares in shares(), twist in prop::collection::vec(-1.0..1.0_f64, 6),
    ) {
        let chain = tool();
        let twist = Vector6::from_vec(twist);
        let mut q = inside(&chain, &shares);
        for _ in 0..150 {
            let v = chain.velocity_step(&q, &twist, &HOME, 0.05);
            for ((value, velocity), limit) in q.iter_mut().zip(&v).zip(chain.limits()) {
                prop_assert!(velocity.abs() <= limit.velocity + 1e-9);
                *value += velocity * 0.02;
                prop_assert!((limit.lower..=limit.upper).contains(value));
            }
        }
    }
}
