//! The robot as a tree: links with their shapes and masses, joints between them, and where all of it is for given
//! joint positions. Built once by [`Model::from_urdf`] and never changed.

use nalgebra::{Isometry3, Matrix3, Translation3, Unit, UnitQuaternion, Vector3};

/// A primitive shape, centred on its own frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Full edge lengths along x, y, z in metres.
    Box {
        /// Full edge lengths, metres.
        size: Vector3<f64>,
    },
    /// Round bar along its z axis.
    Cylinder {
        /// Metres.
        radius: f64,
        /// Full length along z, metres.
        length: f64,
    },
    /// Ball.
    Sphere {
        /// Metres.
        radius: f64,
    },
}

/// A shape fixed to a link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visual {
    /// What it looks like.
    pub shape: Shape,
    /// Where it sits in its link's frame.
    pub origin: Isometry3<f64>,
    /// Red, green, blue, opacity, each 0 to 1.
    pub rgba: [f32; 4],
}

/// How a link resists being moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inertial {
    /// Kilograms; zero when the description gives none.
    pub mass: f64,
    /// Centre of mass and axes of `inertia`, in the link's frame.
    pub origin: Isometry3<f64>,
    /// Inertia about the centre of mass, kg·m².
    pub inertia: Matrix3<f64>,
}

/// One rigid part of the robot.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Name, unique in the model.
    pub name: String,
    /// What to draw.
    pub visuals: Vec<Visual>,
    /// What touches; colours are meaningless here.
    pub collisions: Vec<Visual>,
    /// Mass properties.
    pub inertial: Inertial,
}

/// How a joint lets its child move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum JointKind {
    /// Turns about the axis (in the joint's frame).
    Revolute(Unit<Vector3<f64>>),
    /// Slides along the axis (in the joint's frame).
    Prismatic(Unit<Vector3<f64>>),
    /// Does not move.
    Fixed,
}

/// Bounds of one joint: radians or metres, per second where it is a rate; newton metres or newtons.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JointLimit {
    /// Least position.
    pub lower: f64,
    /// Greatest position.
    pub upper: f64,
    /// Greatest speed.
    pub velocity: f64,
    /// Greatest torque or force.
    pub effort: f64,
}

/// Where a moving joint takes its position from: `positions[index] * multiplier + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Source {
    /// Index into [`Model::joint_names`].
    pub index: usize,
    /// One for a joint that is not a mimic.
    pub multiplier: f64,
    /// Zero for a joint that is not a mimic.
    pub offset: f64,
}

/// The connection between a link and its parent.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    /// Name, unique in the model.
    pub name: String,
    /// How it moves.
    pub kind: JointKind,
    /// Index of the parent in [`Model::links`].
    pub parent: usize,
    /// Index of the child in [`Model::links`].
    pub child: usize,
    /// Pose of the joint, at position zero, in the parent link's frame.
    pub origin: Isometry3<f64>,
    /// Its bounds; all zero for a fixed joint.
    pub limit: JointLimit,
    /// Whose position drives it; `None` for a fixed joint.
    pub source: Option<Source>,
}

impl Joint {
    /// Pose of the child link in the parent link's frame at `position` (radians or metres).
    #[must_use]
    pub fn transform(&self, position: f64) -> Isometry3<f64> {
        self.origin * self.kind.transform(position)
    }
}

impl JointKind {
    /// The motion away from position zero, in the joint's frame.
    #[must_use]
    pub fn transform(&self, position: f64) -> Isometry3<f64> {
        match self {
            Self::Revolute(axis) => Isometry3::from_parts(
                Translation3::identity(),
                UnitQuaternion::from_axis_angle(axis, position),
            ),
            Self::Prismatic(axis) => {
                Isometry3::from_parts((axis.into_inner() * position).into(), UnitQuaternion::identity())
            }
            Self::Fixed => Isometry3::identity(),
        }
    }
}

/// Why a description could not be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ModelError {
    /// The text is no URDF.
    #[error("not a readable URDF: {reason}")]
    Unreadable {
        /// The parser's own words.
        reason: String,
    },
    /// A joint names a link that is not there.
    #[error("joint `{joint}` names link `{link}`, which does not exist")]
    UnknownLink {
        /// The joint.
        joint: String,
        /// The missing link.
        link: String,
    },
    /// A mimic joint follows a joint that is not there, is fixed, or is a mimic itself.
    #[error("joint `{joint}` mimics `{source_joint}`, which is no independent moving joint")]
    UnknownMimic {
        /// The mimic.
        joint: String,
        /// What it names.
        source_joint: String,
    },
    /// The joints do not form one tree.
    #[error(
        "{roots} links have no parent or close a loop; a robot is one tree, so exactly 1 must be the root"
    )]
    NotATree {
        /// How many links no joint leads to.
        roots: usize,
    },
    /// A joint type or shape this crate does not do.
    #[error("`{owner}` uses `{feature}`, which is not supported")]
    Unsupported {
        /// The joint or link.
        owner: String,
        /// What it uses.
        feature: &'static str,
    },
    /// A length, limit or pose is not a finite number, or limits are reversed.
    #[error("`{owner}` has a number that makes no sense: {field}")]
    BadNumber {
        /// The joint or link.
        owner: String,
        /// Which one.
        field: &'static str,
    },
    /// No link of that name to end a chain at.
    #[error("no link `{link}`; the model has: {}", known.join(", "))]
    NoSuchTip {
        /// What was asked for.
        link: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The way to the tip leads over a mimic joint, which a chain of independent joints cannot express.
    #[error("the way to `{link}` leads over the mimic joint `{joint}`")]
    MimicInChain {
        /// The tip.
        link: String,
        /// The mimic.
        joint: String,
    },
}

/// A robot: links, joints, and which joints are free to be commanded.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    pub(crate) name: String,
    pub(crate) links: Vec<Link>,
    /// Sorted so that a joint comes after the one that moves its parent.
    pub(crate) joints: Vec<Joint>,
    pub(crate) root: usize,
    pub(crate) names: Vec<String>,
    pub(crate) limits: Vec<JointLimit>,
}

impl Model {
    /// The name in the description.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The links, in the order of the description.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The joints, each after the joint that moves its parent.
    #[must_use]
    pub fn joints(&self) -> &[Joint] {
        &self.joints
    }

    /// Index in [`Model::links`] of the link that stands on the ground.
    #[must_use]
    pub fn root(&self) -> usize {
        self.root
    }

    /// Names of the joints that move on their own (no fixed ones, no mimics), in the order of the description.
    #[must_use]
    pub fn joint_names(&self) -> &[String] {
        &self.names
    }

    /// Limits of the joints of [`Model::joint_names`], same order.
    #[must_use]
    pub fn limits(&self) -> &[JointLimit] {
        &self.limits
    }

    /// Index of a link by name.
    #[must_use]
    pub fn link_index(&self, name: &str) -> Option<usize> {
        self.links.iter().position(|link| link.name == name)
    }

    /// Writes the pose of every link, in the order of [`Model::links`], into `out` (whatever it held goes).
    ///
    /// `positions` follow [`Model::joint_names`]; a joint without a value (the slice is short) stands at zero, so that
    /// a caller who knows only the arm can leave the gripper away.
    pub fn link_poses(&self, positions: &[f64], out: &mut Vec<Isometry3<f64>>) {
        out.clear();
        out.resize(self.links.len(), Isometry3::identity());
        for joint in &self.joints {
            let position = joint.source.map_or(0.0, |source| {
                let own = positions.get(source.index).copied().unwrap_or(0.0);
                own * source.multiplier + source.offset
            });
            out[joint.child] = out[joint.parent] * joint.transform(position);
        }
    }
}
