//! What touching does: grasps hold by friction, open hands drop, tables push back.

use nalgebra::Isometry3;
use proptest::prelude::*;
use retake_tasks::Phase;

use super::{PERIOD, Run};
use crate::SimState;

const SHUT: f64 = 0.0;

/// The held object as the hand sees it.
fn in_hand(state: &SimState) -> Isometry3<f64> {
    state.tool.inverse() * state.objects[0]
}

/// Shakes the hand along one axis with 1 m/s² at the turning points, for four seconds.
fn shake(run: &mut Run, axis: usize) {
    let rate = (1.0_f64 / 0.05).sqrt();
    for tick in 0..200 {
        let mut twist = [0.0; 6];
        twist[axis] = 0.05 * rate * (rate * PERIOD * f64::from(tick)).cos();
        run.move_tool(twist, SHUT);
    }
}

#[test]
fn a_held_nut_stays_in_the_hand_when_shaken() {
    for axis in 0..3 {
        let mut run = Run::new("nut-on-peg", 1);
        run.until(Phase::Carry);
        let before = in_hand(&run.world.state());
        shake(&mut run, axis);
        let state = run.world.state();
        let slip = (before.inverse() * in_hand(&state)).translation.vector.norm();
        let turn = (before.rotation.inverse() * in_hand(&state).rotation).angle();
        assert!(slip < 0.002 && turn < 0.05, "axis {axis}: slipped {slip:.4} m, turned {turn:.3} rad");
        assert!((state.width - 0.020).abs() < 0.001, "the fingers are on the handle: {}", state.width);
        assert!(state.grip_force > 30.0, "{}", state.grip_force);
    }
}

#[test]
fn an_opened_hand_drops_the_cube() {
    let mut run = Run::new("lift", 2);
    run.until(Phase::Lift);
    for _ in 0..8 {
        run.chunk();
    }
    assert!(run.world.state().objects[0].translation.z > 0.1);
    for _ in 0..50 {
        run.move_tool([0.0; 6], 0.08);
    }
    let state = run.world.state();
    assert!((state.objects[0].translation.z - 0.022).abs() < 0.002, "{}", state.objects[0].translation.z);
    assert!((state.width - 0.08).abs() < 0.001);
}

#[test]
fn an_empty_hand_closes_all_the_way_and_tells() {
    let mut run = Run::new("lift", 2);
    for _ in 0..50 {
        run.move_tool([0.0; 6], SHUT);
    }
    assert!(run.world.state().width < 0.001);
}

#[test]
fn the_arm_follows_its_command_in_free_air() {
    let mut run = Run::new("lift", 2);
    let (mut steady, mut worst): (f64, f64) = (0.0, 0.0);
    for tick in 0..150 {
        let twist =
            if tick < 75 { [0.15, 0.1, -0.1, 0.0, 0.0, 0.5] } else { [-0.15, -0.1, 0.1, 0.0, 0.0, -0.5] };
        run.move_tool(twist, 0.08);
        let state = run.world.state();
        for (q, command) in state.q.iter().zip(run.world.command()) {
            worst = worst.max((q - command).abs());
            if tick % 75 > 25 {
                steady = steady.max((q - command).abs());
            }
        }
    }
    assert!(steady < 0.002, "while moving evenly: {steady}");
    assert!(worst < 0.03, "while turning round: {worst}");
}

/// The command goes four centimetres into the table: the hand stops at it, the servos lean against it with no more
/// than their torque, and the difference between command and position shows.
#[test]
fn pushing_against_the_table_shows_as_tracking_error() {
    let mut run = Run::new("nut-on-peg", 2);
    let free: f64 = tracking_error(&run);
    for _ in 0..240 {
        run.move_tool([0.02, 0.0, -0.13, 0.0, 0.0, 0.0], SHUT);
    }
    for _ in 0..50 {
        run.move_tool([0.0; 6], SHUT);
    }
    let low = run.world.state().tool.translation.z;
    let commanded = run.chain.forward(&run.world.command()).translation.z;
    assert!(commanded < -0.02, "{commanded}");
    assert!((-0.002..0.02).contains(&low), "the finger tips are 9 mm below the tool: {low}");
    assert!(tracking_error(&run) > free + 0.01);
    for (torque, limit) in run.world.state().effort.iter().zip(run.chain.limits()) {
        assert!(torque.abs() <= limit.effort + 1e-6);
    }
    let still = run.world.state().dq.iter().all(|rate| rate.abs() < 0.3);
    assert!(still, "{:?}", run.world.state().dq);
}

fn tracking_error(run: &Run) -> f64 {
    let state = run.world.state();
    state.q.iter().zip(run.world.command()).map(|(q, command)| (q - command).abs()).fold(0.0, f64::max)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Any command within the limits, changed every quarter second, also where that means beating the table: nothing
    /// explodes.
    #[test]
    fn random_commands_keep_everything_bounded(
        seed in 0..100_u64,
        commands in prop::collection::vec((prop::collection::vec(0.0..1.0_f64, 7), 0.0..0.08_f64), 16),
    ) {
        let mut run = Run::new("nut-on-peg", seed);
        for (shares, width) in commands {
            let limits = run.chain.limits().iter();
            let q: Vec<f64> =
                limits.zip(shares).map(|(limit, share)| limit.lower + share * (limit.upper - limit.lower)).collect();
            run.world.set_command(&q, width).unwrap();
            for _ in 0..12 {
                run.world.step(PERIOD).unwrap();
                let state = run.world.state();
                for ((q, dq), limit) in state.q.iter().zip(state.dq).zip(run.chain.limits()) {
                    prop_assert!(dq.is_finite() && dq.abs() < 4.0 * limit.velocity, "{} of {}", dq, limit.velocity);
                    prop_assert!((limit.lower - 0.1..limit.upper + 0.1).contains(q), "{}", q);
                }
                prop_assert!((0.0..0.095).contains(&state.width), "{}", state.width);
                let nut = state.objects[0].translation.vector;
                prop_assert!(nut.norm() < 6.0 && nut.z > -0.8, "{:?}", nut);
            }
        }
    }
}
