//! Launch files, the wiring check, and process supervision.
//!
//! [`LaunchFile`] is what a person writes, [`check`] finds what is wrong with it before anything starts, and [`Supervisor`]
//! runs one process per node and stops them in an order that loses nobody's last words.

mod backoff;
mod check;
mod error;
mod file;
mod kind;
mod supervise;

pub use backoff::RestartPolicy;
pub use check::{NodeTopics, Problem, Wiring, check, restrict};
pub use error::LaunchError;
pub use file::{BusSection, GroupLimits, LaunchFile, LaunchNode, TlsFiles};
pub use kind::{
    CameraOptions, InterventionOptions, NodeKind, NodeOptions, OperatorOptions, PolicyOptions,
    RecorderOptions, Restart, SimOptions, Supervision, VizOptions,
};
pub use supervise::{DATA_LOST, Ending, LineSink, NodeExit, Supervisor, end_with_supervisor};
