//! Unit meshes of the three primitives. An item scales and places them; it never builds its own.

use std::f32::consts::{PI, TAU};

use nalgebra::Vector3;

/// A corner. For these shapes and scales a normal needs no scaling, only turning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Corner {
    pub(crate) position: Vector3<f32>,
    pub(crate) normal: Vector3<f32>,
}

/// A closed surface; triangles run counter-clockwise as seen from outside.
#[derive(Debug)]
pub(crate) struct Mesh {
    pub(crate) corners: Vec<Corner>,
    pub(crate) triangles: Vec<[usize; 3]>,
}

const AROUND: usize = 24;
const RINGS: usize = 10;

/// Cube of edge 1, cylinder of radius 1 and length 1, sphere of radius 1.
#[derive(Debug)]
pub(crate) struct Meshes {
    pub(crate) cube: Mesh,
    pub(crate) cylinder: Mesh,
    pub(crate) sphere: Mesh,
}

impl Meshes {
    pub(crate) fn new() -> Self {
        Self { cube: cube(), cylinder: cylinder(), sphere: sphere() }
    }
}

fn cube() -> Mesh {
    let mut mesh = Mesh { corners: Vec::new(), triangles: Vec::new() };
    for axis in 0..3 {
        for side in [-1.0_f32, 1.0] {
            let mut normal = Vector3::zeros();
            normal[axis] = side;
            let mut u = Vector3::zeros();
            u[(axis + 1) % 3] = side;
            let v = normal.cross(&u);
            let first = mesh.corners.len();
            for (a, b) in [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
                mesh.corners.push(Corner { position: (normal + u * a + v * b) * 0.5, normal });
            }
            mesh.triangles.extend([[first, first + 1, first + 2], [first, first + 2, first + 3]]);
        }
    }
    mesh
}

fn around(step: usize) -> Vector3<f32> {
    let angle = TAU * (step % AROUND) as f32 / AROUND as f32;
    Vector3::new(angle.cos(), angle.sin(), 0.0)
}

fn cylinder() -> Mesh {
    let mut mesh = Mesh { corners: Vec::new(), triangles: Vec::new() };
    for step in 0..AROUND {
        let (this, next) = (step * 2, ((step + 1) % AROUND) * 2);
        for z in [-0.5, 0.5] {
            mesh.corners.push(Corner { position: around(step) + Vector3::z() * z, normal: around(step) });
        }
        mesh.triangles.extend([[this, next, next + 1], [this, next + 1, this + 1]]);
    }
    for (z, flip) in [(-0.5, true), (0.5, false)] {
        let first = mesh.corners.len();
        let normal = Vector3::z() * 2.0 * z;
        for step in 0..AROUND {
            mesh.corners.push(Corner { position: around(step) + Vector3::z() * z, normal });
        }
        for step in 1..AROUND - 1 {
            let (b, c) = (first + step, first + step + 1);
            mesh.triangles.push(if flip { [first, c, b] } else { [first, b, c] });
        }
    }
    mesh
}

fn sphere() -> Mesh {
    let mut mesh = Mesh { corners: Vec::new(), triangles: Vec::new() };
    for ring in 0..=RINGS {
        let down = PI * ring as f32 / RINGS as f32;
        for step in 0..AROUND {
            let normal = around(step) * down.sin() + Vector3::z() * down.cos();
            mesh.corners.push(Corner { position: normal, normal });
        }
    }
    for ring in 0..RINGS {
        for step in 0..AROUND {
            let next = (step + 1) % AROUND;
            let (upper, lower) = (ring * AROUND, (ring + 1) * AROUND);
            if ring > 0 {
                mesh.triangles.push([upper + step, lower + next, upper + next]);
            }
            if ring + 1 < RINGS {
                mesh.triangles.push([upper + step, lower + step, lower + next]);
            }
        }
    }
    mesh
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_triangle_faces_out() {
        let Meshes { cube, cylinder, sphere } = Meshes::new();
        for mesh in [cube, cylinder, sphere] {
            for [a, b, c] in &mesh.triangles {
                let at = |index: &usize| mesh.corners[*index].position;
                let (a, b, c) = (at(a), at(b), at(c));
                let normal = (b - a).cross(&(c - a));
                assert!(normal.norm() > 1e-6);
                assert!(normal.dot(&(a + b + c)) > 0.0);
            }
        }
    }
}
