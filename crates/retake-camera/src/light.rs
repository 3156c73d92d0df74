//! One lamp high up behind the robot's left shoulder, and a sky.

use nalgebra::{Matrix3, Rotation3, Vector3};

/// Towards the lamp, base frame, not normalised.
pub(crate) const LAMP: [f64; 3] = [0.25, 0.45, 1.0];

const SKY: f32 = 0.52;
const GROUND: f32 = 0.30;
const DIFFUSE: f32 = 0.52;
const GLOSS: f32 = 0.16;

/// The light in the camera's frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Light {
    lamp: Vector3<f32>,
    up: Vector3<f32>,
}

impl Light {
    /// `rotation` turns base frame vectors into the camera's frame.
    pub(crate) fn new(rotation: &Rotation3<f64>) -> Self {
        let turn = |v: Vector3<f64>| (rotation * v.normalize()).map(crate::number::single);
        Self { lamp: turn(Vector3::from(LAMP)), up: turn(Vector3::z()) }
    }

    /// Factor on the colour, and white on top, of a surface at `position` with `normal`, both in the camera's frame.
    pub(crate) fn on(&self, position: &Vector3<f32>, normal: &Vector3<f32>) -> (f32, f32) {
        let sky = (normal.dot(&self.up) + 1.0) * 0.5;
        let facing = normal.dot(&self.lamp).max(0.0);
        let diffuse = GROUND + (SKY - GROUND) * sky + DIFFUSE * facing;
        let half = self.lamp - position.normalize();
        let shine = (normal.dot(&half) / half.norm().max(1e-6)).max(0.0);
        let tight = shine * shine * shine * shine;
        (diffuse, GLOSS * tight * tight * tight * tight)
    }
}

/// Squashes the room along the lamp's rays onto the table.
pub(crate) fn onto_table() -> Matrix3<f64> {
    let [x, y, z] = LAMP;
    Matrix3::new(1.0, 0.0, -x / z, 0.0, 1.0, -y / z, 0.0, 0.0, 0.0)
}
