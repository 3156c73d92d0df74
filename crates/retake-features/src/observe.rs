//! Observations as numbers.

use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion};
use retake_wire::pb::{GroupValues, Observation, Pose, RobotDescriptor};
use serde::{Deserialize, Serialize};

/// A part of the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// What it is, as `tool_pos`.
    pub name: String,
    /// Numbers in it.
    pub width: usize,
}

/// Makes rows of observations.
///
/// A row has, in this order: the tool's place in the base frame (metres) and its turn; for each movable object its place and turn
/// as the tool sees them, and in the base frame; for each group that is no arm, what was measured and what was last applied; and the
/// force of the grip (newtons). A turn is the first two columns of its rotation matrix (Zhou et al., 2019), because these six numbers
/// do not jump. Joints are left out: the tool's pose says what matters of them. So are speeds, of which clones learn to go on with
/// what they do (de Haan et al., 2019).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features {
    keys: Vec<Key>,
    objects: usize,
    /// Index and width of groups that are no arm.
    others: Vec<(usize, usize)>,
    groups: usize,
}

impl Features {
    /// For a robot of this kind, of which group `arm` moves the tool.
    pub(crate) fn new(robot: &RobotDescriptor, arm: usize) -> Self {
        let objects: Vec<_> = robot.objects.iter().filter(|object| !object.fixed).collect();
        let others: Vec<(usize, usize)> = robot
            .groups
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != arm)
            .map(|(index, group)| (index, group.lower.len()))
            .collect();
        let key = |name: String, width: usize| Key { name, width };
        let mut keys = vec![key("tool_pos".into(), 3), key("tool_rot6d".into(), 6)];
        for object in &objects {
            for (suffix, width) in [("pos_in_tool", 3), ("rot6d_in_tool", 6), ("pos", 3), ("rot6d", 6)] {
                keys.push(key(format!("{}_{suffix}", object.name), width));
            }
        }
        for (index, width) in &others {
            let name = robot.groups.get(*index).map_or("", |group| &group.name);
            keys.push(key(format!("{name}_pos"), *width));
            keys.push(key(format!("{name}_applied"), *width));
        }
        keys.push(key("grip_force".into(), 1));
        Self { keys, objects: objects.len(), others, groups: robot.groups.len() }
    }

    /// Parts of a row, in order.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Numbers in a row.
    pub fn width(&self) -> usize {
        self.keys.iter().map(|key| key.width).sum()
    }

    /// The row of an observation, with what was last applied to each group; none if something of it is missing or no number.
    pub fn row(&self, observation: &Observation, applied: &[GroupValues]) -> Option<Vec<f32>> {
        let tool = isometry(observation.tool.as_ref()?)?;
        if observation.objects.len() != self.objects || observation.position.len() != self.groups {
            return None;
        }
        let mut row = Vec::with_capacity(self.width());
        push_pose(&mut row, &tool);
        for object in &observation.objects {
            let object = isometry(object)?;
            push_pose(&mut row, &tool.inv_mul(&object));
            push_pose(&mut row, &object);
        }
        for (index, width) in &self.others {
            for group in [observation.position.get(*index)?, applied.get(*index)?] {
                if group.values.len() != *width {
                    return None;
                }
                row.extend(group.values.iter().copied().map(narrow));
            }
        }
        row.push(narrow(observation.grip_force));
        row.iter().all(|value| value.is_finite()).then_some(row)
    }
}

fn push_pose(row: &mut Vec<f32>, pose: &Isometry3<f64>) {
    row.extend(pose.translation.vector.iter().copied().map(narrow));
    let turn = pose.rotation.to_rotation_matrix();
    row.extend(turn.matrix().iter().take(6).copied().map(narrow));
}

#[expect(clippy::cast_possible_truncation, reason = "networks compute with 32-bit floats")]
pub(crate) const fn narrow(value: f64) -> f32 {
    value as f32
}

fn isometry(pose: &Pose) -> Option<Isometry3<f64>> {
    let rotation = UnitQuaternion::try_new(Quaternion::new(pose.qw, pose.qx, pose.qy, pose.qz), 1e-6)?;
    Some(Isometry3::from_parts(Translation3::new(pose.x, pose.y, pose.z), rotation))
}
