//! Between the program's nalgebra `f64` and the engine's own types.

use nalgebra::{Isometry3, Matrix3, Quaternion, Translation3, UnitQuaternion, Vector3};
use rapier3d::math::{Matrix, Pose, Real, Rotation, Vector};

/// The engine computes in single precision; this is the one place where values are narrowed.
#[expect(clippy::cast_possible_truncation, reason = "the engine computes in single precision")]
pub(crate) fn real(value: f64) -> Real {
    value as Real
}

pub(crate) fn vector(v: &Vector3<f64>) -> Vector {
    Vector::new(real(v.x), real(v.y), real(v.z))
}

pub(crate) fn norm(v: &Vector) -> f64 {
    f64::from(v.length())
}

pub(crate) fn matrix(m: &Matrix3<f64>) -> Matrix {
    let column = |i| vector(&m.column(i).into_owned());
    Matrix::from_cols(column(0), column(1), column(2))
}

pub(crate) fn pose(iso: &Isometry3<f64>) -> Pose {
    let q = iso.rotation.quaternion();
    Pose::from_parts(
        vector(&iso.translation.vector),
        Rotation::from_xyzw(real(q.i), real(q.j), real(q.k), real(q.w)),
    )
}

pub(crate) fn isometry(pose: &Pose) -> Isometry3<f64> {
    let (t, r) = (pose.translation, pose.rotation);
    let quaternion = Quaternion::new(f64::from(r.w), f64::from(r.x), f64::from(r.y), f64::from(r.z));
    Isometry3::from_parts(
        Translation3::new(f64::from(t.x), f64::from(t.y), f64::from(t.z)),
        UnitQuaternion::from_quaternion(quaternion),
    )
}
