//! What each way of learning from interventions is worth, measured.
//!
//! A [`Study`] repeats what a deployment does, with scripted operators on a fast [`task`]: demonstrations, a first policy, then rounds
//! of deploying it under supervision, labelling (`retake-labels`), weighing (`retake-weights`), retraining (`retake-learn`) and
//! judging it alone, for each method, operator and seed. [`run()`] spreads the cells over threads and goes on where it was
//! interrupted; [`Results`] has tables, paired differences and their intervals.
//!
//! Two designs are expressed by one key: a method deploys its own policy, or learns on another's data (`data = "…"`). Only the
//! second isolates what the loss does, since a better policy also gathers more episodes for the same human effort.

mod attempt;
mod cell;
mod deploy;
mod error;
pub mod expert;
pub mod learner;
mod lesson;
mod networks;
mod plan;
mod progress;
mod random;
mod results;
mod run;
mod statistics;
pub mod supervisor;
mod tables;
pub mod task;

pub use attempt::Rules;
pub use cell::{Collected, Row};
pub use error::StudyError;
pub use networks::Learning;
pub use plan::{Comparison, Memory, Method, Operator, Start, Study};
pub use results::{Calibration, Difference, Results, Score};
pub use run::{Continue, Progress, run, run_with, so_far};
pub use statistics::Estimate;

#[cfg(test)]
mod tests;
