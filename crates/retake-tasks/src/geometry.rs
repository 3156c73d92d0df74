//! Angles about the vertical, and where the tool is relative to where it should be.

use std::f64::consts::TAU;

use nalgebra::{Isometry3, UnitQuaternion, Vector3};

/// Heading of the frame's x axis about the base's z.
pub(crate) fn yaw(pose: &Isometry3<f64>) -> f64 {
    let x = pose.rotation * Vector3::x();
    x.y.atan2(x.x)
}

/// Heading of an object that may lie on any side: that of its x axis, or where that stands upright, of its y axis less
/// a quarter turn.
pub(crate) fn heading(pose: &Isometry3<f64>) -> f64 {
    if (pose.rotation * Vector3::x()).z.abs() < 0.7 {
        return yaw(pose);
    }
    let y = pose.rotation * Vector3::y();
    y.y.atan2(y.x) - std::f64::consts::FRAC_PI_2
}

/// How far the frame's z axis leans away from the vertical, up or down alike.
pub(crate) fn tilt(pose: &Isometry3<f64>) -> f64 {
    (pose.rotation * Vector3::z()).z.abs().min(1.0).acos()
}

/// The smallest turn equivalent to `angle` when a shape looks the same `turns` times a turn.
pub(crate) fn smallest(angle: f64, turns: u32) -> f64 {
    let period = TAU / f64::from(turns.max(1));
    angle - period * (angle / period).round()
}

/// A tool that points down with its x axis heading `yaw`.
pub(crate) fn down(yaw: f64) -> UnitQuaternion<f64> {
    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw)
        * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI)
}

/// Horizontal distance between two points.
pub(crate) fn flat(a: &Vector3<f64>, b: &Vector3<f64>) -> f64 {
    (a.xy() - b.xy()).norm()
}
