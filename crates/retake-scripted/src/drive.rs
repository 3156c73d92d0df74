//! A hand on the stick: towards where the expert would go next.

use nalgebra::{Isometry3, Vector3};
use retake_kinematics::pose_error;
use retake_tasks::Goal;

/// Tool speeds at full deflection, as the intervention node is configured with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speeds {
    /// m/s.
    pub linear: f64,
    /// rad/s.
    pub angular: f64,
}

/// What the hand does with the device.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Hand {
    pub(crate) clutch: bool,
    pub(crate) rewind: bool,
    pub(crate) twist: [f64; 6],
    pub(crate) gripper: f64,
}

/// How hard the hand steers for what is left, 1/s: it slows down near the goal.
const GAIN: f64 = 4.0;
/// The opening is close enough, metres.
const OPENING: f64 = 0.003;

/// Clutch held, stick towards the goal.
pub(crate) fn towards(goal: &Goal, tool: &Isometry3<f64>, width: f64, speeds: Speeds) -> Hand {
    let error = pose_error(tool, &goal.pose);
    let share = |way: Vector3<f64>, pace: f64, full: f64| -> [f64; 3] {
        let wanted = way * GAIN;
        let wanted = wanted * (pace / wanted.norm().max(pace));
        (wanted / full).into()
    };
    let linear = share(error.linear, goal.speed, speeds.linear);
    let angular = share(error.angular, speeds.angular, speeds.angular);
    let twist = [linear[0], linear[1], linear[2], angular[0], angular[1], angular[2]];
    let gripper = if width - goal.width > OPENING {
        1.0
    } else if goal.width - width > OPENING {
        -1.0
    } else {
        0.0
    };
    Hand { clutch: true, rewind: false, twist, gripper }
}
