//! What the simulator knows at one moment.

use nalgebra::Isometry3;

/// The world's measurable state.
#[derive(Clone, Debug, PartialEq)]
pub struct SimState {
    /// Simulated seconds since reset.
    pub time: f64,
    /// Arm joint positions, base to tip, radians.
    pub q: [f64; 7],
    /// Arm joint velocities, rad/s.
    pub dq: [f64; 7],
    /// Torque of each arm joint's servo, N·m.
    pub effort: [f64; 7],
    /// Opening between the fingers, metres.
    pub width: f64,
    /// How fast it changes, m/s; negative while closing.
    pub width_velocity: f64,
    /// Force with which one finger presses inwards, newtons; negative while it pushes outwards.
    pub grip_force: f64,
    /// Poses of the task's objects, in task order.
    pub objects: Vec<Isometry3<f64>>,
    /// Pose of the point between the finger tips.
    pub tool: Isometry3<f64>,
}
