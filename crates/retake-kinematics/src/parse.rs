//! URDF text into a [`Model`]: every reference is resolved and every number checked here, so that nothing later fails.

use nalgebra::{Isometry3, Matrix3, Translation3, Unit, UnitQuaternion, Vector3};

use crate::model::{Inertial, Joint, JointKind, JointLimit, Link, Model, ModelError, Shape, Source, Visual};

/// Colour of a part whose description names none.
const PLAIN: [f32; 4] = [0.7, 0.7, 0.7, 1.0];

impl Model {
    /// Reads a URDF.
    ///
    /// Supports revolute, continuous, prismatic and fixed joints, mimics of independent joints, and boxes, cylinders
    /// and spheres (no meshes).
    ///
    /// # Errors
    /// [`ModelError`] with the joint or link at fault.
    pub fn from_urdf(text: &str) -> Result<Self, ModelError> {
        let robot = urdf_rs::read_from_string(text)
            .map_err(|error| ModelError::Unreadable { reason: error.to_string() })?;
        let links = robot
            .links
            .iter()
            .map(|link| read_link(link, &robot.materials))
            .collect::<Result<Vec<_>, _>>()?;
        let independent: Vec<&urdf_rs::Joint> =
            robot.joints.iter().filter(|joint| moves(joint) && joint.mimic.is_none()).collect();
        let names: Vec<String> = independent.iter().map(|joint| joint.name.clone()).collect();
        let joints = robot
            .joints
            .iter()
            .map(|joint| read_joint(joint, &links, &names))
            .collect::<Result<Vec<_>, _>>()?;
        let limits = independent.iter().map(|joint| read_limit(joint)).collect::<Result<Vec<_>, _>>()?;
        let (joints, root) = sort(joints, links.len())?;
        Ok(Self { name: robot.name, links, joints, root, names, limits })
    }
}

fn moves(joint: &urdf_rs::Joint) -> bool {
    joint.joint_type != urdf_rs::JointType::Fixed
}

fn read_link(link: &urdf_rs::Link, materials: &[urdf_rs::Material]) -> Result<Link, ModelError> {
    let visuals = link
        .visual
        .iter()
        .map(|visual| {
            Ok(Visual {
                shape: read_shape(&link.name, &visual.geometry)?,
                origin: read_pose(&link.name, &visual.origin)?,
                rgba: read_colour(visual.material.as_ref(), materials),
            })
        })
        .collect::<Result<Vec<_>, ModelError>>()?;
    let collisions = link
        .collision
        .iter()
        .map(|part| {
            Ok(Visual {
                shape: read_shape(&link.name, &part.geometry)?,
                origin: read_pose(&link.name, &part.origin)?,
                rgba: PLAIN,
            })
        })
        .collect::<Result<Vec<_>, ModelError>>()?;
    let given = &link.inertial.inertia;
    let inertia = Matrix3::new(
        given.ixx, given.ixy, given.ixz, given.ixy, given.iyy, given.iyz, given.ixz, given.iyz, given.izz,
    );
    let mass = link.inertial.mass.value;
    if !mass.is_finite() || mass < 0.0 || inertia.iter().any(|value| !value.is_finite()) {
        return Err(ModelError::BadNumber { owner: link.name.clone(), field: "inertial" });
    }
    let origin = read_pose(&link.name, &link.inertial.origin)?;
    Ok(Link { name: link.name.clone(), visuals, collisions, inertial: Inertial { mass, origin, inertia } })
}

fn read_shape(owner: &str, geometry: &urdf_rs::Geometry) -> Result<Shape, ModelError> {
    let unsupported = |feature| Err(ModelError::Unsupported { owner: owner.to_owned(), feature });
    let shape = match geometry {
        urdf_rs::Geometry::Box { size } => Shape::Box { size: Vector3::new(size[0], size[1], size[2]) },
        urdf_rs::Geometry::Cylinder { radius, length } => {
            Shape::Cylinder { radius: *radius, length: *length }
        }
        urdf_rs::Geometry::Sphere { radius } => Shape::Sphere { radius: *radius },
        urdf_rs::Geometry::Capsule { .. } => return unsupported("capsule geometry"),
        urdf_rs::Geometry::Mesh { .. } => return unsupported("mesh geometry"),
    };
    let sides = match shape {
        Shape::Box { size } => [size.x, size.y, size.z],
        Shape::Cylinder { radius, length } => [radius, length, length],
        Shape::Sphere { radius } => [radius; 3],
    };
    if sides.iter().all(|side| side.is_finite() && *side > 0.0) {
        Ok(shape)
    } else {
        Err(ModelError::BadNumber { owner: owner.to_owned(), field: "geometry" })
    }
}

fn read_colour(material: Option<&urdf_rs::Material>, materials: &[urdf_rs::Material]) -> [f32; 4] {
    let Some(material) = material else { return PLAIN };
    let shared = materials.iter().find(|shared| shared.name == material.name);
    let colour = material.color.as_ref().or_else(|| shared.and_then(|shared| shared.color.as_ref()));
    #[expect(clippy::cast_possible_truncation, reason = "a colour needs eight bits")]
    colour.map_or(PLAIN, |colour| colour.rgba.map(|channel| channel as f32))
}

fn read_pose(owner: &str, pose: &urdf_rs::Pose) -> Result<Isometry3<f64>, ModelError> {
    let ([x, y, z], [roll, pitch, yaw]) = (pose.xyz.0, pose.rpy.0);
    if [x, y, z, roll, pitch, yaw].iter().all(|value| value.is_finite()) {
        let rotation = UnitQuaternion::from_euler_angles(roll, pitch, yaw);
        Ok(Isometry3::from_parts(Translation3::new(x, y, z), rotation))
    } else {
        Err(ModelError::BadNumber { owner: owner.to_owned(), field: "origin" })
    }
}

fn read_joint(joint: &urdf_rs::Joint, links: &[Link], names: &[String]) -> Result<Joint, ModelError> {
    let link = |name: &str| {
        links
            .iter()
            .position(|link| link.name == name)
            .ok_or_else(|| ModelError::UnknownLink { joint: joint.name.clone(), link: name.to_owned() })
    };
    let unsupported = |feature| Err(ModelError::Unsupported { owner: joint.name.clone(), feature });
    let kind = match joint.joint_type {
        urdf_rs::JointType::Revolute | urdf_rs::JointType::Continuous => {
            JointKind::Revolute(read_axis(joint)?)
        }
        urdf_rs::JointType::Prismatic => JointKind::Prismatic(read_axis(joint)?),
        urdf_rs::JointType::Fixed => JointKind::Fixed,
        urdf_rs::JointType::Floating => return unsupported("floating joint"),
        urdf_rs::JointType::Planar => return unsupported("planar joint"),
        urdf_rs::JointType::Spherical => return unsupported("spherical joint"),
    };
    let source = match (&joint.mimic, moves(joint)) {
        (_, false) => None,
        (None, true) => names.iter().position(|name| *name == joint.name).map(|index| Source {
            index,
            multiplier: 1.0,
            offset: 0.0,
        }),
        (Some(mimic), true) => Some(read_mimic(&joint.name, mimic, names)?),
    };
    Ok(Joint {
        name: joint.name.clone(),
        kind,
        parent: link(&joint.parent.link)?,
        child: link(&joint.child.link)?,
        origin: read_pose(&joint.name, &joint.origin)?,
        limit: read_limit(joint)?,
        source,
    })
}

fn read_mimic(joint: &str, mimic: &urdf_rs::Mimic, names: &[String]) -> Result<Source, ModelError> {
    let index = names.iter().position(|name| *name == mimic.joint).ok_or_else(|| {
        ModelError::UnknownMimic { joint: joint.to_owned(), source_joint: mimic.joint.clone() }
    })?;
    let (multiplier, offset) = (mimic.multiplier.unwrap_or(1.0), mimic.offset.unwrap_or(0.0));
    if multiplier.is_finite() && offset.is_finite() {
        Ok(Source { index, multiplier, offset })
    } else {
        Err(ModelError::BadNumber { owner: joint.to_owned(), field: "mimic" })
    }
}

fn read_axis(joint: &urdf_rs::Joint) -> Result<Unit<Vector3<f64>>, ModelError> {
    Unit::try_new(Vector3::from(joint.axis.xyz.0), 1e-6)
        .filter(|axis| axis.iter().all(|value| value.is_finite()))
        .ok_or_else(|| ModelError::BadNumber { owner: joint.name.clone(), field: "axis" })
}

fn read_limit(joint: &urdf_rs::Joint) -> Result<JointLimit, ModelError> {
    let given = &joint.limit;
    let mut limit =
        JointLimit { lower: given.lower, upper: given.upper, velocity: given.velocity, effort: given.effort };
    if joint.joint_type == urdf_rs::JointType::Continuous {
        (limit.lower, limit.upper) = (f64::NEG_INFINITY, f64::INFINITY);
    }
    let ordered = limit.lower <= limit.upper;
    let positive = limit.velocity >= 0.0 && limit.effort >= 0.0;
    if ordered && positive && (limit.velocity > 0.0 || !moves(joint)) {
        Ok(limit)
    } else {
        Err(ModelError::BadNumber { owner: joint.name.clone(), field: "limit" })
    }
}

/// Joints in an order in which every parent is placed before its children, and the one root.
fn sort(joints: Vec<Joint>, links: usize) -> Result<(Vec<Joint>, usize), ModelError> {
    let mut reached = vec![true; links];
    for joint in &joints {
        // A link with two parents closes a loop; it shows below as a joint that is never placed.
        reached[joint.child] = false;
    }
    let roots = reached.iter().filter(|root| **root).count();
    let root = reached.iter().position(|root| *root).filter(|_| roots == 1);
    let root = root.ok_or(ModelError::NotATree { roots })?;
    if joints.len() + 1 != links {
        return Err(ModelError::NotATree { roots });
    }
    let mut waiting = joints;
    let mut sorted = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let before = waiting.len();
        for joint in std::mem::take(&mut waiting) {
            if reached[joint.parent] && !reached[joint.child] {
                reached[joint.child] = true;
                sorted.push(joint);
            } else {
                waiting.push(joint);
            }
        }
        if waiting.len() == before {
            return Err(ModelError::NotATree { roots });
        }
    }
    Ok((sorted, root))
}
