//! How far along a scene is, read from the scene alone.
//!
//! Nothing is remembered: after a rewind, a human's correction or a dropped object the stage simply is what the
//! geometry says, and the expert goes on from there.

use nalgebra::{Isometry3, Vector3};
use retake_kinematics::Shape;
use serde::{Deserialize, Serialize};

use crate::geometry::{flat, heading, smallest, tilt, yaw};
use crate::task::{Scene, Success, Task};

/// Height of the tool above the grasp from which the object is approached.
pub(crate) const APPROACH_HEIGHT: f64 = 0.08;
/// Opening beyond the width of what is taken.
const OPEN_MARGIN: f64 = 0.030;
/// An object that leans more than this lies on its edge, radians.
const TIPPED: f64 = 0.6;
/// Room under a carried object when it passes over a peg.
pub(crate) const CARRY_CLEARANCE: f64 = 0.03;

/// One kind of step on the way through a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Move above the object, hand open.
    Reach,
    /// Move down to it.
    Descend,
    /// Close the hand.
    Grasp,
    /// Raise it.
    Lift,
    /// Bring it above its place and turn it to fit.
    Carry,
    /// Put it down.
    Lower,
    /// Open the hand.
    Release,
    /// Move the hand away.
    Retreat,
}

impl Phase {
    /// Lower-case name, as in task files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::Descend => "descend",
            Self::Grasp => "grasp",
            Self::Lift => "lift",
            Self::Carry => "carry",
            Self::Lower => "lower",
            Self::Release => "release",
            Self::Retreat => "retreat",
        }
    }
}

/// Where in a task a scene is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Index into [`Task::stages`].
    pub index: usize,
    /// The step.
    pub phase: Phase,
}

impl Task {
    /// The step this scene is at. A scene with fewer objects than the task has is at the first.
    #[must_use]
    pub fn stage(&self, scene: &Scene) -> Stage {
        let phase = Situation::of(self, scene).map_or(Phase::Reach, |situation| situation.phase());
        let index = self.stages.iter().position(|stage| *stage == phase).unwrap_or(0);
        Stage { index, phase }
    }
}

/// A scene in the terms a task is solved in.
#[derive(Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) task: &'a Task,
    pub(crate) scene: &'a Scene,
    /// The object to move.
    pub(crate) object: Isometry3<f64>,
    /// Where the tool must be to take it.
    pub(crate) grasp: Vector3<f64>,
    /// Heading the tool must have to take it.
    pub(crate) grasp_yaw: f64,
}

/// An object and the peg it goes around.
#[derive(Debug)]
pub(crate) struct Fit {
    /// Where the object goes, horizontally: the peg's middle.
    pub(crate) place: Vector3<f64>,
    /// Horizontal distance still to go.
    pub(crate) offset: f64,
    /// Turn still to make about z.
    pub(crate) turn: f64,
    /// Height of the object's frame when it rests on the table.
    pub(crate) rest: f64,
    /// Height of the object's frame when it is carried over the peg.
    pub(crate) carry: f64,
    /// Whether the peg passes through the hole.
    pub(crate) around: bool,
    /// Whether it is around, low and level.
    pub(crate) seated: bool,
}

impl<'a> Situation<'a> {
    /// `None` when the scene does not have the object.
    pub(crate) fn of(task: &'a Task, scene: &'a Scene) -> Option<Self> {
        let object = *scene.objects.get(task.grasp.object)?;
        let at = task.grasp.at;
        let grasp = (object * nalgebra::Point3::new(at.x, at.y, 0.0)).coords + Vector3::z() * at.z;
        // Of the equivalent ways to take it, the one closest to how the hand is turned now, with a preference for
        // the straight hand, which keeps the wrist away from its limits.
        let (start, hand) = (heading(&object), yaw(&scene.tool));
        let cost = |way: &f64| smallest(way - hand, 1).abs() + 0.5 * way.abs();
        let ways = (0..task.grasp.turns).map(|turn| {
            smallest(start + std::f64::consts::TAU * f64::from(turn) / f64::from(task.grasp.turns), 1)
        });
        let grasp_yaw = ways.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or(start);
        Some(Self { task, scene, object, grasp, grasp_yaw })
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.task.goal {
            Success::Lift { .. } if self.held() => Phase::Lift,
            Success::Lift { .. } => self.approach(),
            Success::Around { .. } => self.fit().map_or(Phase::Reach, |fit| self.around(&fit)),
        }
    }

    fn around(&self, fit: &Fit) -> Phase {
        if fit.seated {
            return if self.released() { Phase::Retreat } else { Phase::Release };
        }
        if !self.held() {
            return self.approach();
        }
        if tilt(&self.object) > TIPPED {
            // On its edge it fits nowhere: raised and dropped, it lands on a side again.
            return if self.object.translation.z > fit.carry - 0.02 { Phase::Release } else { Phase::Lift };
        }
        let aligned = fit.offset < 0.0035 && fit.turn.abs() < 0.05;
        let height = self.object.translation.z;
        if fit.around || (aligned && height < fit.carry + 0.02) {
            Phase::Lower
        } else if height > fit.carry - 0.012 {
            Phase::Carry
        } else {
            Phase::Lift
        }
    }

    fn approach(&self) -> Phase {
        let (tool, width) = (self.scene.tool.translation.vector, self.scene.width);
        let (aside, above) = (flat(&tool, &self.grasp), tool.z - self.grasp.z);
        let turn = smallest(self.grasp_yaw - yaw(&self.scene.tool), 1).abs();
        let grip = self.task.grasp.width;
        // A hand that is already closing may push the object a little; that must not make it open again.
        let slack = if width < self.open() - 0.005 { 2.0 } else { 1.0 };
        if width < grip - 0.006 {
            Phase::Reach
        } else if aside < 0.005 * slack && above.abs() < 0.006 * slack && turn < 0.06 * slack {
            Phase::Grasp
        } else if aside < 0.006 + 0.1 * above.max(0.0)
            && turn < 0.12
            && above < APPROACH_HEIGHT + 0.03
            && width > grip + 0.012
        {
            Phase::Descend
        } else {
            Phase::Reach
        }
    }

    /// How far the hand opens to take the object: no wider than needed, to keep clear of what stands beside it.
    pub(crate) fn open(&self) -> f64 {
        self.task.home.width.min(self.task.grasp.width + OPEN_MARGIN)
    }

    /// Whether the object is between closed fingers.
    pub(crate) fn held(&self) -> bool {
        let width = self.scene.width - self.task.grasp.width;
        let at = self.scene.tool.inverse() * nalgebra::Point3::from(self.grasp);
        // A leaning object is wider between the fingers.
        let spare = 0.0015 + 0.022 * tilt(&self.object).min(TIPPED);
        (-0.006..spare).contains(&width) && at.x.abs() < 0.014 && at.y.abs() < 0.008 && at.z.abs() < 0.014
    }

    /// Whether the hand is off the object: well open, or elsewhere.
    pub(crate) fn released(&self) -> bool {
        let away = (self.scene.tool.translation.vector - self.grasp).norm();
        away > 0.04 || self.scene.width > self.task.grasp.width + 0.010
    }

    /// The object against its peg; `None` for tasks without one, or a scene without it.
    pub(crate) fn fit(&self) -> Option<Fit> {
        let Success::Around { peg, hole, height, tilt: lean, turns } = self.task.goal else { return None };
        let pose = self.scene.objects.get(peg)?;
        let part = self.task.objects.get(peg)?.parts.first()?;
        let Shape::Box { size } = part.shape else { return None };
        let middle = pose * part.origin;
        let top = middle.translation.z + size.z / 2.0;
        let below = lowest(&self.task.objects.get(self.task.grasp.object)?.parts);
        let seen = self.object.inverse() * middle;
        let play = (hole - size.x.min(size.y)) / 2.0 + 0.001;
        let inside = seen.translation.x.abs() < play && seen.translation.y.abs() < play;
        let around = inside && self.object.translation.z + below < top - 0.002;
        let low = self.object.translation.z < self.task.table_top() + height;
        Some(Fit {
            place: middle.translation.vector,
            offset: flat(&self.object.translation.vector, &middle.translation.vector),
            turn: smallest(yaw(&middle) - yaw(&self.object), turns),
            rest: self.task.table_top() - below,
            carry: top + CARRY_CLEARANCE - below,
            around,
            seated: around && low && tilt(&self.object) < lean,
        })
    }
}

/// Height of the lowest point of level parts, relative to the object's frame.
fn lowest(parts: &[retake_kinematics::Visual]) -> f64 {
    let half = |shape: &Shape| match shape {
        Shape::Box { size } => size.z / 2.0,
        Shape::Cylinder { length, .. } => length / 2.0,
        Shape::Sphere { radius } => *radius,
    };
    parts.iter().map(|part| part.origin.translation.z - half(&part.shape)).fold(f64::INFINITY, f64::min)
}
