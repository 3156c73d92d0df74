//! The steps of one attempt, as they are gathered.

use std::sync::Arc;

use retake_dataset::{Episode, Frame, Row};
use retake_labels::Class;
use retake_wire::pb::{GroupValues, Observation, Pose};

/// What every demo of a file has in common.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    /// Name of each group, and how many values it has.
    pub(crate) groups: Vec<(String, usize)>,
    /// Limits of all groups' values, one group after the other.
    pub(crate) lower: Vec<f64>,
    pub(crate) upper: Vec<f64>,
    /// Movable objects.
    pub(crate) objects: usize,
    pub(crate) cameras: Vec<String>,
}

impl Shape {
    /// The shape of `episode`'s robot, of which `cameras` are exported.
    pub(crate) fn of(episode: &Episode, cameras: &[String]) -> Self {
        let groups = &episode.robot.groups;
        let objects = episode.robot.objects.iter().filter(|object| !object.fixed);
        Self {
            groups: groups.iter().map(|group| (group.name.clone(), group.lower.len())).collect(),
            lower: groups.iter().flat_map(|group| group.lower.iter().copied()).collect(),
            upper: groups.iter().flat_map(|group| group.upper.iter().copied()).collect(),
            objects: objects.count(),
            cameras: cameras.to_vec(),
        }
    }

    /// Commands can be scaled to their limits.
    pub(crate) fn has_limits(&self) -> bool {
        self.lower.len() == self.upper.len()
            && self.lower.iter().zip(&self.upper).all(|(low, high)| low < high && (high - low).is_finite())
    }

    /// A command of all groups is within its limits, but for rounding.
    pub(crate) fn allows(&self, command: &[f64]) -> bool {
        command.iter().zip(self.lower.iter().zip(&self.upper)).all(|(value, (low, high))| {
            let slack = 1e-6 * (high - low);
            (low - slack..=high + slack).contains(value)
        })
    }

    /// Values of all groups.
    pub(crate) fn width(&self) -> usize {
        self.groups.iter().map(|(_, width)| width).sum()
    }
}

/// An attempt's steps. Each list has one entry, or one run of numbers, per step.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    pub(crate) commands: Vec<f64>,
    /// Not a number where the policy had nothing valid to say.
    pub(crate) proposals: Vec<f64>,
    /// Per group.
    pub(crate) positions: Vec<Vec<f64>>,
    pub(crate) velocities: Vec<Vec<f64>>,
    pub(crate) tool: Vec<[f64; 7]>,
    pub(crate) objects: Vec<f64>,
    pub(crate) classes: Vec<Class>,
    /// Per group.
    pub(crate) group_classes: Vec<Vec<Class>>,
    pub(crate) ticks: Vec<i64>,
    pub(crate) captured: Vec<i64>,
    pub(crate) weights: Vec<f32>,
    /// Per camera.
    pub(crate) pictures: Vec<Vec<Arc<Frame>>>,
}

impl Steps {
    pub(crate) fn new(shape: &Shape) -> Self {
        let groups = shape.groups.len();
        Self {
            positions: vec![Vec::new(); groups],
            velocities: vec![Vec::new(); groups],
            group_classes: vec![Vec::new(); groups],
            pictures: vec![Vec::new(); shape.cameras.len()],
            ..Self::default()
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.ticks.len()
    }

    /// Adds a step.
    ///
    /// # Errors
    /// In words, if something of it was not recorded or is unusable. The steps are then of no use any more.
    pub(crate) fn push(&mut self, shape: &Shape, episode: &Episode, row: Row) -> Result<(), String> {
        let tick = row.tick.tick;
        let lacks = |what: &str| format!("tick {tick} has no usable {what}");
        let observation =
            row.observation.ok_or_else(|| format!("what tick {tick} was decided from is not recorded"))?;
        self.observe(shape, &observation).map_err(|what| lacks(&what))?;
        for ((name, width), group) in shape.groups.iter().zip(&row.tick.groups) {
            if group.command.len() != *width || !finite(&group.command) {
                return Err(lacks(&format!("command of {name}")));
            }
            self.commands.extend(&group.command);
            if group.proposal.len() == *width && finite(&group.proposal) {
                self.proposals.extend(&group.proposal);
            } else {
                self.proposals.extend(std::iter::repeat_n(f64::NAN, *width));
            }
        }
        if self.commands.len() != (self.len() + 1) * shape.width() {
            return Err(lacks("groups"));
        }
        self.classes.push(episode.class(row.row));
        for (classes, labels) in self.group_classes.iter_mut().zip(&episode.labels) {
            classes.push(labels.get(row.row).map_or(Class::Idle, |label| label.class));
        }
        for ((frames, frame), name) in self.pictures.iter_mut().zip(row.frames).zip(&shape.cameras) {
            frames.push(frame.ok_or_else(|| lacks(&format!("picture of camera {name}")))?);
        }
        self.ticks.push(i64::try_from(tick).ok().ok_or_else(|| lacks("number"))?);
        self.captured.push(observation.captured_nanos);
        Ok(())
    }

    fn observe(&mut self, shape: &Shape, observation: &Observation) -> Result<(), String> {
        let groups = shape.groups.iter().enumerate();
        for (index, (name, width)) in groups {
            let both = [
                (&mut self.positions, &observation.position, "position"),
                (&mut self.velocities, &observation.velocity, "velocity"),
            ];
            for (columns, values, what) in both {
                let values = usable(values.get(index), *width).ok_or_else(|| format!("{what} of {name}"))?;
                columns.get_mut(index).ok_or("group")?.extend(values);
            }
        }
        let tool = observation.tool.as_ref().map(numbers).filter(|pose| finite(pose));
        self.tool.push(tool.ok_or("pose of the tool")?);
        let objects: Vec<f64> = observation.objects.iter().flat_map(numbers).collect();
        if objects.len() != 7 * shape.objects || !finite(&objects) {
            return Err("poses of the objects".into());
        }
        self.objects.extend(objects);
        Ok(())
    }
}

fn usable(values: Option<&GroupValues>, width: usize) -> Option<&[f64]> {
    let values = values?.values.as_slice();
    (values.len() == width && finite(values)).then_some(values)
}

/// As 32-bit floats, too, which is what is written.
fn finite(values: &[f64]) -> bool {
    values.iter().all(|value| value.abs() <= f64::from(f32::MAX))
}

fn numbers(pose: &Pose) -> [f64; 7] {
    [pose.x, pose.y, pose.z, pose.qx, pose.qy, pose.qz, pose.qw]
}
