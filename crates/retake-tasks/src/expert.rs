//! The expert: for any scene, where the hand should go next. Memoryless, so it can be asked at any moment, about any
//! scene, whoever brought it about.

use nalgebra::{Isometry3, Translation3, Vector3};

use crate::geometry::{down, flat, smallest, yaw};
use crate::stage::{APPROACH_HEIGHT, Fit, Phase, Situation};
use crate::task::{Scene, Success, Task};

/// Opening commanded to hold on to something: this much less than its width, so that the fingers press.
const SQUEEZE: f64 = 0.020;

/// What to aim for next.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// Where the tool should be.
    pub pose: Isometry3<f64>,
    /// Gripper opening to command, metres.
    pub width: f64,
    /// Index into [`Task::stages`].
    pub stage: usize,
    /// The step this belongs to.
    pub phase: Phase,
    /// Greatest linear speed on the way, m/s.
    pub speed: f64,
}

/// Solves a task from what it sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Expert {
    task: Task,
}

impl Expert {
    /// An expert for this task.
    #[must_use]
    pub fn new(task: &Task) -> Self {
        Self { task: task.clone() }
    }

    /// The task it solves.
    #[must_use]
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// What to aim for in this scene. In a scene that lacks the task's object it stays where it is.
    #[must_use]
    pub fn goal(&self, scene: &Scene) -> Goal {
        let stage = self.task.stage(scene);
        let Some(situation) = Situation::of(&self.task, scene) else {
            return Goal {
                pose: scene.tool,
                width: scene.width,
                stage: stage.index,
                phase: stage.phase,
                speed: 0.1,
            };
        };
        let open = situation.open();
        let shut = (self.task.grasp.width - SQUEEZE).max(0.0);
        let (width, speed) = match stage.phase {
            Phase::Reach => (open, 0.30),
            Phase::Descend => (open, 0.16),
            Phase::Grasp => (shut, 0.05),
            Phase::Lift => (shut, 0.20),
            Phase::Carry => (shut, 0.25),
            Phase::Lower => (shut, 0.10),
            Phase::Release => (open, 0.02),
            Phase::Retreat => (open, 0.20),
        };
        let pose = pose(&situation, stage.phase);
        Goal { pose, width, stage: stage.index, phase: stage.phase, speed }
    }
}

fn pose(at: &Situation<'_>, phase: Phase) -> Isometry3<f64> {
    let tool = at.scene.tool.translation.vector;
    match phase {
        Phase::Reach => {
            let over = at.grasp + Vector3::z() * APPROACH_HEIGHT;
            // Low and beside the object: straight up first, so that the hand does not sweep it away.
            let low = tool.z < at.grasp.z + 0.6 * APPROACH_HEIGHT && flat(&tool, &over) > 0.006;
            let point = if low { Vector3::new(tool.x, tool.y, over.z) } else { over };
            place(point, at.grasp_yaw)
        }
        Phase::Descend | Phase::Grasp => place(at.grasp, at.grasp_yaw),
        Phase::Lift | Phase::Carry | Phase::Lower => carried(at, phase),
        Phase::Release => at.scene.tool,
        Phase::Retreat => place(Vector3::new(tool.x, tool.y, at.grasp.z + 0.15), yaw(&at.scene.tool)),
    }
}

/// Where the tool must be so that what it holds is where it should be.
fn carried(at: &Situation<'_>, phase: Phase) -> Isometry3<f64> {
    let tool = at.scene.tool.translation.vector;
    let object = at.object.translation.vector;
    let (goal, turn) = match (&at.task.goal, at.fit()) {
        (Success::Around { .. }, Some(fit)) => around(at, &fit, phase),
        (Success::Lift { height }, _) => {
            let start = at.task.objects.get(at.task.grasp.object).map_or(0.0, |object| object.placement.z);
            (Vector3::new(object.x, object.y, start + height + 0.03), 0.0)
        }
        (Success::Around { .. }, None) => (object, 0.0),
    };
    let spin = nalgebra::UnitQuaternion::from_axis_angle(&Vector3::z_axis(), turn);
    place(goal + spin * (tool - object), smallest(yaw(&at.scene.tool) + turn, 1))
}

fn around(at: &Situation<'_>, fit: &Fit, phase: Phase) -> (Vector3<f64>, f64) {
    let object = at.object.translation.vector;
    match phase {
        Phase::Lower => (Vector3::new(fit.place.x, fit.place.y, fit.rest + 0.001), fit.turn),
        Phase::Carry => (Vector3::new(fit.place.x, fit.place.y, fit.carry), fit.turn),
        Phase::Reach | Phase::Descend | Phase::Grasp | Phase::Lift | Phase::Release | Phase::Retreat => {
            (Vector3::new(object.x, object.y, fit.carry), 0.0)
        }
    }
}

fn place(point: Vector3<f64>, heading: f64) -> Isometry3<f64> {
    Isometry3::from_parts(Translation3::from(point), down(heading))
}
