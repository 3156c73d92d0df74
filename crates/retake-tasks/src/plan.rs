//! The expert's way to its next goal, as a chunk of joint position targets like a learned policy's.

use nalgebra::{Isometry3, Vector3, Vector6};
use retake_kinematics::{Chain, PoseError, pose_error};

use crate::expert::{Expert, Goal};
use crate::task::Scene;

/// Greatest turning speed, rad/s.
const TURN: f64 = 1.5;
/// Braking, m/s² and rad/s²: fixes how early the tool slows down for its goal.
const BRAKING: f64 = 0.8;
const TURN_BRAKING: f64 = 6.0;
/// The last stretch is covered exponentially at this rate, 1/s.
const SETTLE: f64 = 8.0;
const DAMPING: f64 = 0.02;

/// One control period's targets.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanStep {
    /// Arm joint positions, base to tip, radians.
    pub q: Vec<f64>,
    /// Gripper opening, metres.
    pub width: f64,
}

impl Expert {
    /// The next `steps` targets, `dt` seconds apart, from the last commanded joint positions.
    ///
    /// The tool heads for [`Expert::goal`] of this scene with bounded speed and brakes for it; a chunk never runs
    /// ahead into the next stage, which depends on what the scene looks like then.
    #[must_use]
    pub fn plan(
        &self,
        scene: &Scene,
        q_command_start: &[f64],
        chain: &Chain,
        steps: usize,
        dt: f64,
    ) -> Vec<PlanStep> {
        let goal = self.goal(scene);
        let mut q = q_command_start.to_vec();
        let mut plan = Vec::with_capacity(steps);
        for _ in 0..steps {
            let twist = toward(&chain.forward(&q), &goal, dt);
            let rates = chain.velocity_step(&q, &twist, &self.task().home.joints, DAMPING);
            for (position, rate) in q.iter_mut().zip(rates) {
                *position += rate * dt;
            }
            plan.push(PlanStep { q: q.clone(), width: goal.width });
        }
        plan
    }
}

/// The tool's twist at `pose`, on a straight line to the goal.
fn toward(pose: &Isometry3<f64>, goal: &Goal, dt: f64) -> Vector6<f64> {
    let PoseError { linear, angular } = pose_error(pose, &goal.pose);
    let linear = paced(&linear, goal.speed, BRAKING, dt);
    let angular = paced(&angular, TURN, TURN_BRAKING, dt);
    PoseError { linear, angular }.vector()
}

fn paced(way: &Vector3<f64>, speed: f64, braking: f64, dt: f64) -> Vector3<f64> {
    let length = way.norm();
    if length < 1e-9 {
        return Vector3::zeros();
    }
    let pace = speed.min((2.0 * braking * length).sqrt()).min(SETTLE * length).min(length / dt);
    way * (pace / length)
}
