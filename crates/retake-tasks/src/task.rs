//! A task as the rest of the program sees it: checked, with references resolved.

use nalgebra::{Isometry3, Vector3};
use retake_kinematics::Visual;

use crate::file;
use crate::stage::Phase;

/// The task files that come with the program.
const FILES: [&str; 2] =
    [include_str!("../../../sim/tasks/lift.toml"), include_str!("../../../sim/tasks/nut-on-peg.toml")];

/// What can be seen of the world at one moment; all that stages, success and the expert look at.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The point between the finger tips, z out of the hand, y along the opening.
    pub tool: Isometry3<f64>,
    /// Opening between the fingers, metres.
    pub width: f64,
    /// Poses of [`Task::objects`], same order.
    pub objects: Vec<Isometry3<f64>>,
}

/// Where the robot starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Home {
    /// Arm joint positions, base to tip, radians.
    pub joints: Vec<f64>,
    /// Gripper opening, metres.
    pub width: f64,
}

/// The table: a box whose top everything stands on.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Middle of the box.
    pub centre: Vector3<f64>,
    /// Full edge lengths.
    pub size: Vector3<f64>,
    /// Friction coefficient of its surface.
    pub friction: f64,
    /// Red, green, blue, opacity, 0 to 1.
    pub rgba: [f32; 4],
}

/// Where an object may start: a range for x, y and yaw, level, at one height.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// Least and greatest x.
    pub x: [f64; 2],
    /// Least and greatest y.
    pub y: [f64; 2],
    /// Height of the object's frame.
    pub z: f64,
    /// Least and greatest turn about z.
    pub yaw: [f64; 2],
}

/// One thing in the scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Name, unique in the task.
    pub name: String,
    /// Its boxes and cylinders, for drawing and for contact alike; poses in the object's frame.
    pub parts: Vec<Visual>,
    /// Kilograms, spread evenly over the parts' volume.
    pub mass: f64,
    /// Friction coefficient of its surface.
    pub friction: f64,
    /// Whether it is bolted to the table.
    pub fixed: bool,
    /// Where it may start.
    pub placement: Placement,
}

/// How the object to move is taken hold of.
#[derive(Clone, Debug, PartialEq)]
pub struct Grasp {
    /// Index into [`Task::objects`].
    pub object: usize,
    /// Where the tool goes: x and y in the object's frame, z upwards from there, whichever way up the object lies. The
    /// tool points down and opens along the object's y.
    pub at: Vector3<f64>,
    /// What the fingers close on, metres.
    pub width: f64,
    /// In how many ways, evenly spread over one turn about z, the object can be taken (2 for a bar, 4 for a cube).
    pub turns: u32,
}

/// What counts as done.
#[derive(Clone, Debug, PartialEq)]
pub enum Success {
    /// The grasped object is this far above where it started.
    Lift {
        /// Metres.
        height: f64,
    },
    /// The grasped object sits around a peg, low, level, and out of the hand.
    Around {
        /// Index of the peg in [`Task::objects`]; its first part is a box.
        peg: usize,
        /// Inner edge length of the square hole around the object's frame.
        hole: f64,
        /// The object's frame is no higher than this above the table.
        height: f64,
        /// Greatest lean from level, radians.
        tilt: f64,
        /// In how many ways, evenly spread over one turn, the object fits.
        turns: u32,
    },
}

/// One thing the robot can be asked to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Name, as on the command line.
    pub name: String,
    /// One sentence for a person.
    pub summary: String,
    /// An episode that takes longer has failed, seconds.
    pub time_limit: f64,
    /// How long success must last to count, seconds.
    pub hold: f64,
    /// The steps on the way, in order; [`crate::Stage::index`] points here.
    pub stages: Vec<Phase>,
    /// Where the robot starts.
    pub home: Home,
    /// What everything stands on.
    pub table: Table,
    /// The things in the scene.
    pub objects: Vec<Object>,
    /// How the object to move is taken.
    pub grasp: Grasp,
    /// What counts as done.
    pub goal: Success,
}

/// No task has that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no task `{name}`; there are: {}", known.join(", "))]
pub struct UnknownTask {
    /// What was asked for.
    pub name: String,
    /// What there is.
    pub known: Vec<String>,
}

impl Task {
    /// The task of that name, from the files built into the program.
    ///
    /// # Errors
    /// [`UnknownTask`] with the names there are.
    pub fn by_name(name: &str) -> Result<Self, UnknownTask> {
        let found = Self::all().into_iter().find(|task| task.name == name);
        found.ok_or_else(|| UnknownTask { name: name.to_owned(), known: Self::names() })
    }

    /// Names of the tasks built into the program.
    #[must_use]
    pub fn names() -> Vec<String> {
        Self::all().into_iter().map(|task| task.name).collect()
    }

    /// Reads a task file (TOML, as those in `sim/tasks`).
    ///
    /// # Errors
    /// [`crate::TaskError`] says which entry is wrong and why.
    pub fn from_toml(text: &str) -> Result<Self, crate::TaskError> {
        file::read(text)
    }

    /// The height of the table's surface.
    #[must_use]
    pub fn table_top(&self) -> f64 {
        self.table.centre.z + self.table.size.z / 2.0
    }

    /// The files are part of the program and a test reads every one, so one that fails to parse cannot ship.
    fn all() -> Vec<Self> {
        FILES.iter().filter_map(|text| file::read(text).ok()).collect()
    }

    #[cfg(test)]
    pub(crate) fn files() -> &'static [&'static str] {
        &FILES
    }
}
