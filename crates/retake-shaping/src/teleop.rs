//! An operator's wish for the tool, as joint targets.

use nalgebra::{Isometry3, Point3, Vector3, Vector6};
use retake_kinematics::{Chain, pose_error};

use crate::Workspace;

/// How fast an operator at full deflection moves the tool. There is no default: the deployment says.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct TeleopConfig {
    /// Tool speed at full deflection, m/s.
    pub linear_speed: f64,
    /// Tool turning speed at full deflection, rad/s.
    pub angular_speed: f64,
    /// Share of full speed while precision is held.
    pub precision: f64,
    /// Gripper opening speed at full deflection, m/s.
    pub gripper_speed: f64,
}

/// What the operator asks for, as fractions of full speed, -1 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OperatorTwist {
    /// Along x, y, z.
    pub linear: [f64; 3],
    /// About x, y, z.
    pub angular: [f64; 3],
    /// The directions are the tool's, not the base's.
    pub in_tool_frame: bool,
    /// Slow and exact.
    pub precision: bool,
}

/// Damping of the inverse kinematics: trades accuracy for small velocities near singular configurations.
const DAMPING: f64 = 0.03;
/// The speed towards a workspace wall shrinks over this distance, metres.
const WALL_MARGIN: f64 = 0.02;
/// The goal may run ahead of the command by this much, radians: enough to reach full speed, not enough to coast on.
const LEASH: f64 = 0.15;

/// How fast the goal for the tool may be gone after. There is no default: the deployment says.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ToolSpeeds {
    /// m/s.
    pub linear: f64,
    /// rad/s.
    pub angular: f64,
}

/// Closer than this to its goal the tool is there, metres and radians: rounding is no reason to move.
const THERE: f64 = 1e-7;

/// Joint goal of a human who drives the arm. Latched to the command at takeover, so that engaging moves nothing.
#[derive(Clone, Debug)]
pub struct Teleop {
    goal: Vec<f64>,
}

impl Teleop {
    /// Latches the goal to the commanded joint positions.
    pub fn engage(command: &[f64]) -> Self {
        Self { goal: command.to_vec() }
    }

    /// Tool velocity asked for, base frame: linear m/s, angular rad/s; slid along the workspace's walls.
    pub fn velocity(
        config: &TeleopConfig,
        wish: &OperatorTwist,
        tool: &Isometry3<f64>,
        walls: &Workspace,
    ) -> Vector6<f64> {
        let scale = if wish.precision { config.precision } else { 1.0 };
        let vector = |fraction: [f64; 3], speed: f64| {
            let vector =
                Vector3::from(fraction.map(|f| if f.is_finite() { f.clamp(-1.0, 1.0) } else { 0.0 }));
            vector * (speed * scale / vector.norm().max(1.0))
        };
        let (mut linear, mut angular) =
            (vector(wish.linear, config.linear_speed), vector(wish.angular, config.angular_speed));
        if wish.in_tool_frame {
            (linear, angular) = (tool.rotation * linear, tool.rotation * angular);
        }
        let slid = walls.slide(&Point3::from(tool.translation.vector), linear.into(), WALL_MARGIN);
        Vector6::new(slid[0], slid[1], slid[2], angular.x, angular.y, angular.z)
    }

    /// Advances the goal by one period and returns it with its velocity, radians and radians per second.
    pub fn advance(
        &mut self,
        chain: &Chain,
        twist: &Vector6<f64>,
        posture: &[f64],
        command: &[f64],
        period_s: f64,
    ) -> (Vec<f64>, Vec<f64>) {
        if twist.norm() == 0.0 {
            return (self.goal.clone(), vec![0.0; self.goal.len()]);
        }
        let velocity = chain.velocity_step(&self.goal, twist, posture, DAMPING);
        self.add(&velocity, command, period_s);
        (self.goal.clone(), velocity)
    }

    /// Advances the goal by one period towards a pose of the tool in the base frame, and returns it, radians.
    ///
    /// Differential, from the joints that are commanded now: a solution from nowhere would have the same pose with other joints, and
    /// the arm would swing through to them. Spare motion goes to the posture only as fast as the tool moves.
    pub fn reach(
        &mut self,
        chain: &Chain,
        (tool, speeds): (&Isometry3<f64>, &ToolSpeeds),
        posture: &[f64],
        command: &[f64],
        period_s: f64,
    ) -> Vec<f64> {
        let error = pose_error(&chain.forward(&self.goal), tool);
        let (way, turn) = (error.linear.norm(), error.angular.norm());
        if way < THERE && turn < THERE {
            return self.goal.clone();
        }
        let linear = error.linear.cap_magnitude(speeds.linear * period_s) / period_s;
        let angular = error.angular.cap_magnitude(speeds.angular * period_s) / period_s;
        let twist = Vector6::new(linear.x, linear.y, linear.z, angular.x, angular.y, angular.z);
        let share = (linear.norm() / speeds.linear).max(angular.norm() / speeds.angular).min(1.0);
        let posture: Vec<f64> =
            self.goal.iter().zip(posture).map(|(goal, rest)| goal + share * (rest - goal)).collect();
        let velocity = chain.velocity_step(&self.goal, &twist, &posture, DAMPING);
        self.add(&velocity, command, period_s);
        self.goal.clone()
    }

    /// The goal goes on from here: where the limits let the last one lead.
    pub fn carry_on_from(&mut self, limited: &[f64]) {
        if limited.len() == self.goal.len() {
            self.goal.copy_from_slice(limited);
        }
    }

    /// Moves the goal, and keeps it on its leash: a command that cannot follow is waited for, and the way back is as short.
    fn add(&mut self, velocity: &[f64], command: &[f64], period_s: f64) {
        for (goal, v) in self.goal.iter_mut().zip(velocity) {
            *goal += v * period_s;
        }
        let ahead = self.goal.iter().zip(command).map(|(goal, command)| (goal - command).abs());
        let longest = ahead.fold(0.0, f64::max);
        if longest > LEASH {
            for (goal, command) in self.goal.iter_mut().zip(command) {
                *goal = command + (*goal - command) * (LEASH / longest);
            }
        }
    }
}
