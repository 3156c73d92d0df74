//! The difference between two poses, as the twist that would carry one into the other within a second.

use nalgebra::{Isometry3, Vector3, Vector6};

/// How far one pose is from another, in the base frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoseError {
    /// Displacement of the origin, metres.
    pub linear: Vector3<f64>,
    /// Rotation vector (axis times angle, shortest way round), radians.
    pub angular: Vector3<f64>,
}

impl PoseError {
    /// Linear rows first, then angular: the row order of [`crate::Chain::jacobian`].
    #[must_use]
    pub fn vector(&self) -> Vector6<f64> {
        let (l, a) = (self.linear, self.angular);
        Vector6::new(l.x, l.y, l.z, a.x, a.y, a.z)
    }
}

/// The motion that leads from `from` to `to`: added to the position and turned onto the rotation, both in the base
/// frame, it gives `to`.
#[must_use]
pub fn pose_error(from: &Isometry3<f64>, to: &Isometry3<f64>) -> PoseError {
    PoseError {
        linear: to.translation.vector - from.translation.vector,
        angular: (to.rotation * from.rotation.inverse()).scaled_axis(),
    }
}
