//! One way through the tree, from the base to a tip, as a function of its joints: forward kinematics and Jacobian.

use nalgebra::{Isometry3, Matrix6xX, Vector3};

use crate::model::{JointKind, JointLimit, Model, ModelError};

/// One joint on the way: a fixed offset, then a motion.
#[derive(Clone, Debug)]
struct Segment {
    origin: Isometry3<f64>,
    kind: JointKind,
}

/// The joints between the base and one link, as functions of their positions.
///
/// Position slices hold [`Chain::dof`] values, base to tip; a missing value counts as zero and spare ones are ignored.
#[derive(Clone, Debug)]
pub struct Chain {
    segments: Vec<Segment>,
    /// From the last moving joint to the tip.
    tip: Isometry3<f64>,
    names: Vec<String>,
    limits: Vec<JointLimit>,
}

impl Model {
    /// The chain from the base to `tip_link`.
    ///
    /// # Errors
    /// [`ModelError::NoSuchTip`] with the links there are; [`ModelError::MimicInChain`].
    pub fn chain(&self, tip_link: &str) -> Result<Chain, ModelError> {
        let mut link = self.link_index(tip_link).ok_or_else(|| ModelError::NoSuchTip {
            link: tip_link.to_owned(),
            known: self.links().iter().map(|link| link.name.clone()).collect(),
        })?;
        let mut path = Vec::new();
        while let Some(joint) = self.joints().iter().find(|joint| joint.child == link) {
            path.push(joint);
            link = joint.parent;
        }
        let mut chain =
            Chain { segments: Vec::new(), tip: Isometry3::identity(), names: Vec::new(), limits: Vec::new() };
        for joint in path.into_iter().rev() {
            let origin = chain.tip * joint.origin;
            if joint.kind == JointKind::Fixed {
                chain.tip = origin;
                continue;
            }
            if !self.joint_names().contains(&joint.name) {
                return Err(ModelError::MimicInChain {
                    link: tip_link.to_owned(),
                    joint: joint.name.clone(),
                });
            }
            chain.segments.push(Segment { origin, kind: joint.kind });
            chain.names.push(joint.name.clone());
            chain.limits.push(joint.limit);
            chain.tip = Isometry3::identity();
        }
        Ok(chain)
    }
}

impl Chain {
    /// How many joints move.
    #[must_use]
    pub fn dof(&self) -> usize {
        self.segments.len()
    }

    /// Joint names, base to tip.
    #[must_use]
    pub fn joint_names(&self) -> &[String] {
        &self.names
    }

    /// Joint limits, base to tip.
    #[must_use]
    pub fn limits(&self) -> &[JointLimit] {
        &self.limits
    }

    /// Pose of the tip in the base frame at joint positions `q`.
    #[must_use]
    pub fn forward(&self, q: &[f64]) -> Isometry3<f64> {
        let place = |pose: Isometry3<f64>, (index, segment): (usize, &Segment)| {
            pose * segment.origin * segment.kind.transform(at(q, index))
        };
        self.segments.iter().enumerate().fold(Isometry3::identity(), place) * self.tip
    }

    /// The 6×n matrix from joint velocities to the tip's twist in the base frame; linear rows first.
    #[must_use]
    pub fn jacobian(&self, q: &[f64]) -> Matrix6xX<f64> {
        self.forward_jacobian(q).1
    }

    /// Both at the cost of one.
    pub(crate) fn forward_jacobian(&self, q: &[f64]) -> (Isometry3<f64>, Matrix6xX<f64>) {
        let mut pose = Isometry3::identity();
        let mut axes: Vec<(Vector3<f64>, Vector3<f64>)> = Vec::with_capacity(self.dof());
        for (index, segment) in self.segments.iter().enumerate() {
            pose *= segment.origin;
            let axis = match segment.kind {
                JointKind::Revolute(axis) | JointKind::Prismatic(axis) => pose.rotation * axis.into_inner(),
                JointKind::Fixed => Vector3::zeros(),
            };
            axes.push((axis, pose.translation.vector));
            pose *= segment.kind.transform(at(q, index));
        }
        pose *= self.tip;
        let mut jacobian = Matrix6xX::zeros(self.dof());
        for (index, (segment, (axis, origin))) in self.segments.iter().zip(axes).enumerate() {
            let (linear, angular) = match segment.kind {
                JointKind::Revolute(_) => (axis.cross(&(pose.translation.vector - origin)), axis),
                JointKind::Prismatic(_) | JointKind::Fixed => (axis, Vector3::zeros()),
            };
            jacobian.fixed_view_mut::<3, 1>(0, index).copy_from(&linear);
            jacobian.fixed_view_mut::<3, 1>(3, index).copy_from(&angular);
        }
        (pose, jacobian)
    }
}

/// The value of joint `index`, zero where the slice ends.
pub(crate) fn at(values: &[f64], index: usize) -> f64 {
    values.get(index).copied().unwrap_or(0.0)
}
