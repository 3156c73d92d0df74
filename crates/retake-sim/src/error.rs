//! Everything the simulator can refuse, and why.

use retake_kinematics::ModelError;

use crate::named::NAMED_STATES;
use crate::snapshot::SNAPSHOT_LIMIT;
use crate::world::LONGEST_STEP;

/// Why the simulator refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SimError {
    /// The robot's description does not parse.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The robot's description is not the arm this simulator drives: seven joints, two fingers, a tool.
    #[error("the robot description does not have seven joints, two coupled fingers and a tool")]
    Description,
    /// The task's home does not fit the arm.
    #[error("the task's home has {got} joints, the arm has {expected}")]
    Home {
        /// In the task.
        got: usize,
        /// In the arm.
        expected: usize,
    },
    /// A command with the wrong number of joints.
    #[error("the command has {got} joint positions, the arm has {expected} joints")]
    CommandLength {
        /// In the command.
        got: usize,
        /// In the arm.
        expected: usize,
    },
    /// A command that is not a finite number.
    #[error("the command holds a value that is not a finite number")]
    CommandNotFinite,
    /// A control period that is zero, negative, too long or not a number.
    #[error("cannot step by {seconds} s; it must be more than 0 and at most {LONGEST_STEP} s")]
    Period {
        /// What was asked for.
        seconds: f64,
    },
    /// A snapshot that does not decode.
    #[error("the snapshot is damaged or from another version of the program")]
    SnapshotDamaged,
    /// A snapshot of another task.
    #[error("the snapshot is of task `{got}`, this world runs `{expected}` (or another version of it)")]
    SnapshotTask {
        /// In the snapshot.
        got: String,
        /// Here.
        expected: String,
    },
    /// A snapshot larger than the bound.
    #[error("the snapshot would take {got} bytes, more than {SNAPSHOT_LIMIT}")]
    SnapshotSize {
        /// How large.
        got: usize,
    },
    /// An observation that has not been made.
    #[error("cannot go back to observation {seq}: the newest is {newest}")]
    NoSuchObservation {
        /// What was asked for.
        seq: u64,
        /// The last one made.
        newest: u64,
    },
    /// An observation from before everything that is remembered.
    #[error("cannot go back to observation {seq}: {}", remembered(*.oldest, *.newest))]
    Forgotten {
        /// What was asked for.
        seq: u64,
        /// The first that is remembered, if any is.
        oldest: Option<u64>,
        /// The last one made.
        newest: u64,
    },
    /// A name that cannot be a file's.
    #[error(
        "{name:?} cannot be a state's name; use 1 to 64 letters, digits, '-', '_' and '.', with a letter or digit first"
    )]
    StateName {
        /// The name.
        name: String,
    },
    /// No state has that name.
    #[error("there is no start state {name:?}; {}", known_states(.known))]
    NoSuchState {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// Too many states have names.
    #[error("the state cannot be kept as {name:?}: {NAMED_STATES} states have names already")]
    StatesFull {
        /// The name that was asked for.
        name: String,
    },
    /// A start state that this world cannot begin in.
    #[error("start state {name:?}: {why}")]
    StartState {
        /// Its name.
        name: String,
        /// Why not.
        why: Box<SimError>,
    },
}

fn remembered(oldest: Option<u64>, newest: u64) -> String {
    oldest.map_or_else(
        || "nothing is remembered".to_owned(),
        |oldest| format!("{oldest} to {newest} are remembered"),
    )
}

fn known_states(known: &[String]) -> String {
    if known.is_empty() { "none was given".to_owned() } else { format!("there are {}", known.join(", ")) }
}
