//! The limit chain and the operator's hand, on the real arm's kinematics.

use std::sync::LazyLock;

use nalgebra::{Point3, Vector6};
use proptest::prelude::*;
use retake_kinematics::{Chain, Model};

mod balls;
mod hands;
mod slowed;

use crate::{
    Clamps, Motion, OperatorTwist, Reach, Shaper, Teleop, TeleopConfig, ValueLimits, Wish, Workspace,
};

const DT: f64 = 0.02;
const HOME: [f64; 7] = [0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785];
const WALLS: Workspace = Workspace { min: Point3::new(0.2, -0.5, 0.004), max: Point3::new(0.85, 0.5, 0.8) };
const CONFIG: TeleopConfig =
    TeleopConfig { linear_speed: 0.25, angular_speed: 1.5, precision: 0.3, gripper_speed: 0.15 };

fn chain() -> Chain {
    static CHAIN: LazyLock<Chain> = LazyLock::new(|| {
        Model::from_urdf(include_str!("../../../sim/robots/arm7.urdf")).unwrap().chain("tool").unwrap()
    });
    CHAIN.clone()
}

fn limits(chain: &Chain) -> Vec<ValueLimits> {
    let limit = |limit: &retake_kinematics::JointLimit| ValueLimits {
        lower: limit.lower,
        upper: limit.upper,
        velocity: 0.7 * limit.velocity,
        acceleration: 12.0,
        jerk: 400.0,
    };
    chain.limits().iter().map(limit).collect()
}

fn shaper() -> Shaper {
    let chain = chain();
    let limits = limits(&chain);
    Shaper::new(&limits, Some(Reach { chain, walls: WALLS, keep_out: Vec::new() }), DT, &HOME)
}

fn follow(position: Vec<f64>) -> Wish {
    let velocity = vec![0.0; position.len()];
    Wish::Follow { position, velocity }
}

fn tool(q: &[f64]) -> Point3<f64> {
    Point3::from(chain().forward(q).translation.vector)
}

#[test]
fn what_is_no_position_brakes_and_is_marked() {
    let mut nan = HOME.to_vec();
    nan[3] = f64::NAN;
    for position in [nan, vec![0.0; 6], vec![]] {
        let mut shaper = shaper();
        assert_eq!(shaper.step(&follow(position)), Clamps::NOT_FINITE);
        assert_eq!(shaper.position(), HOME);
    }
}

#[test]
fn a_target_beyond_a_joints_range_ends_at_its_limit() {
    let mut shaper = shaper();
    let mut wish = HOME.to_vec();
    wish[6] = 9.0;
    let clamps = (0..300).fold(Clamps::default(), |seen, _| seen.and(shaper.step(&follow(wish.clone()))));
    assert!(clamps.0 & Clamps::RANGE.0 != 0);
    assert!((shaper.position()[6] - limits(&chain())[6].upper).abs() < 1e-9);
}

#[test]
fn a_jump_in_the_target_is_marked_and_followed_at_the_limits() {
    let mut shaper = shaper();
    let mut wish = HOME.to_vec();
    wish[0] = 0.5;
    assert_eq!(shaper.step(&follow(wish.clone())), Clamps::RATE);
    for _ in 0..100 {
        shaper.step(&follow(wish.clone()));
    }
    assert_eq!(shaper.step(&follow(wish)), Clamps::default());
    assert!((shaper.position()[0] - 0.5).abs() < 1e-9);
}

#[test]
fn the_tool_stops_at_the_wall() {
    let chain = chain();
    let mut shaper = shaper();
    let below = chain.forward(&HOME);
    let mut target = below;
    target.translation.z = -0.1;
    let wish = chain.inverse(&HOME, &target, &HOME).unwrap();
    let mut seen = Clamps::default();
    for _ in 0..400 {
        seen = seen.and(shaper.step(&follow(wish.clone())));
        assert!(tool(&shaper.position()).z > 0.0, "{}", tool(&shaper.position()));
    }
    assert!(seen.0 & Clamps::WORKSPACE.0 != 0);
    assert!(tool(&shaper.position()).z < 0.02, "it goes as far as it may: {}", tool(&shaper.position()));
}

#[test]
fn engaging_moves_nothing() {
    let (chain, mut shaper) = (chain(), shaper());
    let mut teleop = Teleop::engage(&HOME);
    for _ in 0..20 {
        let (goal, _) = teleop.advance(&chain, &Vector6::zeros(), &HOME, &shaper.position(), DT);
        shaper.step(&follow(goal));
    }
    assert_eq!(shaper.position(), HOME);
}

#[test]
fn the_stick_moves_the_tool_where_it_points() {
    let chain = chain();
    for (axis, along) in [(0, [1.0, 0.0, 0.0]), (1, [0.0, 1.0, 0.0]), (2, [0.0, 0.0, 1.0])] {
        let (mut shaper, mut teleop) = (shaper(), Teleop::engage(&HOME));
        let start = tool(&HOME);
        for _ in 0..40 {
            let pose = chain.forward(&shaper.position());
            let wish = OperatorTwist { linear: along, ..OperatorTwist::default() };
            let twist = Teleop::velocity(&CONFIG, &wish, &pose, &WALLS);
            let (goal, _) = teleop.advance(&chain, &twist, &HOME, &shaper.position(), DT);
            shaper.step(&follow(goal));
        }
        let moved = tool(&shaper.position()) - start;
        assert!(moved[axis] > 0.12, "axis {axis}: {moved}");
        assert!((moved.norm() - moved[axis]).abs() < 0.01, "axis {axis} strays: {moved}");
    }
}

#[test]
fn speeds_are_those_of_the_configuration() {
    let pose = chain().forward(&HOME);
    let speed = |wish: OperatorTwist| Teleop::velocity(&CONFIG, &wish, &pose, &WALLS);
    let diagonal = OperatorTwist { linear: [1.0, 1.0, 1.0], ..OperatorTwist::default() };
    assert!((speed(diagonal).norm() - 0.25).abs() < 1e-9, "a diagonal is no faster");
    let slow = OperatorTwist { linear: [1.0, 0.0, 0.0], precision: true, ..OperatorTwist::default() };
    assert!((speed(slow).x - 0.075).abs() < 1e-9);
    let own = OperatorTwist { linear: [0.0, 0.0, 1.0], in_tool_frame: true, ..OperatorTwist::default() };
    assert!(speed(own).z < -0.2, "the tool's z points down");
    let nonsense = OperatorTwist { linear: [f64::NAN, 9.0, 0.0], ..OperatorTwist::default() };
    assert!((speed(nonsense).norm() - 0.25).abs() < 1e-9);
}

/// The last period changed the command by no more than the limits allow.
fn within_limits(before: &[Motion], shaper: &Shaper, limits: &[ValueLimits]) -> Result<(), TestCaseError> {
    for ((before, after), limits) in before.iter().zip(shaper.motion()).zip(limits) {
        let slack = 1.0 + 1e-6;
        prop_assert!((after.position - before.position).abs() <= limits.velocity * DT * slack);
        prop_assert!((after.velocity - before.velocity).abs() <= limits.acceleration * DT * slack);
        prop_assert!((after.acceleration - before.acceleration).abs() <= limits.jerk * DT * slack);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_hand_leaves_the_workspace_or_breaks_a_rate(
        moves in proptest::collection::vec((prop::array::uniform6(-1.0f64..1.0), 1usize..60), 1..12),
    ) {
        let chain = chain();
        let limits = limits(&chain);
        let (mut shaper, mut teleop) = (shaper(), Teleop::engage(&HOME));
        for (hand, ticks) in moves {
            for _ in 0..ticks {
                let before: Vec<_> = shaper.motion().collect();
                let wish = OperatorTwist {
                    linear: [hand[0], hand[1], hand[2]],
                    angular: [hand[3], hand[4], hand[5]],
                    ..OperatorTwist::default()
                };
                let pose = chain.forward(&shaper.position());
                let twist = Teleop::velocity(&CONFIG, &wish, &pose, &WALLS);
                let (goal, _) = teleop.advance(&chain, &twist, &HOME, &shaper.position(), DT);
                shaper.step(&follow(goal));
                let excess = WALLS.excess(&tool(&shaper.position()));
                prop_assert!(excess <= 0.006, "{excess} m outside");
                within_limits(&before, &shaper, &limits)?;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn a_stick_asks_for_a_speed_and_not_for_a_step(linear in prop::array::uniform3(-1.0f64..1.0), hz in 20.0f64..1000.0) {
        // However often it is asked, in the same time the tool is meant to go the same way.
        let chain = chain();
        let wish = OperatorTwist { linear, ..OperatorTwist::default() };
        let after = |hz: f64| {
            let (mut teleop, mut at, dt) = (Teleop::engage(&HOME), HOME.to_vec(), 1.0 / hz);
            let mut time = 0.0;
            while time < 0.4 - 1e-9 {
                let dt = f64::min(dt, 0.4 - time);
                let twist = Teleop::velocity(&CONFIG, &wish, &chain.forward(&at), &WALLS);
                at = teleop.advance(&chain, &twist, &HOME, &at.clone(), dt).0;
                time += dt;
            }
            tool(&at)
        };
        let apart = (after(hz) - after(250.0)).norm();
        prop_assert!(apart < 0.003, "{} Hz: {} m apart", hz, apart);
    }
}
