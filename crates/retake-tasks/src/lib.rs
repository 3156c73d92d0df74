//! What the robot is asked to do: the things on the table, where they start, how far along it is, and when it is done.
//! And the expert, which solves every task from geometry alone.
//!
//! Everything is a pure function of a [`Scene`]: which stage, whether it counts as success, what to do next. The
//! expert remembers nothing, so it can take over after anybody: it serves as the stand-in policy and as the scripted
//! human who corrects one. The simulator builds its world from a [`Task`]; nothing here knows about physics.
//!
//! Metres, radians, seconds, kilograms; poses in the robot's base frame (x forward, y left, z up).

mod expert;
mod file;
mod geometry;
mod observed;
mod placement;
mod plan;
mod stage;
mod success;
mod task;
#[cfg(test)]
mod tests;

pub use expert::{Expert, Goal};
pub use file::TaskError;
pub use plan::PlanStep;
pub use stage::{Phase, Stage};
pub use success::Hold;
pub use task::{Grasp, Home, Object, Placement, Scene, Success, Table, Task, UnknownTask};
