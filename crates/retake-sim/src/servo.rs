//! The law that drives a joint: a spring to the set-point with damping and a force limit.
//!
//! The engine integrates joint springs and damping implicitly, so they can be stiff without small steps. The limit is
//! kept by moving the spring's rest position: it is never further away than the force that may still be asked for.

use rapier3d::math::Real;

/// One joint's gains.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Servo {
    /// N·m/rad, or N/m for a finger.
    pub(crate) stiffness: f64,
    /// N·m·s/rad, or N·s/m.
    pub(crate) damping: f64,
    /// Inertia of motor and gear as felt at the joint, kg·m² or kg.
    pub(crate) armature: f64,
    /// Greatest torque or force.
    pub(crate) limit: f64,
}

impl Servo {
    /// The rest position to give the spring so that the joint follows `target` moving at `target_rate`, from where it
    /// is (`position`, `rate`), with no more than the allowed force.
    pub(crate) fn rest(&self, target: f64, target_rate: f64, position: f64, rate: f64) -> f64 {
        // The lead makes up for the damping that holds back motion the set-point asks for.
        let wanted = target + self.damping / self.stiffness * target_rate;
        let middle = position + self.damping / self.stiffness * rate;
        let reach = self.limit / self.stiffness;
        wanted.clamp(middle - reach, middle + reach)
    }

    /// The force of a spring resting at `rest`, N·m or N.
    pub(crate) fn effort(&self, rest: Real, position: f64, rate: f64) -> f64 {
        (self.stiffness * (f64::from(rest) - position) - self.damping * rate).clamp(-self.limit, self.limit)
    }
}
