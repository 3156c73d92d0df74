//! Cutting triangles at the near plane, so that nothing behind the camera is ever projected.

use nalgebra::Vector3;

/// A corner in the camera's frame with the light that falls on it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lit {
    pub(crate) position: Vector3<f32>,
    /// Factor on the item's own colour.
    pub(crate) diffuse: f32,
    /// White added on top.
    pub(crate) gloss: f32,
}

/// Nothing nearer is drawn, metres: closer than any lens sees, and far from a division by zero.
pub(crate) const NEAR: f32 = 0.008;

/// The part of a triangle beyond the near plane: none, three or four corners.
pub(crate) fn beyond_near(triangle: [Lit; 3], out: &mut [Lit; 4]) -> usize {
    let mut count = 0;
    for index in 0..3 {
        let (from, to) = (triangle[index], triangle[(index + 1) % 3]);
        if from.position.z >= NEAR {
            out[count] = from;
            count += 1;
        }
        if (from.position.z >= NEAR) != (to.position.z >= NEAR) {
            out[count] = cut(from, to);
            count += 1;
        }
    }
    count
}

fn cut(from: Lit, to: Lit) -> Lit {
    let t = (NEAR - from.position.z) / (to.position.z - from.position.z);
    Lit {
        position: from.position + (to.position - from.position) * t,
        diffuse: from.diffuse + (to.diffuse - from.diffuse) * t,
        gloss: from.gloss + (to.gloss - from.gloss) * t,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(z: f32) -> Lit {
        Lit { position: Vector3::new(z, 1.0, z), diffuse: z, gloss: 0.0 }
    }

    #[test]
    fn each_count_of_corners_behind_gives_its_polygon() {
        let mut out = [Lit::default(); 4];
        for (corners, expected) in
            [([1.0, 2.0, 3.0], 3), ([-1.0, 2.0, 3.0], 4), ([-1.0, -2.0, 3.0], 3), ([-1.0, -2.0, -3.0], 0)]
        {
            let count = beyond_near(corners.map(at), &mut out);
            assert_eq!(count, expected, "{corners:?}");
            for lit in &out[..count] {
                assert!(lit.position.z >= NEAR - 1e-6);
                assert!((lit.diffuse - lit.position.z).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn a_corner_that_is_no_number_draws_nothing() {
        let mut out = [Lit::default(); 4];
        assert_eq!(beyond_near([at(f32::NAN); 3], &mut out), 0);
    }
}
