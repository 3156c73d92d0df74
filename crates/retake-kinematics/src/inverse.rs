//! Inverse kinematics: joint positions for a tool pose, found by iteration from where the arm is.

use nalgebra::{DVector, Isometry3, Vector3, Vector6};

use crate::chain::{Chain, at};
use crate::error::pose_error;
use crate::step::least_squares;

/// Good enough: metres and radians.
const TOLERANCE: f64 = 1e-6;
const ITERATIONS: usize = 150;
/// Longest stretch of one iteration, where the linearisation still holds: metres and radians.
const LINEAR_STRIDE: f64 = 0.1;
const ANGULAR_STRIDE: f64 = 0.3;
/// Share of the way to the posture taken per iteration, as long as the pose is still coarse.
const POSTURE_SHARE: f64 = 0.05;

/// The iteration ended away from the target: it is out of reach, or behind a joint limit.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("no joint positions found: {position_error:.4} m and {rotation_error:.4} rad short of the target")]
pub struct NoSolution {
    /// What was left at the best attempt, metres.
    pub position_error: f64,
    /// What was left at the best attempt, radians.
    pub rotation_error: f64,
}

impl Chain {
    /// Joint positions, within the limits, that put the tip at `target`, close to `seed`.
    ///
    /// Starts at `seed`; where that does not lead there, half way to `posture` and at `posture` itself. Accurate to a
    /// micrometre and a microradian.
    ///
    /// # Errors
    /// [`NoSolution`] with the errors of the best of the attempts.
    pub fn inverse(
        &self,
        seed: &[f64],
        target: &Isometry3<f64>,
        posture: &[f64],
    ) -> Result<Vec<f64>, NoSolution> {
        let mut best = NoSolution { position_error: f64::INFINITY, rotation_error: f64::INFINITY };
        for share in [0.0, 0.5, 1.0] {
            let start =
                DVector::from_fn(self.dof(), |i, _| at(seed, i) + share * (at(posture, i) - at(seed, i)));
            match self.descend(start, target, posture) {
                Ok(q) => return Ok(q),
                Err(miss) if miss.position_error < best.position_error => best = miss,
                Err(_) => {}
            }
        }
        Err(best)
    }

    fn descend(
        &self,
        start: DVector<f64>,
        target: &Isometry3<f64>,
        posture: &[f64],
    ) -> Result<Vec<f64>, NoSolution> {
        let mut q = start;
        for (value, limit) in q.iter_mut().zip(self.limits()) {
            *value = value.max(limit.lower).min(limit.upper);
        }
        let mut miss = NoSolution { position_error: f64::INFINITY, rotation_error: f64::INFINITY };
        for _ in 0..ITERATIONS {
            let (pose, jacobian) = self.forward_jacobian(q.as_slice());
            let error = pose_error(&pose, target);
            miss = NoSolution { position_error: error.linear.norm(), rotation_error: error.angular.norm() };
            let size = miss.position_error.max(miss.rotation_error);
            if size < TOLERANCE {
                return Ok(q.as_slice().to_vec());
            }
            // Far away, damping and posture keep the arm in good shape; close by, they would only keep it from
            // arriving.
            let coarse = if size > 1e-2 { POSTURE_SHARE } else { 0.0 };
            let pull = DVector::from_fn(self.dof(), |i, _| coarse * (at(posture, i) - q[i]));
            let bounds: Vec<(f64, f64)> = self
                .limits()
                .iter()
                .zip(q.iter())
                .map(|(limit, value)| (limit.lower - value, limit.upper - value))
                .collect();
            let damping = (0.1 * size).min(0.05);
            q += least_squares(&jacobian, &stride(&error.linear, &error.angular), &pull, damping, &bounds);
        }
        Err(miss)
    }
}

fn stride(linear: &Vector3<f64>, angular: &Vector3<f64>) -> Vector6<f64> {
    let (l, a) = (linear.cap_magnitude(LINEAR_STRIDE), angular.cap_magnitude(ANGULAR_STRIDE));
    Vector6::new(l.x, l.y, l.z, a.x, a.y, a.z)
}
