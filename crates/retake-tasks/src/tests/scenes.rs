//! Stages, success and plans for scenes set up by hand.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use retake_kinematics::{Chain, Model, pose_error};

use crate::geometry::down;
use crate::{Expert, Hold, Phase, Scene, Task};

const OPEN: f64 = 0.08;

fn at(x: f64, y: f64, z: f64, yaw: f64) -> Isometry3<f64> {
    Isometry3::from_parts(Translation3::new(x, y, z), UnitQuaternion::from_euler_angles(0.0, 0.0, yaw))
}

fn hand(x: f64, y: f64, z: f64, yaw: f64) -> Isometry3<f64> {
    Isometry3::from_parts(Translation3::new(x, y, z), down(yaw))
}

fn lift(tool: Isometry3<f64>, width: f64, cube: Isometry3<f64>) -> (Task, Scene) {
    (Task::by_name("lift").unwrap(), Scene { tool, width, objects: vec![cube] })
}

/// A nut at `nut` with the hand where it belongs on the handle, raised by `above`.
fn nut(nut: Isometry3<f64>, above: f64, width: f64) -> (Task, Scene) {
    let task = Task::by_name("nut-on-peg").unwrap();
    let at = task.grasp.at;
    let grasp = (nut * nalgebra::Point3::new(at.x, at.y, 0.0)).coords + Vector3::z() * (at.z + above);
    let tool = hand(grasp.x, grasp.y, grasp.z, crate::geometry::yaw(&nut));
    let peg = task.place(0)[1];
    (task, Scene { tool, width, objects: vec![nut, peg] })
}

fn phase((task, scene): &(Task, Scene)) -> Phase {
    task.stage(scene).phase
}

#[test]
fn stages_of_the_lift_follow_the_hand() {
    let cube = at(0.5, 0.1, 0.022, 0.3);
    assert_eq!(phase(&lift(hand(0.3, 0.0, 0.48, 0.0), OPEN, cube)), Phase::Reach);
    assert_eq!(phase(&lift(hand(0.5, 0.1, 0.10, 0.3), OPEN, cube)), Phase::Descend);
    assert_eq!(phase(&lift(hand(0.5, 0.1, 0.027, 0.3), OPEN, cube)), Phase::Grasp);
    assert_eq!(phase(&lift(hand(0.5, 0.1, 0.027, 0.3), 0.055, cube)), Phase::Grasp, "closing");
    assert_eq!(phase(&lift(hand(0.5, 0.1, 0.027, 0.3), 0.044, cube)), Phase::Lift);
}

#[test]
fn what_goes_wrong_leads_back_to_reaching() {
    let cube = at(0.5, 0.1, 0.022, 0.3);
    let missed = lift(hand(0.5, 0.1, 0.027, 0.3), 0.0, cube);
    assert_eq!(phase(&missed), Phase::Reach, "closed on nothing");
    let goal = Expert::new(&missed.0).goal(&missed.1);
    assert!(goal.width > 0.07, "and the hand opens");
    assert_eq!(phase(&lift(hand(0.5, 0.1, 0.15, 0.3), 0.044, cube)), Phase::Reach, "dropped");
    assert_eq!(phase(&lift(hand(0.5, 0.1, 0.09, 0.3), 0.044, cube)), Phase::Reach, "not open yet");
    let beside = lift(hand(0.45, 0.1, 0.03, 0.3), OPEN, cube);
    let goal = Expert::new(&beside.0).goal(&beside.1);
    assert_eq!(goal.phase, Phase::Reach);
    assert!(
        (goal.pose.translation.x - 0.45).abs() < 1e-9 && goal.pose.translation.z > 0.1,
        "straight up first"
    );
}

#[test]
fn the_hand_takes_the_nearest_of_the_equivalent_ways() {
    let (task, scene) = lift(hand(0.3, 0.0, 0.48, 0.0), OPEN, at(0.5, 0.1, 0.022, 3.0));
    let heading = crate::geometry::yaw(&Expert::new(&task).goal(&scene).pose);
    assert!((heading - (3.0 - std::f64::consts::PI)).abs() < 1e-9, "{heading}");
}

#[test]
fn stages_of_the_nut_follow_the_nut() {
    let table = at(0.45, -0.1, 0.01, 0.5);
    assert_eq!(phase(&nut(table, 0.2, OPEN)), Phase::Reach);
    assert_eq!(phase(&nut(table, 0.06, OPEN)), Phase::Descend);
    assert_eq!(phase(&nut(table, 0.0, OPEN)), Phase::Grasp);
    assert_eq!(phase(&nut(table, 0.0, 0.020)), Phase::Lift);
    assert_eq!(phase(&nut(at(0.45, -0.1, 0.10, 0.5), 0.0, 0.020)), Phase::Carry);
    assert_eq!(phase(&nut(at(0.50, 0.17, 0.10, 0.3), 0.0, 0.020)), Phase::Carry, "above, but turned");
    assert_eq!(phase(&nut(at(0.50, 0.17, 0.10, 0.0), 0.0, 0.020)), Phase::Lower);
    assert_eq!(phase(&nut(at(0.50, 0.17, 0.04, 0.02), 0.0, 0.020)), Phase::Lower, "around");
    assert_eq!(phase(&nut(at(0.50, 0.17, 0.011, 0.02), 0.0, 0.020)), Phase::Release);
    assert_eq!(phase(&nut(at(0.50, 0.17, 0.011, 0.02), 0.0, 0.05)), Phase::Retreat);
    let (task, scene) = nut(at(0.50, 0.17, 0.011, 0.02), 0.0, 0.05);
    assert_eq!(task.stage(&scene).index, 7);
}

#[test]
fn a_nut_on_its_edge_is_raised_and_dropped() {
    let edge = |z: f64| {
        at(0.45, -0.1, z, 0.5) * UnitQuaternion::from_euler_angles(std::f64::consts::FRAC_PI_2, 0.0, 0.0)
    };
    assert_eq!(phase(&nut(edge(0.03), 0.0, 0.020)), Phase::Lift);
    assert_eq!(phase(&nut(edge(0.10), 0.0, 0.020)), Phase::Release);
}

#[test]
fn a_cube_on_its_side_is_taken_square() {
    for roll in [0.0, 1.0, 2.0, 3.0] {
        let quarter = std::f64::consts::FRAC_PI_2;
        let cube = at(0.5, 0.1, 0.022, 0.3) * UnitQuaternion::from_euler_angles(0.0, quarter * roll, 0.0);
        let (task, scene) = lift(hand(0.3, 0.0, 0.48, 0.0), OPEN, cube);
        let goal = Expert::new(&task).goal(&scene);
        let off = crate::geometry::smallest(crate::geometry::yaw(&goal.pose) - 0.3, 4);
        assert!(off.abs() < 1e-6, "{roll}: {off}");
    }
}

#[test]
fn the_nut_is_turned_the_short_way() {
    let carried = nut(at(0.45, -0.1, 0.10, 1.2), 0.0, 0.020);
    let goal = Expert::new(&carried.0).goal(&carried.1);
    let heading = crate::geometry::yaw(&goal.pose);
    assert!((heading - std::f64::consts::FRAC_PI_2).abs() < 1e-9, "{heading}");
    // The tool goes where it puts the nut, not itself, over the peg.
    assert!((goal.pose.translation.y - 0.17).abs() > 0.04);
}

#[test]
fn success_is_geometry() {
    let high = lift(hand(0.5, 0.1, 0.13, 0.3), 0.044, at(0.5, 0.1, 0.123, 0.3));
    assert!(high.0.success(&high.1));
    let low = lift(hand(0.5, 0.1, 0.13, 0.3), 0.044, at(0.5, 0.1, 0.12, 0.3));
    assert!(!low.0.success(&low.1));
    let seated = |nut_pose, above, width| {
        let (task, scene) = nut(nut_pose, above, width);
        task.success(&scene)
    };
    assert!(seated(at(0.50, 0.17, 0.010, 0.0), 0.1, OPEN));
    assert!(seated(at(0.503, 0.168, 0.010, 1.5), 0.1, OPEN), "off centre, a quarter turn on");
    assert!(!seated(at(0.50, 0.17, 0.010, 0.0), 0.0, 0.020), "still in the hand");
    assert!(!seated(at(0.50, 0.17, 0.030, 0.0), 0.1, OPEN), "hanging");
    assert!(!seated(at(0.45, 0.17, 0.010, 0.0), 0.1, OPEN), "beside the peg");
    let tilted = at(0.50, 0.17, 0.014, 0.0) * UnitQuaternion::from_euler_angles(0.0, 0.3, 0.0);
    assert!(!seated(tilted, 0.1, OPEN));
}

#[test]
fn success_must_last() {
    let (task, high) = lift(hand(0.5, 0.1, 0.13, 0.3), 0.044, at(0.5, 0.1, 0.14, 0.3));
    let (_, low) = lift(hand(0.5, 0.1, 0.13, 0.3), 0.044, at(0.5, 0.1, 0.03, 0.3));
    let mut hold = Hold::default();
    assert!(!hold.update(&task, &high, 1.0));
    assert!(!hold.update(&task, &high, 1.4));
    assert!(!hold.update(&task, &low, 1.45));
    assert!(!hold.update(&task, &high, 1.5), "starts over");
    assert!(hold.update(&task, &high, 2.0));
}

#[test]
fn a_scene_without_the_object_is_no_reason_to_move() {
    let (task, mut scene) = lift(hand(0.5, 0.1, 0.13, 0.3), 0.044, at(0.5, 0.1, 0.14, 0.3));
    scene.objects.clear();
    assert!(!task.success(&scene));
    assert_eq!(Expert::new(&task).goal(&scene).pose, scene.tool);
}

fn chain() -> Chain {
    Model::from_urdf(include_str!("../../../../sim/robots/arm7.urdf")).unwrap().chain("tool").unwrap()
}

#[test]
fn plans_are_smooth_and_arrive() {
    let chain = chain();
    let task = Task::by_name("lift").unwrap();
    let expert = Expert::new(&task);
    for seed in 0..30 {
        let mut q = task.home.joints.clone();
        let mut scene = Scene { tool: chain.forward(&q), width: OPEN, objects: task.place(seed) };
        let mut phases = vec![expert.goal(&scene).phase];
        for _ in 0..40 {
            let goal = expert.goal(&scene);
            let plan = expert.plan(&scene, &q, &chain, 16, 0.02);
            assert_eq!(plan.len(), 16);
            for step in plan.iter().take(8) {
                let moved = pose_error(&chain.forward(&q), &chain.forward(&step.q));
                assert!(moved.linear.norm() <= goal.speed * 0.02 * 1.05, "{}", moved.linear.norm());
                assert!(moved.angular.norm() <= 1.5 * 0.02 * 1.05, "{}", moved.angular.norm());
                q.clone_from(&step.q);
            }
            scene.tool = chain.forward(&q);
            let phase = expert.goal(&scene).phase;
            if phases.last() != Some(&phase) {
                phases.push(phase);
            }
        }
        assert_eq!(phases, [Phase::Reach, Phase::Descend, Phase::Grasp], "seed {seed}");
    }
}
