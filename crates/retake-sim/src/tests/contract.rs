//! What may be asked of a world, and what is refused without a trace.

use retake_tasks::Task;

use super::{PERIOD, Run};
use crate::{SimError, World};

#[test]
fn bad_commands_are_refused_and_change_nothing() {
    let mut run = Run::new("lift", 0);
    run.chunk();
    let before = run.world.digest();
    let six = run.world.set_command(&[0.0; 6], 0.04);
    assert_eq!(six, Err(SimError::CommandLength { got: 6, expected: 7 }));
    for bad in [f64::NAN, f64::INFINITY] {
        let mut q = run.world.command();
        q[3] = bad;
        assert_eq!(run.world.set_command(&q, 0.04), Err(SimError::CommandNotFinite));
        let q = run.world.command();
        assert_eq!(run.world.set_command(&q, bad), Err(SimError::CommandNotFinite));
    }
    for seconds in [0.0, -0.02, 1.5, f64::INFINITY] {
        assert_eq!(run.world.step(seconds), Err(SimError::Period { seconds }));
    }
    assert!(matches!(run.world.step(f64::NAN), Err(SimError::Period { .. })));
    assert_eq!(run.world.digest(), before);
}

#[test]
fn a_task_for_another_arm_is_refused() {
    let mut task = Task::by_name("lift").unwrap();
    task.home.joints.pop();
    assert_eq!(World::new(&task, 0).err(), Some(SimError::Home { got: 6, expected: 7 }));
}

#[test]
fn a_world_starts_as_the_task_says() {
    let task = Task::by_name("nut-on-peg").unwrap();
    let world = World::new(&task, 7).unwrap();
    let state = world.state();
    for (q, home) in state.q.iter().zip(&task.home.joints) {
        assert!((q - home).abs() < 1e-6);
    }
    assert!((state.width - task.home.width).abs() < 1e-6);
    for (pose, placed) in state.objects.iter().zip(task.place(7)) {
        assert!((pose.translation.vector - placed.translation.vector).norm() < 1e-6);
    }
    let tool = world.model().chain("tool").unwrap().forward(&state.q);
    assert!((tool.translation.vector - state.tool.translation.vector).norm() < 1e-5);
    assert!(state.time.abs() < 1e-12);
}

#[test]
fn left_alone_nothing_moves() {
    let mut run = Run::new("nut-on-peg", 3);
    let before = run.world.state();
    for _ in 0..250 {
        run.world.step(PERIOD).unwrap();
    }
    let after = run.world.state();
    assert!((after.time - 5.0).abs() < 1e-9);
    for (a, b) in before.objects.iter().zip(&after.objects) {
        assert!((a.translation.vector - b.translation.vector).norm() < 1e-3, "{a} {b}");
    }
    for (a, b) in before.q.iter().zip(after.q) {
        assert!((a - b).abs() < 1e-4);
    }
}

/// A set-point two radians away takes as long as the joint's speed limit says.
#[test]
fn a_far_command_is_approached_at_the_joints_own_speed() {
    let mut run = Run::new("lift", 0);
    let mut q = run.world.command();
    q[0] += 2.0;
    run.world.set_command(&q, 0.08).unwrap();
    let mut fastest: f64 = 0.0;
    for _ in 0..20 {
        run.world.step(PERIOD).unwrap();
        fastest = fastest.max(run.world.state().dq[0]);
    }
    assert!(fastest < 2.62 * 1.3, "{fastest}");
    for _ in 0..40 {
        run.world.step(PERIOD).unwrap();
    }
    assert!((run.world.state().q[0] - 2.0).abs() < 0.01);
}
