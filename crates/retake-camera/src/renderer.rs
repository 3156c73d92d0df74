//! One frame: items, their shadows, then the table and the sky behind them.

use nalgebra::{Matrix3, Vector3};
use retake_kinematics::Shape;

use crate::{
    CameraView, Item, Scene,
    clip::{Lit, NEAR, beyond_near},
    ground::Palette,
    light::{Light, onto_table},
    mesh::{Mesh, Meshes},
    number::single,
    raster::{Canvas, Lens, Projected, SAMPLES},
};

/// Longest side of an image, pixels.
pub const MAX_SIDE: u32 = 2048;

/// Draws scenes into one image of a fixed size, reusing its memory.
#[derive(Debug)]
pub struct Renderer {
    width: usize,
    height: usize,
    meshes: Meshes,
    palette: Palette,
    canvas: Canvas,
    corners: Vec<Lit>,
    projected: Vec<Projected>,
    image: Vec<u8>,
}

impl Renderer {
    /// An image of `width` × `height` pixels, each side held to 1 to [`MAX_SIDE`].
    pub fn new(width: u32, height: u32) -> Self {
        let side = |pixels: u32| usize::try_from(pixels.clamp(1, MAX_SIDE)).unwrap_or(1);
        let (width, height) = (side(width), side(height));
        Self {
            width,
            height,
            meshes: Meshes::new(),
            palette: Palette::new(),
            canvas: Canvas::new(width * SAMPLES, height * SAMPLES),
            corners: Vec::new(),
            projected: Vec::new(),
            image: vec![0; width * height * 3],
        }
    }

    /// Width and height in pixels.
    pub const fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// Draws `scene` as `camera` sees it: RGB bytes, row by row from the top left.
    pub fn render(&mut self, camera: &CameraView, scene: &Scene) -> &[u8] {
        let height = self.canvas.height as f64;
        let lens = Lens {
            focal: height * 0.5 / (camera.fov_y * 0.5).tan(),
            centre_x: self.canvas.width as f64 * 0.5,
            centre_y: height * 0.5,
        };
        self.canvas.clear();
        for item in scene.items.iter().filter(|item| item.rgba[3] > 0.0) {
            self.draw(camera, &lens, item);
        }
        self.palette.fill(&mut self.canvas, &lens, &camera.pose);
        self.shrink();
        &self.image
    }

    fn draw(&mut self, camera: &CameraView, lens: &Lens, item: &Item) {
        let (mesh, scale) = match item.shape {
            Shape::Box { size } => (&self.meshes.cube, size),
            Shape::Cylinder { radius, length } => {
                (&self.meshes.cylinder, Vector3::new(radius, radius, length))
            }
            Shape::Sphere { radius } => (&self.meshes.sphere, Vector3::repeat(radius)),
        };
        let view = camera.pose.inverse();
        let turn = view.rotation.to_rotation_matrix();
        let own = item.pose.rotation.to_rotation_matrix().into_inner();
        let light = Light::new(&turn);
        let colour = [item.rgba[0], item.rgba[1], item.rgba[2]];

        let matrix = turn.matrix() * own * Matrix3::from_diagonal(&scale);
        let offset = view.transform_vector(&item.pose.translation.vector) + view.translation.vector;
        let normals = (turn.matrix() * own).map(single);
        place(mesh, &matrix, &offset, &mut self.corners);
        for (lit, corner) in self.corners.iter_mut().zip(&mesh.corners) {
            (lit.diffuse, lit.gloss) = light.on(&lit.position, &(normals * corner.normal));
        }
        each_triangle(mesh, lens, &self.corners, &mut self.projected, |corners| {
            self.canvas.paint(corners, colour)
        });

        // Whatever stands below the table casts no shadow on it.
        if item.pose.translation.z > 0.0 {
            let squash = turn.matrix() * onto_table();
            let matrix = squash * own * Matrix3::from_diagonal(&scale);
            let offset = squash * item.pose.translation.vector + view.translation.vector;
            place(mesh, &matrix, &offset, &mut self.corners);
            each_triangle(mesh, lens, &self.corners, &mut self.projected, |corners| {
                self.canvas.darken(corners)
            });
        }
    }

    fn shrink(&mut self) {
        let wide = self.canvas.width;
        let mut pixels = self.image.chunks_exact_mut(3);
        for row in 0..self.height {
            for column in 0..self.width {
                let Some(pixel) = pixels.next() else { return };
                let mut sum = [0_u16; 3];
                for y in 0..SAMPLES {
                    let start = (row * SAMPLES + y) * wide + column * SAMPLES;
                    for sample in &self.canvas.colour[start..start + SAMPLES] {
                        for (total, channel) in sum.iter_mut().zip(sample) {
                            *total += u16::from(*channel);
                        }
                    }
                }
                for (channel, total) in pixel.iter_mut().zip(sum) {
                    *channel = u8::try_from((total + 2) / 4).unwrap_or(u8::MAX);
                }
            }
        }
    }
}

fn place(mesh: &Mesh, matrix: &Matrix3<f64>, offset: &Vector3<f64>, out: &mut Vec<Lit>) {
    let (matrix, offset) = (matrix.map(single), offset.map(single));
    out.clear();
    out.extend(
        mesh.corners
            .iter()
            .map(|corner| Lit { position: matrix * corner.position + offset, ..Lit::default() }),
    );
}

/// Calls `draw` with what of each triangle lies beyond the near plane.
fn each_triangle(
    mesh: &Mesh,
    lens: &Lens,
    corners: &[Lit],
    projected: &mut Vec<Projected>,
    mut draw: impl FnMut([Projected; 3]),
) {
    projected.clear();
    projected.extend(corners.iter().map(|lit| lens.project(lit)));
    for &[a, b, c] in &mesh.triangles {
        if corners[a].position.z >= NEAR && corners[b].position.z >= NEAR && corners[c].position.z >= NEAR {
            draw([projected[a], projected[b], projected[c]]);
            continue;
        }
        let mut cut = [Lit::default(); 4];
        let count = beyond_near([corners[a], corners[b], corners[c]], &mut cut);
        let cut = cut.map(|lit| lens.project(&lit));
        if count >= 3 {
            draw([cut[0], cut[1], cut[2]]);
        }
        if count == 4 {
            draw([cut[0], cut[2], cut[3]]);
        }
    }
}
