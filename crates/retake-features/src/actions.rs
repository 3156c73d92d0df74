//! Commands as numbers, and back.

use nalgebra::{Isometry3, Vector6};
use retake_kinematics::{Chain, Model, pose_error};
use retake_wire::pb::{CommandSpace, GroupValues, ProposalStep, RobotDescriptor};

use crate::{FeatureError, Features, observe::narrow};

/// Trades accuracy for small velocities near singular configurations.
const DAMPING: f64 = 0.02;

/// Turns the way that a command goes into numbers, and numbers into a way.
///
/// Every group's action is a velocity. The arm's is the tool's twist in the base frame: metres and radians per second, linear
/// before angular. Any other group's is its values' rate of change, in its own units per second. So an action says the same wherever
/// the command is, and what a policy says begins where the command is: a hand-over to it has no step.
#[derive(Clone, Debug)]
pub struct Actions {
    chain: Chain,
    arm: usize,
    sizes: Vec<usize>,
    limits: Vec<(Vec<f64>, Vec<f64>)>,
    posture: Vec<f64>,
    period: f64,
}

impl Actions {
    /// For a robot of this kind, with what its policy sees.
    ///
    /// # Errors
    /// If no group of joints moves its tool, or its model or rate is no use.
    pub fn new(robot: &RobotDescriptor) -> Result<(Self, Features), FeatureError> {
        let chain = Model::from_urdf(&robot.urdf)?.chain(&robot.tool_link)?;
        let moves = |group: &retake_wire::pb::Group| {
            group.space() == CommandSpace::JointPosition && group.joints == chain.joint_names()
        };
        let arm = robot.groups.iter().position(moves);
        let arm = arm.ok_or_else(|| FeatureError::NoArm { tool_link: robot.tool_link.clone() })?;
        if !(robot.control_hz.is_finite() && robot.control_hz > 0.0) {
            return Err(FeatureError::Rate(robot.control_hz));
        }
        if let Some(group) = robot.groups.iter().find(|group| group.lower.len() != group.upper.len()) {
            return Err(FeatureError::Limits(group.name.clone()));
        }
        let size = |(index, group): (usize, &retake_wire::pb::Group)| {
            if index == arm { 6 } else { group.lower.len() }
        };
        let actions = Self {
            arm,
            sizes: robot.groups.iter().enumerate().map(size).collect(),
            limits: robot.groups.iter().map(|group| (group.lower.clone(), group.upper.clone())).collect(),
            posture: robot.posture.clone(),
            period: 1.0 / robot.control_hz,
            chain,
        };
        let features = Features::new(robot, arm);
        Ok((actions, features))
    }

    /// Numbers in each group's action, in the descriptor's order.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// Control period, seconds.
    pub const fn period(&self) -> f64 {
        self.period
    }

    /// The action that leads from one command to another in so many seconds; none if they are not commands of this robot.
    pub fn between(&self, from: &[GroupValues], to: &[GroupValues], seconds: f64) -> Option<Vec<f32>> {
        if !(self.fits(from) && self.fits(to) && seconds > 0.0) {
            return None;
        }
        let mut action = Vec::with_capacity(self.sizes.iter().sum());
        for (index, (from, to)) in from.iter().zip(to).enumerate() {
            if index == self.arm {
                let way = pose_error(&self.tool(from), &self.tool(to)).vector() / seconds;
                action.extend(way.iter().copied().map(narrow));
            } else {
                let rate = |(from, to): (&f64, &f64)| narrow((to - from) / seconds);
                action.extend(from.values.iter().zip(&to.values).map(rate));
            }
        }
        action.iter().all(|value| value.is_finite()).then_some(action)
    }

    /// The targets of the next `steps` control periods if the robot goes on from command `start` as `actions` say, one after the
    /// other and then the last, within its range; none if they are not of this robot.
    pub fn follow(&self, start: &[GroupValues], actions: &[f32], steps: usize) -> Option<Vec<ProposalStep>> {
        let width: usize = self.sizes.iter().sum();
        let finite = actions.iter().all(|value| value.is_finite());
        if !self.fits(start) || !finite || actions.is_empty() || !actions.len().is_multiple_of(width) {
            return None;
        }
        let mut groups = start.to_vec();
        let mut plan = Vec::with_capacity(steps);
        let last = actions.rchunks_exact(width).next()?;
        for action in actions.chunks_exact(width).chain(std::iter::repeat(last)).take(steps) {
            let mut action = action;
            for (index, (group, size)) in groups.iter_mut().zip(&self.sizes).enumerate() {
                let (own, rest) = action.split_at_checked(*size)?;
                action = rest;
                let rates = if index == self.arm {
                    let twist = Vector6::from_iterator(own.iter().copied().map(f64::from));
                    self.chain.velocity_step(&group.values, &twist, &self.posture, DAMPING)
                } else {
                    own.iter().copied().map(f64::from).collect()
                };
                let (lower, upper) = self.limits.get(index)?;
                for (((value, rate), lower), upper) in
                    group.values.iter_mut().zip(rates).zip(lower).zip(upper)
                {
                    // Not clamp, which panics where limits make no sense.
                    *value = (*value + rate * self.period).max(*lower).min(*upper);
                }
            }
            plan.push(ProposalStep { groups: groups.clone() });
        }
        Some(plan)
    }

    fn tool(&self, arm: &GroupValues) -> Isometry3<f64> {
        self.chain.forward(&arm.values)
    }

    fn fits(&self, groups: &[GroupValues]) -> bool {
        groups.len() == self.limits.len()
            && groups.iter().zip(&self.limits).all(|(group, (lower, _))| {
                group.values.len() == lower.len() && group.values.iter().all(|value| value.is_finite())
            })
    }
}
