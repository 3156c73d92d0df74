//! What is to be drawn, and from where.

use nalgebra::Isometry3;
use retake_kinematics::Shape;

/// One primitive at its place in the base frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Item {
    /// What it is.
    pub shape: Shape,
    /// Where it is.
    pub pose: Isometry3<f64>,
    /// Red, green, blue, opacity, 0 to 1. Drawn solid; not at all where opacity is zero.
    pub rgba: [f32; 4],
}

/// Primitives above an endless table at z = 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// In any order; nearer ones hide farther ones.
    pub items: Vec<Item>,
}

/// A pinhole camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CameraView {
    /// Camera in the base frame: looks along +z, +x right and +y down in the image.
    pub pose: Isometry3<f64>,
    /// Vertical field of view, radians, between 0 and π.
    pub fov_y: f64,
}

impl CameraView {
    /// A camera at `eye` that looks at `target`, with the base frame's z up in the image.
    pub fn looking_at(eye: [f64; 3], target: [f64; 3], fov_y: f64) -> Self {
        let (eye, target) = (nalgebra::Point3::from(eye), nalgebra::Point3::from(target));
        // Down in the image is the camera's +y, so the "up" that nalgebra aligns +y with is the base frame's -z.
        Self { pose: Isometry3::face_towards(&eye, &target, &-nalgebra::Vector3::z()), fov_y }
    }
}
