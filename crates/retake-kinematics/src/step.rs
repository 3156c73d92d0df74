//! Differential inverse kinematics: which joint velocities give a wanted tool motion, within the joints' bounds.

use nalgebra::{DVector, Matrix6, Matrix6xX, Vector6};

use crate::chain::{Chain, at};

/// How strongly the null space is used to return to the posture, 1/s.
const POSTURE_GAIN: f64 = 1.0;
/// A joint may close at most this share of its distance to the limit per second, so that any control period under
/// 50 ms ends before the limit instead of behind it.
const LIMIT_GAIN: f64 = 20.0;

impl Chain {
    /// Joint velocities that move the tip with `twist` (base frame; linear m/s first, then angular rad/s).
    ///
    /// What is left of the joints' freedom pulls towards `posture`. `damping` (about 0.01 to 0.1) trades accuracy for
    /// small velocities near singular configurations. Near a position limit a joint slows down and the others take
    /// over; if a velocity limit would be passed, all velocities shrink together, so that the tip still moves in the
    /// wanted direction.
    #[must_use]
    pub fn velocity_step(&self, q: &[f64], twist: &Vector6<f64>, posture: &[f64], damping: f64) -> Vec<f64> {
        let jacobian = self.jacobian(q);
        let pull = DVector::from_fn(self.dof(), |i, _| POSTURE_GAIN * (at(posture, i) - at(q, i)));
        let room = |bound: f64, i: usize| (LIMIT_GAIN * (bound - at(q, i))).clamp(-1e3, 1e3);
        let bounds: Vec<(f64, f64)> = (0..self.dof())
            .map(|i| (room(self.limits()[i].lower, i), room(self.limits()[i].upper, i)))
            .collect();
        // Too fast a wish is scaled before the limits bend its direction: what a joint gives up near its limit should
        // depend on where the arm is, not on how far the wish overshoots.
        let wish = damped(&jacobian, twist, &pull, damping);
        let share = 1.0 / self.excess(&wish);
        let mut velocities = least_squares(&jacobian, &(twist * share), &(pull * share), damping, &bounds);
        velocities /= self.excess(&velocities);
        velocities.as_slice().to_vec()
    }

    /// By which factor the velocities break the velocity limits; 1 if they keep them.
    fn excess(&self, velocities: &DVector<f64>) -> f64 {
        let shares = velocities.iter().zip(self.limits()).map(|(v, limit)| v.abs() / limit.velocity);
        shares.fold(1.0, f64::max)
    }
}

/// The joint motion closest to `twist` (damped) with `pull` in the null space, each joint within its `(low, high)`.
///
/// Joints that would leave their bounds are set onto them one round after the other, and the rest is solved again for
/// what is left of the motion: an active set that only grows, so it ends after at most one round per joint.
pub(crate) fn least_squares(
    jacobian: &Matrix6xX<f64>,
    twist: &Vector6<f64>,
    pull: &DVector<f64>,
    damping: f64,
    bounds: &[(f64, f64)],
) -> DVector<f64> {
    let joints = jacobian.ncols();
    let mut fixed: Vec<Option<f64>> = vec![None; joints];
    let mut motion = DVector::zeros(joints);
    for _ in 0..=joints {
        let mut free = jacobian.clone();
        let mut rest = *twist;
        let mut free_pull = pull.clone();
        for (i, value) in fixed.iter().enumerate() {
            if let Some(value) = value {
                rest -= jacobian.column(i) * *value;
                free.column_mut(i).fill(0.0);
                free_pull[i] = 0.0;
            }
        }
        motion = damped(&free, &rest, &free_pull, damping);
        let mut changed = false;
        for (i, value) in fixed.iter_mut().enumerate() {
            let (low, high) = bounds[i];
            match value {
                Some(value) => motion[i] = *value,
                None if motion[i] < low || motion[i] > high => {
                    let clamped = motion[i].max(low).min(high);
                    (*value, motion[i], changed) = (Some(clamped), clamped, true);
                }
                None => {}
            }
        }
        if !changed {
            break;
        }
    }
    motion
}

/// `J⁺ v + (1 − J⁺ J) pull` with `J⁺ = Jᵀ (J Jᵀ + damping²)⁻¹`, computed as `pull + J⁺ (v − J pull)`.
fn damped(
    jacobian: &Matrix6xX<f64>,
    twist: &Vector6<f64>,
    pull: &DVector<f64>,
    damping: f64,
) -> DVector<f64> {
    // The floor keeps the matrix invertible when a caller asks for no damping at a singular configuration.
    let floor = damping.max(1e-6).powi(2);
    let square: Matrix6<f64> = jacobian * jacobian.transpose() + Matrix6::identity() * floor;
    let wanted: Vector6<f64> = twist - jacobian * pull;
    let solved = square.cholesky().map_or_else(Vector6::zeros, |factor| factor.solve(&wanted));
    pull + jacobian.transpose() * solved
}
