//! The table and the sky: everything no item covers.

use nalgebra::{Isometry3, Vector3};

use crate::{
    number::{byte, odd, single},
    raster::{Canvas, Lens},
};

const TABLE: [f32; 3] = [0.70, 0.69, 0.67];
const HORIZON: [f32; 3] = [0.80, 0.83, 0.87];
const ZENITH: [f32; 3] = [0.52, 0.60, 0.71];
/// Edge of a square of the pattern, metres.
const SQUARE: f32 = 0.1;
const CONTRAST: f32 = 0.045;
const SHADOW: f32 = 0.66;
/// Distances between which the table fades into the horizon, metres.
const FADE: (f32, f32) = (1.2, 4.5);
/// A surface this close to the table counts as the table, so that a drawn table top does not flicker, 1/m at 1 m.
const TIE: f32 = 0.0005;

/// Fills every sample the table hides or nothing was painted on.
pub(crate) fn fill(canvas: &mut Canvas, lens: &Lens, camera: &Isometry3<f64>) {
    let eye = camera.translation.vector.map(single);
    let turn = camera.rotation.to_rotation_matrix();
    let inverse_focal = 1.0 / lens.focal;
    let step = (turn * Vector3::x() * inverse_focal).map(single);
    for row in 0..canvas.height {
        let y = (row as f64 + 0.5 - lens.centre_y) * inverse_focal;
        let x = (0.5 - lens.centre_x) * inverse_focal;
        // One metre of depth along this sample's ray.
        let mut ray = (turn * Vector3::new(x, y, 1.0)).map(single);
        let start = row * canvas.width;
        for index in start..start + canvas.width {
            let painted = canvas.nearness[index];
            let nearness = -ray.z / eye.z;
            if eye.z > 0.0 && nearness > 0.0 && nearness * (1.0 + TIE) >= painted {
                canvas.colour[index] = table(&eye, &ray, 1.0 / nearness, canvas.shadow[index]);
            } else if painted == 0.0 {
                canvas.colour[index] = sky(&ray);
            }
            ray += step;
        }
    }
}

fn table(eye: &Vector3<f32>, ray: &Vector3<f32>, depth: f32, shadow: bool) -> [u8; 3] {
    let (x, y) = (eye.x + ray.x * depth, eye.y + ray.y * depth);
    let far = ((depth - FADE.0) / (FADE.1 - FADE.0)).clamp(0.0, 1.0);
    let square = if odd(x / SQUARE) == odd(y / SQUARE) { CONTRAST } else { -CONTRAST };
    let light = (1.0 + square * (1.0 - far)) * if shadow { SHADOW } else { 1.0 };
    std::array::from_fn(|channel| {
        let near = TABLE[channel] * light;
        byte(near + (HORIZON[channel] - near) * far * (2.0 - far))
    })
}

fn sky(ray: &Vector3<f32>) -> [u8; 3] {
    let up = (ray.z / ray.norm()).clamp(0.0, 1.0);
    std::array::from_fn(|channel| byte(HORIZON[channel] + (ZENITH[channel] - HORIZON[channel]) * up))
}
