//! A scene as a robot's observation tells it.

use nalgebra::{Isometry3, Quaternion, Translation3, UnitQuaternion};
use retake_wire::pb::{Observation, Pose};

use crate::{Scene, Task};

impl Scene {
    /// The scene an observation describes: the last group's first value is the gripper's opening. `None` if the observation has
    /// no tool pose, or not this task's objects.
    #[must_use]
    pub fn observed(task: &Task, observation: &Observation) -> Option<Self> {
        let objects: Option<Vec<_>> = observation.objects.iter().map(isometry).collect();
        let width = *observation.position.last()?.values.first()?;
        let tool = isometry(observation.tool.as_ref()?)?;
        let objects = objects.filter(|objects| objects.len() == task.objects.len())?;
        width.is_finite().then_some(Self { tool, width, objects })
    }
}

fn isometry(pose: &Pose) -> Option<Isometry3<f64>> {
    let numbers = [pose.x, pose.y, pose.z, pose.qx, pose.qy, pose.qz, pose.qw];
    let rotation = UnitQuaternion::try_new(Quaternion::new(pose.qw, pose.qx, pose.qy, pose.qz), 1e-6)?;
    let finite = numbers.iter().all(|number| number.is_finite());
    finite.then(|| Isometry3::from_parts(Translation3::new(pose.x, pose.y, pose.z), rotation))
}

#[cfg(test)]
mod tests {
    use retake_wire::pb::GroupValues;

    use super::*;

    fn observation() -> Observation {
        let pose = Pose { x: 0.5, y: 0.1, z: 0.2, qw: 1.0, ..Pose::default() };
        Observation {
            position: vec![GroupValues { values: vec![0.0; 7] }, GroupValues { values: vec![0.07] }],
            tool: Some(pose),
            objects: vec![pose],
            ..Observation::default()
        }
    }

    #[test]
    fn an_observation_is_read_or_refused_whole() {
        let task = Task::by_name("lift").unwrap();
        let scene = Scene::observed(&task, &observation()).unwrap();
        assert_eq!((scene.width, scene.tool.translation.x, scene.objects.len()), (0.07, 0.5, 1));
        let mut broken = observation();
        broken.objects[0].x = f64::NAN;
        assert_eq!(Scene::observed(&task, &broken), None);
        assert_eq!(Scene::observed(&task, &Observation { tool: None, ..observation() }), None);
        assert_eq!(Scene::observed(&task, &Observation { objects: vec![], ..observation() }), None);
        let mut unturned = observation();
        unturned.tool = Some(Pose::default());
        assert_eq!(Scene::observed(&task, &unturned), None);
    }
}
