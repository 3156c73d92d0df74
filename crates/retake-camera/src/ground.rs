//! The table and the sky: everything no item covers.

use nalgebra::{Isometry3, Vector3};

use crate::{
    number::{byte, level, odd, single},
    raster::{Canvas, Lens, SAMPLES},
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

/// Steps of each gradient: as many as eight bits can tell apart.
const STEPS: usize = 96;

/// Every colour the table and the sky can have, so that a sample costs a look-up.
#[derive(Debug)]
pub(crate) struct Palette {
    /// By how far it has faded into the horizon, then by shadow and parity of the square.
    table: Vec<[[u8; 3]; 4]>,
    /// By height above the horizon.
    sky: Vec<[u8; 3]>,
}

impl Palette {
    pub(crate) fn new() -> Self {
        let steps = || (0..=STEPS).map(|step| step as f32 / STEPS as f32);
        let table = |far: f32| {
            [(-CONTRAST, 1.0), (CONTRAST, 1.0), (-CONTRAST, SHADOW), (CONTRAST, SHADOW)]
                .map(|(square, lit)| table_colour(far, square, lit))
        };
        let sky = |up: f32| mix(HORIZON, ZENITH, up).map(byte);
        Self { table: steps().map(table).collect(), sky: steps().map(sky).collect() }
    }

    /// The table in light and in shadow.
    fn table(&self, eye: &Vector3<f32>, ray: &Vector3<f32>, depth: f32) -> [[u8; 3]; 2] {
        let (x, y) = ((eye.x + ray.x * depth) * (1.0 / SQUARE), (eye.y + ray.y * depth) * (1.0 / SQUARE));
        let far = level((depth - FADE.0) * (1.0 / (FADE.1 - FADE.0)), STEPS);
        let square = odd(x) ^ odd(y);
        [self.table[far][square], self.table[far][square | 2]]
    }

    fn sky(&self, ray: &Vector3<f32>) -> [u8; 3] {
        self.sky[level(ray.z / ray.norm(), STEPS)]
    }

    /// Fills every sample the table hides or nothing was painted on. One look per pixel is enough: within it only items
    /// and shadows have edges worth softening.
    pub(crate) fn fill(&self, canvas: &mut Canvas, lens: &Lens, camera: &Isometry3<f64>) {
        let eye = camera.translation.vector.map(single);
        let turn = camera.rotation.to_rotation_matrix();
        let pixel = SAMPLES as f64;
        let inverse_focal = pixel / lens.focal;
        let step = (turn * Vector3::x() * inverse_focal).map(single);
        // A camera below the table sees no table.
        let fall = if eye.z > 0.0 { -1.0 / eye.z } else { 0.0 };
        let rows = canvas.width * SAMPLES;
        let colours = canvas.colour.chunks_exact_mut(rows);
        let hidden = canvas.nearness.chunks_exact(rows).zip(canvas.shadow.chunks_exact(rows));
        for (row, (colours, (depths, shadows))) in colours.zip(hidden).enumerate() {
            let y = (row as f64 + 0.5 - lens.centre_y / pixel) * inverse_focal;
            let x = (0.5 - lens.centre_x / pixel) * inverse_focal;
            // One metre of depth along this pixel's ray.
            let mut ray = (turn * Vector3::new(x, y, 1.0)).map(single);
            for column in (0..canvas.width).step_by(SAMPLES) {
                let nearness = ray.z * fall;
                let (limit, behind) = if nearness > 0.0 {
                    (nearness * (1.0 + TIE), self.table(&eye, &ray, 1.0 / nearness))
                } else {
                    (0.0, [self.sky(&ray); 2])
                };
                for start in (column..rows).step_by(canvas.width) {
                    for index in start..start + SAMPLES {
                        if depths[index] <= limit {
                            colours[index] = behind[usize::from(shadows[index])];
                        }
                    }
                }
                ray += step;
            }
        }
    }
}

fn table_colour(far: f32, square: f32, lit: f32) -> [u8; 3] {
    let light = (1.0 + square * (1.0 - far)) * lit;
    mix(TABLE.map(|channel| channel * light), HORIZON, far * (2.0 - far)).map(byte)
}

fn mix(from: [f32; 3], to: [f32; 3], share: f32) -> [f32; 3] {
    std::array::from_fn(|channel| from[channel] + (to[channel] - from[channel]) * share)
}
