//! A descriptor as things with shapes, and an observation as where they are.

use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion, Vector3};
use retake_kinematics::{Model, ModelError, Shape};
use retake_wire::pb;

use crate::{CameraView, Item, Scene};

/// Why a descriptor cannot be drawn.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SceneError {
    /// Its kinematic model cannot be read.
    #[error("the descriptor's kinematic model cannot be drawn: {0}")]
    Model(#[from] ModelError),
    /// A camera sits on a link that does not exist.
    #[error("camera {camera:?} is fixed to link {link:?}, which the kinematic model does not have")]
    UnknownLink {
        /// The camera.
        camera: String,
        /// The missing link.
        link: String,
    },
    /// A camera has no size, no rate or no field of view.
    #[error("camera {camera:?} has a size, rate or field of view that cannot be drawn")]
    BadCamera {
        /// The camera.
        camera: String,
    },
    /// A shape has no kind.
    #[error("object {object:?} has a shape of no known kind")]
    BadShape {
        /// The object.
        object: String,
    },
}

/// Whether a body belongs to the robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// A link of the robot.
    Link,
    /// A scene object that moves.
    Object,
    /// A scene object that never moves.
    Fixture,
}

/// A primitive in its body's frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// What it is.
    pub shape: Shape,
    /// Where it sits on the body.
    pub origin: Isometry3<f64>,
    /// Red, green, blue, opacity, 0 to 1.
    pub rgba: [f32; 4],
}

/// A rigid thing made of primitives.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// Link or object name.
    pub name: String,
    /// What sort of thing it is.
    pub kind: BodyKind,
    /// What to draw.
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Mount {
    link: Option<usize>,
    pose: Isometry3<f64>,
    fov_y: f64,
}

/// Where a joint's position comes from.
#[derive(Clone, Copy, Debug)]
struct Feed {
    joint: usize,
    group: usize,
    value: usize,
    factor: f64,
}

/// Everything that can be drawn of a robot and its scene. Bodies are the links, then the objects in descriptor order.
#[derive(Clone, Debug)]
pub struct SceneModel {
    model: Model,
    feeds: Vec<Feed>,
    bodies: Vec<Body>,
    /// Poses of objects until an observation says otherwise.
    resting: Vec<Isometry3<f64>>,
    mounts: Vec<Mount>,
}

impl SceneModel {
    /// Reads the descriptor's kinematic model, objects and cameras.
    ///
    /// # Errors
    /// If any of them cannot be drawn.
    pub fn from_descriptor(descriptor: &pb::RobotDescriptor) -> Result<Self, SceneError> {
        let model = Model::from_urdf(&descriptor.urdf)?;
        let mut bodies: Vec<Body> = model.links().iter().map(link_body).collect();
        for object in &descriptor.objects {
            bodies.push(object_body(object)?);
        }
        let mounts =
            descriptor.cameras.iter().map(|camera| mount(camera, &model)).collect::<Result<_, _>>()?;
        let resting = descriptor.objects.iter().map(|object| isometry(object.pose.as_ref())).collect();
        Ok(Self { feeds: feeds(descriptor, &model), model, bodies, resting, mounts })
    }

    /// The links, then the objects, in the order of [`Self::body_poses`].
    pub fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// Writes the pose of every body at `observation` into `out`, in the base frame.
    pub fn body_poses(&self, observation: &pb::Observation, out: &mut Vec<Isometry3<f64>>) {
        let mut joints = vec![0.0; self.model.joint_names().len()];
        for feed in &self.feeds {
            let value = observation.position.get(feed.group).and_then(|group| group.values.get(feed.value));
            joints[feed.joint] = value.copied().unwrap_or(0.0) * feed.factor;
        }
        self.model.link_poses(&joints, out);
        let mut seen = observation.objects.iter();
        for (body, resting) in self.bodies[out.len()..].iter().zip(&self.resting) {
            let pose = if body.kind == BodyKind::Fixture { None } else { seen.next() };
            out.push(pose.map_or(*resting, |pose| isometry(Some(pose))));
        }
    }

    /// Everything at its place at `observation`.
    pub fn pose(&self, observation: &pb::Observation) -> Scene {
        let mut poses = Vec::with_capacity(self.bodies.len());
        self.body_poses(observation, &mut poses);
        self.place(&poses)
    }

    /// Everything at `poses`, which come from [`Self::body_poses`].
    pub fn place(&self, poses: &[Isometry3<f64>]) -> Scene {
        let items = self.bodies.iter().zip(poses).flat_map(|(body, pose)| {
            body.parts.iter().map(move |part| Item {
                shape: part.shape,
                pose: pose * part.origin,
                rgba: part.rgba,
            })
        });
        Scene { items: items.collect() }
    }

    /// The descriptor's camera of that index, with the bodies at `poses`.
    pub fn camera(&self, index: usize, poses: &[Isometry3<f64>]) -> Option<CameraView> {
        let mount = self.mounts.get(index)?;
        let frame = mount.link.and_then(|link| poses.get(link)).copied().unwrap_or_default();
        Some(CameraView { pose: frame * mount.pose, fov_y: mount.fov_y })
    }

    /// Index among [`Self::bodies`] of the link a camera is fixed to; `None` for the base frame.
    pub fn camera_link(&self, index: usize) -> Option<usize> {
        self.mounts.get(index)?.link
    }
}

fn link_body(link: &retake_kinematics::Link) -> Body {
    let parts =
        link.visuals.iter().map(|v| Part { shape: v.shape, origin: v.origin, rgba: v.rgba }).collect();
    Body { name: link.name.clone(), kind: BodyKind::Link, parts }
}

fn object_body(object: &pb::SceneObject) -> Result<Body, SceneError> {
    let part = |shape: &pb::Shape| {
        let bad = || SceneError::BadShape { object: object.name.clone() };
        let solid = match shape.kind() {
            pb::ShapeKind::Box => Shape::Box { size: Vector3::new(shape.size_x, shape.size_y, shape.size_z) },
            pb::ShapeKind::Cylinder => Shape::Cylinder { radius: shape.size_x, length: shape.size_y },
            pb::ShapeKind::Sphere => Shape::Sphere { radius: shape.size_x },
            pb::ShapeKind::Unspecified => return Err(bad()),
        };
        let rgba = shape.rgba.to_be_bytes().map(|channel| f32::from(channel) / 255.0);
        Ok(Part { shape: solid, origin: isometry(shape.pose.as_ref()), rgba })
    };
    let kind = if object.fixed { BodyKind::Fixture } else { BodyKind::Object };
    let parts = object.shapes.iter().map(part).collect::<Result<_, _>>()?;
    Ok(Body { name: object.name.clone(), kind, parts })
}

fn mount(camera: &pb::Camera, model: &Model) -> Result<Mount, SceneError> {
    let sides = 1..=crate::MAX_SIDE;
    let fits = sides.contains(&camera.width) && sides.contains(&camera.height);
    if !fits || !(0.01..=1000.0).contains(&camera.hz) || !(0.01..3.1).contains(&camera.fov_y) {
        return Err(SceneError::BadCamera { camera: camera.name.clone() });
    }
    let unknown = || SceneError::UnknownLink { camera: camera.name.clone(), link: camera.link.clone() };
    let link = match camera.link.as_str() {
        "" => None,
        name => Some(model.link_index(name).ok_or_else(unknown)?),
    };
    Ok(Mount { link, pose: isometry(camera.pose.as_ref()), fov_y: camera.fov_y })
}

/// A scalar group is the opening between two fingers, of which each moves half. If it names no joints, it moves those
/// that no other group names.
fn feeds(descriptor: &pb::RobotDescriptor, model: &Model) -> Vec<Feed> {
    let names = model.joint_names();
    let named = |name: &str| descriptor.groups.iter().any(|group| group.joints.iter().any(|j| j == name));
    let mut feeds = Vec::new();
    for (group, described) in descriptor.groups.iter().enumerate() {
        let scalar = described.space() == pb::CommandSpace::Scalar;
        for (joint, name) in names.iter().enumerate() {
            let own = described.joints.iter().position(|own| own == name);
            let left_over = scalar && described.joints.is_empty() && !named(name);
            if scalar && (own.is_some() || left_over) {
                feeds.push(Feed { joint, group, value: 0, factor: 0.5 });
            } else if let Some(value) = own {
                feeds.push(Feed { joint, group, value, factor: 1.0 });
            }
        }
    }
    feeds
}

/// A pose from the wire; missing is the origin, and a quaternion of no length is no turn.
fn isometry(pose: Option<&pb::Pose>) -> Isometry3<f64> {
    let Some(pose) = pose else { return Isometry3::identity() };
    let turn = Quaternion::new(pose.qw, pose.qx, pose.qy, pose.qz);
    let turn = UnitQuaternion::try_new(turn, 1e-9).unwrap_or_else(UnitQuaternion::identity);
    Isometry3::from_parts(Translation3::new(pose.x, pose.y, pose.z), turn)
}
