//! What the arm presses on, in newtons.

use retake_tasks::Phase;

use super::{PERIOD, Run};

const SHUT: f64 = 0.0;
const OPEN: f64 = 0.08;

#[test]
fn moving_freely_presses_on_nothing() {
    let mut run = Run::new("nut-on-peg", 2);
    for _ in 0..75 {
        run.move_tool([0.1, 0.1, 0.0, 0.0, 0.0, 0.5], OPEN);
        assert!(run.world.contact_force() < 1e-9, "{}", run.world.contact_force());
    }
}

#[test]
fn pressing_on_the_table_is_felt() {
    let mut run = Run::new("nut-on-peg", 2);
    for _ in 0..240 {
        run.move_tool([0.02, 0.0, -0.13, 0.0, 0.0, 0.0], SHUT);
    }
    assert!((20.0..600.0).contains(&run.world.contact_force()), "{}", run.world.contact_force());
    let snapshot = run.world.snapshot().unwrap();
    let felt = run.world.contact_force();
    run.world.reset(2).unwrap();
    run.world.restore(&snapshot).unwrap();
    assert!((run.world.contact_force() - felt).abs() < 1e-12, "the force is part of the state");
}

/// A whole attempt without trouble: the grip and what it carries do not count, and nothing else touches.
#[test]
fn a_grip_and_a_carried_weight_are_no_contact() {
    let mut run = Run::new("nut-on-peg", 1);
    for (phase, seconds) in [(Phase::Lift, 0.4), (Phase::Carry, 1.0)] {
        run.until(phase);
        let end = run.world.state().time + seconds;
        while run.world.state().time < end {
            run.chunk();
            let (force, grip) = (run.world.contact_force(), run.world.state().grip_force);
            assert!(grip > 20.0, "it is held with {grip} N");
            assert!(force < 1.0, "{force} N in {phase:?}");
        }
    }
}

/// The held nut is pushed down beside the peg: the hand touches nothing, but what it holds does.
#[test]
fn what_is_held_and_jammed_is_felt() {
    let mut run = Run::new("nut-on-peg", 1);
    run.until(Phase::Carry);
    let mut most: f64 = 0.0;
    for _ in 0..100 {
        run.move_tool([0.0, 0.0, -0.15, 0.0, 0.0, 0.0], SHUT);
        most = most.max(run.world.contact_force());
    }
    assert!(run.world.state().width > 0.01, "it is still held");
    assert!(most > 5.0, "{most} N");
}

/// A closed hand that pushes the cube along presses on it with about what friction needs.
#[test]
fn pushing_something_along_is_felt() {
    let mut run = Run::new("lift", 3);
    run.until(Phase::Descend);
    // Down beside the cube, then against it.
    for _ in 0..100 {
        run.move_tool([0.0, 0.08, 0.0, 0.0, 0.0, 0.0], SHUT);
    }
    let side = run.world.state();
    let depth = side.tool.translation.z - 0.03;
    for _ in 0..100 {
        run.move_tool([0.0, 0.0, -depth / (100.0 * PERIOD), 0.0, 0.0, 0.0], SHUT);
    }
    let (before, mut most) = (run.world.state().objects[0].translation.y, 0.0_f64);
    for _ in 0..120 {
        run.move_tool([0.0, -0.12, 0.0, 0.0, 0.0, 0.0], SHUT);
        most = most.max(run.world.contact_force());
    }
    assert!((run.world.state().objects[0].translation.y - before).abs() > 0.01, "it was pushed");
    assert!(most > 0.5, "{most} N");
}
