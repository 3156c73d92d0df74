//! A group that the policy drives and the operator adds to.

use nalgebra::Vector6;
use retake_shaping::Wish;

use crate::{
    chunk::Wanted,
    config::ResidualConfig,
    drive::{self, Driven, Goal},
    robot::Robot,
};

/// Damping of the inverse kinematics of the operator's part.
const DAMPING: f64 = 0.03;

/// What the operator's hand asks for in the coming period.
pub(crate) struct Hand<'a> {
    /// Tool velocity, base frame, m/s and rad/s.
    pub(crate) twist: &'a Vector6<f64>,
    /// Closing speed of the gripper, m/s.
    pub(crate) closing: f64,
}

/// Drives `group` with what the policy wants and the operator's difference, which grows with the hand's motion, stays within
/// `bounds`, and lasts until the clutch is let go. Returns the difference, too: both parts are recorded.
pub(crate) fn by_both(
    robot: &mut Robot,
    group: usize,
    goal: &mut Goal,
    wanted: Option<&Wanted>,
    hand: &Hand<'_>,
    bounds: &ResidualConfig,
) -> (Driven, Vec<f64>) {
    let Goal::Difference(difference) = goal else { return (drive::rest(robot, group), Vec::new()) };
    let (rate, bound) = rate(robot, group, hand, bounds);
    for (value, rate) in difference.iter_mut().zip(&rate) {
        *value = (*value + rate * robot.period_s).clamp(-bound, bound);
    }
    let residual = difference.clone();
    let Some(wanted) = wanted else { return (drive::rest(robot, group), residual) };
    let position = wanted.position.iter().zip(&residual).map(|(policy, human)| policy + human).collect();
    let wish = Wish::Follow { position, velocity: wanted.velocity.clone() };
    (drive::step(robot, group, wish), residual)
}

/// How fast the difference changes, per second, and what bounds it.
fn rate(robot: &Robot, group: usize, hand: &Hand<'_>, bounds: &ResidualConfig) -> (Vec<f64>, f64) {
    let Some(member) = robot.groups.get(group) else { return (Vec::new(), 0.0) };
    match &member.chain {
        Some(_) if hand.twist.norm() == 0.0 => (vec![0.0; member.size], bounds.joint),
        Some(chain) => {
            let command = member.shaper.position();
            // The posture is where it is: the operator's part must not pull the policy's anywhere.
            (chain.velocity_step(&command, hand.twist, &command, DAMPING), bounds.joint)
        }
        None => (vec![-hand.closing; member.size], bounds.scalar),
    }
}
