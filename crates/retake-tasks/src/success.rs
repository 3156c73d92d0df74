//! When a task is done: geometry that holds for a while.

use serde::{Deserialize, Serialize};

use crate::stage::Situation;
use crate::task::{Scene, Success, Task};

impl Task {
    /// Whether this scene is what the task asks for; to count, it must stay so for [`Task::hold`], see [`Hold`].
    #[must_use]
    pub fn success(&self, scene: &Scene) -> bool {
        let Some(situation) = Situation::of(self, scene) else { return false };
        match self.goal {
            Success::Lift { height } => {
                let start = self.objects.get(self.grasp.object).map_or(0.0, |object| object.placement.z);
                situation.object.translation.z >= start + height
            }
            Success::Around { .. } => situation.fit().is_some_and(|fit| fit.seated) && situation.released(),
        }
    }
}

/// How long success has lasted. One per episode; a rewind needs a fresh one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    since: Option<f64>,
}

impl Hold {
    /// Takes in a scene at `time` (seconds, not decreasing); true once success has lasted for [`Task::hold`].
    pub fn update(&mut self, task: &Task, scene: &Scene, time: f64) -> bool {
        if !task.success(scene) {
            self.since = None;
            return false;
        }
        time - *self.since.get_or_insert(time) >= task.hold
    }
}
