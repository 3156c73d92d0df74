//! Task files: TOML in, checked [`Task`] out. A key nobody knows is an error, so that a typo cannot silently change a
//! task.

use nalgebra::{Isometry3, Translation3, Vector3};
use retake_kinematics::{Shape, Visual};
use serde::Deserialize;

use crate::stage::Phase;
use crate::task::{Grasp, Home, Object, Placement, Success, Table, Task};

/// Why a task file cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TaskError {
    /// Not TOML, or not the entries of a task.
    #[error("not a readable task file: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A number is not finite, not positive, or a range is reversed.
    #[error("`{entry}` has a number that makes no sense")]
    BadNumber {
        /// Where.
        entry: String,
    },
    /// An object is named that is not listed.
    #[error("`{entry}` names the object `{name}`, which the file does not list")]
    UnknownObject {
        /// Where.
        entry: &'static str,
        /// What it names.
        name: String,
    },
    /// Two objects share a name.
    #[error("two objects are called `{name}`")]
    Twice {
        /// The name.
        name: String,
    },
    /// The peg of an `around` goal is no box.
    #[error("the peg `{name}` must have a box as its first part")]
    PegIsNoBox {
        /// The peg.
        name: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    summary: String,
    time_limit: f64,
    hold: f64,
    stages: Vec<Phase>,
    home: HomeEntry,
    table: TableEntry,
    objects: Vec<ObjectEntry>,
    grasp: GraspEntry,
    goal: GoalEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HomeEntry {
    joints: Vec<f64>,
    width: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableEntry {
    centre: [f64; 3],
    size: [f64; 3],
    friction: f64,
    rgba: [f32; 4],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectEntry {
    name: String,
    mass: f64,
    friction: f64,
    #[serde(default)]
    fixed: bool,
    parts: Vec<PartEntry>,
    placement: PlacementEntry,
}

#[derive(Deserialize)]
#[serde(tag = "shape", rename_all = "lowercase", deny_unknown_fields)]
enum PartEntry {
    Box { size: [f64; 3], at: [f64; 3], rgba: [f32; 4] },
    Cylinder { radius: f64, length: f64, at: [f64; 3], rgba: [f32; 4] },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlacementEntry {
    x: [f64; 2],
    y: [f64; 2],
    z: f64,
    yaw: [f64; 2],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GraspEntry {
    object: String,
    at: [f64; 3],
    width: f64,
    turns: u32,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
enum GoalEntry {
    Lift { height: f64 },
    Around { peg: String, hole: f64, height: f64, tilt: f64, turns: u32 },
}

/// Reads and checks one file.
pub(crate) fn read(text: &str) -> Result<Task, TaskError> {
    let file: File = toml::from_str(text)?;
    let objects = file.objects.into_iter().map(object).collect::<Result<Vec<_>, _>>()?;
    for (index, one) in objects.iter().enumerate() {
        if objects[..index].iter().any(|other| other.name == one.name) {
            return Err(TaskError::Twice { name: one.name.clone() });
        }
    }
    positive("time_limit", &[file.time_limit])?;
    positive("table.size", &file.table.size)?;
    positive("grasp.width", &[file.grasp.width, f64::from(file.grasp.turns)])?;
    finite("hold", file.hold >= 0.0, &[file.hold])?;
    finite("home", file.home.width >= 0.0 && !file.home.joints.is_empty(), &file.home.joints)?;
    finite("table", file.table.friction >= 0.0, &file.table.centre)?;
    finite("grasp.at", true, &file.grasp.at)?;
    let grasp = Grasp {
        object: find(&objects, "grasp.object", &file.grasp.object)?,
        at: Vector3::from(file.grasp.at),
        width: file.grasp.width,
        turns: file.grasp.turns,
    };
    let goal = goal(&objects, file.goal)?;
    let table = Table {
        centre: Vector3::from(file.table.centre),
        size: Vector3::from(file.table.size),
        friction: file.table.friction,
        rgba: file.table.rgba,
    };
    Ok(Task {
        name: file.name,
        summary: file.summary,
        time_limit: file.time_limit,
        hold: file.hold,
        stages: file.stages,
        home: Home { joints: file.home.joints, width: file.home.width },
        table,
        objects,
        grasp,
        goal,
    })
}

fn object(entry: ObjectEntry) -> Result<Object, TaskError> {
    let ObjectEntry { name, mass, friction, fixed, parts, placement } = entry;
    let parts = parts.into_iter().map(|entry| part(&name, entry)).collect::<Result<Vec<_>, _>>()?;
    positive(&name, &[mass])?;
    finite(&name, friction >= 0.0 && !parts.is_empty(), &[friction, placement.z])?;
    for [low, high] in [placement.x, placement.y, placement.yaw] {
        finite(&format!("{name}.placement"), low <= high, &[low, high])?;
    }
    let placement = Placement { x: placement.x, y: placement.y, z: placement.z, yaw: placement.yaw };
    Ok(Object { name, parts, mass, friction, fixed, placement })
}

fn part(owner: &str, entry: PartEntry) -> Result<Visual, TaskError> {
    let (shape, at, rgba) = match entry {
        PartEntry::Box { size, at, rgba } => {
            positive(owner, &size)?;
            (Shape::Box { size: Vector3::from(size) }, at, rgba)
        }
        PartEntry::Cylinder { radius, length, at, rgba } => {
            positive(owner, &[radius, length])?;
            (Shape::Cylinder { radius, length }, at, rgba)
        }
    };
    finite(owner, true, &at)?;
    let origin = Isometry3::from_parts(Translation3::from(at), nalgebra::UnitQuaternion::identity());
    Ok(Visual { shape, origin, rgba })
}

fn goal(objects: &[Object], entry: GoalEntry) -> Result<Success, TaskError> {
    match entry {
        GoalEntry::Lift { height } => {
            positive("goal.height", &[height])?;
            Ok(Success::Lift { height })
        }
        GoalEntry::Around { peg: name, hole, height, tilt, turns } => {
            positive("goal", &[hole, height, tilt, f64::from(turns)])?;
            let peg = find(objects, "goal.peg", &name)?;
            if !matches!(objects[peg].parts[0].shape, Shape::Box { .. }) {
                return Err(TaskError::PegIsNoBox { name });
            }
            Ok(Success::Around { peg, hole, height, tilt, turns })
        }
    }
}

fn find(objects: &[Object], entry: &'static str, name: &str) -> Result<usize, TaskError> {
    let found = objects.iter().position(|object| object.name == name);
    found.ok_or_else(|| TaskError::UnknownObject { entry, name: name.to_owned() })
}

fn positive(entry: &str, values: &[f64]) -> Result<(), TaskError> {
    finite(entry, values.iter().all(|value| *value > 0.0), values)
}

fn finite(entry: &str, holds: bool, values: &[f64]) -> Result<(), TaskError> {
    if holds && values.iter().all(|value| value.is_finite()) {
        Ok(())
    } else {
        Err(TaskError::BadNumber { entry: entry.to_owned() })
    }
}
