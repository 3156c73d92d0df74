//! The robot and its surroundings in 3D: shapes once, then only what moved.

use nalgebra::Isometry3;
use rerun::{Boxes3D, Cylinders3D, Ellipsoids3D, FillMode, Quaternion, Transform3D};
use retake_camera::{Body, BodyKind, Part, SceneError, SceneModel, Shape};
use retake_wire::pb;

use crate::logger::Sink;

/// Root of everything in 3D.
pub(crate) const WORLD: &str = "world";
/// A body that moved less than this, metres and (nearly) radians, did not move.
const STILL: f64 = 2e-5;

/// What is drawn and where it was last.
#[derive(Debug)]
pub(crate) struct SceneLog {
    model: SceneModel,
    paths: Vec<String>,
    shown: Vec<Option<Isometry3<f64>>>,
    poses: Vec<Isometry3<f64>>,
}

impl SceneLog {
    pub(crate) fn new(sink: &mut Sink, descriptor: &pb::RobotDescriptor) -> Result<Self, SceneError> {
        let model = SceneModel::from_descriptor(descriptor)?;
        sink.log_static(WORLD, &rerun::ViewCoordinates::RIGHT_HAND_Z_UP());
        let paths: Vec<String> = model.bodies().iter().map(path).collect();
        for (body, path) in model.bodies().iter().zip(&paths) {
            shapes(sink, path, &body.parts);
            if body.kind == BodyKind::Link && body.name == descriptor.tool_link {
                sink.log_static(path, &rerun::TransformAxes3D::new(0.06));
            }
        }
        Ok(Self { shown: vec![None; paths.len()], paths, model, poses: Vec::new() })
    }

    pub(crate) fn observe(&mut self, sink: &mut Sink, observation: &pb::Observation) {
        self.model.body_poses(observation, &mut self.poses);
        for ((path, pose), shown) in self.paths.iter().zip(&self.poses).zip(&mut self.shown) {
            let still = |old: &Isometry3<f64>| {
                (old.translation.vector - pose.translation.vector).norm() < STILL
                    && old.rotation.angle_to(&pose.rotation) < STILL
            };
            if !shown.as_ref().is_some_and(still) {
                let transform =
                    Transform3D::from_translation_rotation(point(&pose.translation.vector), turn(pose));
                sink.log(path, &transform);
                *shown = Some(*pose);
            }
        }
    }
}

fn path(body: &Body) -> String {
    let branch = match body.kind {
        BodyKind::Link => "robot",
        BodyKind::Object | BodyKind::Fixture => "objects",
    };
    format!("{WORLD}/{branch}/{}", body.name)
}

#[expect(clippy::cast_possible_truncation, reason = "Rerun draws in single precision")]
pub(crate) fn point(vector: &nalgebra::Vector3<f64>) -> [f32; 3] {
    [vector.x as f32, vector.y as f32, vector.z as f32]
}

#[expect(clippy::cast_possible_truncation, reason = "Rerun draws in single precision")]
fn turn(pose: &Isometry3<f64>) -> Quaternion {
    let turn = pose.rotation.quaternion();
    Quaternion::from_xyzw([turn.i as f32, turn.j as f32, turn.k as f32, turn.w as f32])
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
fn colour(rgba: [f32; 4]) -> rerun::Color {
    let [r, g, b, a] = rgba.map(|channel| (channel * 255.0).round() as u8);
    rerun::Color::from_unmultiplied_rgba(r, g, b, a)
}

/// All parts of one kind together: where each is, how it is turned, its colour, and its size.
struct Batch {
    centers: Vec<[f32; 3]>,
    turns: Vec<Quaternion>,
    colours: Vec<rerun::Color>,
    sizes: Vec<[f32; 3]>,
}

fn batch(parts: &[Part], size: impl Fn(&Shape) -> Option<[f64; 3]>) -> Option<Batch> {
    let mut batch = Batch { centers: Vec::new(), turns: Vec::new(), colours: Vec::new(), sizes: Vec::new() };
    for part in parts {
        if let Some(size) = size(&part.shape) {
            batch.centers.push(point(&part.origin.translation.vector));
            batch.turns.push(turn(&part.origin));
            batch.colours.push(colour(part.rgba));
            batch.sizes.push(point(&size.into()));
        }
    }
    (!batch.sizes.is_empty()).then_some(batch)
}

fn shapes(sink: &mut Sink, path: &str, parts: &[Part]) {
    let boxes = batch(parts, |shape| match shape {
        Shape::Box { size } => Some([size.x / 2.0, size.y / 2.0, size.z / 2.0]),
        Shape::Cylinder { .. } | Shape::Sphere { .. } => None,
    });
    if let Some(batch) = boxes {
        let solid = Boxes3D::from_centers_and_half_sizes(batch.centers, batch.sizes)
            .with_quaternions(batch.turns)
            .with_colors(batch.colours)
            .with_fill_mode(FillMode::Solid);
        sink.log_static(&format!("{path}/boxes"), &solid);
    }
    let cylinders = batch(parts, |shape| match shape {
        Shape::Cylinder { radius, length } => Some([*radius, *length, 0.0]),
        Shape::Box { .. } | Shape::Sphere { .. } => None,
    });
    if let Some(batch) = cylinders {
        let (lengths, radii): (Vec<f32>, Vec<f32>) =
            batch.sizes.iter().map(|size| (size[1], size[0])).unzip();
        let solid = Cylinders3D::from_lengths_and_radii(lengths, radii)
            .with_centers(batch.centers)
            .with_quaternions(batch.turns)
            .with_colors(batch.colours)
            .with_fill_mode(FillMode::Solid);
        sink.log_static(&format!("{path}/cylinders"), &solid);
    }
    let spheres = batch(parts, |shape| match shape {
        Shape::Sphere { radius } => Some([*radius; 3]),
        Shape::Box { .. } | Shape::Cylinder { .. } => None,
    });
    if let Some(batch) = spheres {
        let solid = Ellipsoids3D::from_centers_and_half_sizes(batch.centers, batch.sizes)
            .with_colors(batch.colours)
            .with_fill_mode(FillMode::Solid);
        sink.log_static(&format!("{path}/spheres"), &solid);
    }
}
