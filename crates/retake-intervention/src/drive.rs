//! What the owner of each group wants for the coming period.

use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion, Vector6};
use retake_authority::Owner;
use retake_shaping::{Clamps, OperatorTwist, Teleop, TeleopConfig, Wish};
use retake_wire::pb::{Frame, Observation, OperatorInput};

use crate::{
    chunk::{Chunk, Wanted},
    config::Profiles,
    robot::Robot,
};

/// Where the human's goal for each group stands. Begins anew with each owner.
#[derive(Clone, Debug, Default)]
pub(crate) enum Goal {
    #[default]
    None,
    Arm(Teleop),
    Scalar(f64),
    /// What the operator has added to the policy, per value.
    Difference(Vec<f64>),
}

/// One group's motion at one tick.
#[derive(Clone, Debug)]
pub(crate) struct Driven {
    /// What the owner asked for; empty at rest.
    pub(crate) target: Vec<f64>,
    pub(crate) clamps: Clamps,
}

/// A goal for a new owner, latched to the command so that the change itself moves nothing.
pub(crate) fn engage(robot: &Robot, group: usize, owner: Owner) -> Goal {
    let Some(group) = robot.groups.get(group) else { return Goal::None };
    let command = group.shaper.position();
    match (owner, &group.chain) {
        (Owner::Shared { .. }, _) => Goal::Difference(vec![0.0; command.len()]),
        (Owner::Human, Some(_)) => Goal::Arm(Teleop::engage(&command)),
        (Owner::Human, None) => Goal::Scalar(command.first().copied().unwrap_or_default()),
        (Owner::Policy { .. } | Owner::Rewind | Owner::Hold, _) => Goal::None,
    }
}

/// What the operator asks for, by their profile and within its bounds, and which of the two changed it.
pub(crate) fn profiled(profiles: &Profiles, input: &OperatorInput) -> (OperatorInput, Clamps) {
    let at = |index: usize| input.twist.get(index).copied().unwrap_or_default();
    let wish = OperatorTwist {
        linear: [at(0), at(1), at(2)],
        angular: [at(3), at(4), at(5)],
        ..OperatorTwist::default()
    };
    let profile = profiles.of(&input.operator);
    let (wish, twist) = profiles.sector.shape(profile, &wish);
    let (gripper, opening) = profiles.sector.shape_one(profile, input.gripper);
    let twisted = wish.linear.into_iter().chain(wish.angular).collect();
    (OperatorInput { twist: twisted, gripper, ..input.clone() }, twist.and(opening))
}

/// Tool velocity the operator asks for, base frame.
pub(crate) fn operator_velocity(config: &TeleopConfig, input: &OperatorInput, robot: &Robot) -> Vector6<f64> {
    let Some((observation, _)) = &robot.observation else { return Vector6::zeros() };
    let at = |index: usize| input.twist.get(index).copied().unwrap_or_default();
    let wish = OperatorTwist {
        linear: [at(0), at(1), at(2)],
        angular: [at(3), at(4), at(5)],
        in_tool_frame: input.frame() == Frame::Tool,
        precision: input.precision,
    };
    Teleop::velocity(config, &wish, &tool_pose(observation), &robot.walls)
}

fn tool_pose(observation: &Observation) -> Isometry3<f64> {
    let pose = observation.tool.unwrap_or_default();
    let rotation = Quaternion::new(pose.qw, pose.qx, pose.qy, pose.qz);
    let rotation = UnitQuaternion::try_new(rotation, 1e-6).unwrap_or_default();
    Isometry3::from_parts(Translation3::new(pose.x, pose.y, pose.z), rotation)
}

/// Drives `group` with what the policy wanted now, if anything.
pub(crate) fn by_policy(robot: &mut Robot, group: usize, wanted: Option<&Wanted>) -> Driven {
    let wish = wanted.map_or(Wish::Rest, |wanted| Wish::Follow {
        position: wanted.position.clone(),
        velocity: wanted.velocity.clone(),
    });
    step(robot, group, wish)
}

/// What the policy wants of `group` at the end of the coming period, if its chunk was made for this owner.
pub(crate) fn wanted(
    robot: &Robot,
    chunk: Option<&Chunk>,
    group: usize,
    epoch: retake_units::Epoch,
    now: retake_units::MonoTime,
) -> Option<Wanted> {
    let chunk = chunk.filter(|chunk| chunk.epoch >= epoch)?;
    chunk.at(group, now + std::time::Duration::from_secs_f64(robot.period_s))
}

/// The policy wants a joint of `group` to be further from its command than `most`: another way of being at the same pose, or
/// a plan made for another place.
pub(crate) fn far(robot: &Robot, group: usize, wanted: &Wanted, most: f64) -> bool {
    let moves_tool = robot.groups.get(group).filter(|group| group.chain.is_some());
    moves_tool.is_some_and(|group| {
        let command = group.shaper.position();
        command.iter().zip(&wanted.position).any(|(command, wanted)| (wanted - command).abs() > most)
    })
}

/// Drives `group` with the operator's input.
pub(crate) fn by_human(
    robot: &mut Robot,
    group: usize,
    goal: &mut Goal,
    twist: &Vector6<f64>,
    closing_speed: f64,
) -> Driven {
    let (period_s, posture) = (robot.period_s, robot.descriptor.posture.clone());
    let Some(member) = robot.groups.get(group) else { return rest(robot, group) };
    let command = member.shaper.position();
    let position = match (&mut *goal, &member.chain) {
        (Goal::Arm(teleop), Some(chain)) => teleop.advance(chain, twist, &posture, &command, period_s).0,
        (Goal::Scalar(opening), None) => {
            let limits = robot.descriptor.groups.get(group);
            let bound =
                |limits: Option<&Vec<f64>>, or: f64| limits.and_then(|l| l.first()).copied().unwrap_or(or);
            let lower = bound(limits.map(|group| &group.lower), *opening);
            let upper = bound(limits.map(|group| &group.upper), *opening);
            *opening = (*opening - closing_speed * period_s).clamp(lower, upper);
            vec![*opening]
        }
        (Goal::None | Goal::Arm(_) | Goal::Scalar(_) | Goal::Difference(_), _) => return rest(robot, group),
    };
    // Without a lead: an operator feels an overshoot at the end of a motion more than a lag at its beginning.
    let velocity = vec![0.0; position.len()];
    let driven = step(robot, group, Wish::Follow { position, velocity });
    carry_on(robot, group, goal);
    driven
}

/// A goal that a limit stopped goes on from where it was stopped.
pub(crate) fn carry_on(robot: &Robot, group: usize, goal: &mut Goal) {
    if let (Goal::Arm(teleop), Some(member)) = (goal, robot.groups.get(group)) {
        teleop.carry_on_from(member.shaper.limited());
    }
}

/// Brings `group` to rest.
pub(crate) fn rest(robot: &mut Robot, group: usize) -> Driven {
    step(robot, group, Wish::Rest)
}

/// Takes `group`'s wish through its limit chain.
pub(crate) fn step(robot: &mut Robot, group: usize, wish: Wish) -> Driven {
    let clamps = robot.groups.get_mut(group).map_or_else(Clamps::default, |group| group.shaper.step(&wish));
    let target = match wish {
        Wish::Follow { position, .. } => position,
        Wish::Rest => Vec::new(),
    };
    Driven { target, clamps }
}

/// Opening speed the operator asks for, positive closing, m/s.
pub(crate) fn closing_speed(config: &TeleopConfig, input: &OperatorInput) -> f64 {
    let wish = if input.gripper.is_finite() { input.gripper.clamp(-1.0, 1.0) } else { 0.0 };
    let scale = if input.precision { config.precision } else { 1.0 };
    wish * config.gripper_speed * scale
}
