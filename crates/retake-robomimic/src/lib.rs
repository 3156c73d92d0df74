//! Recordings as [robomimic](https://robomimic.github.io) HDF5 files, and such files read back.
//!
//! [`export`] writes one file from recordings, attempt by attempt, so that memory is bounded by one attempt: what stock robomimic
//! reads (`actions`, `obs`, `next_obs`, `rewards`, `dones`, masks), what Sirius' weighted training reads (`action_modes`,
//! `intv_labels`, `round`), and what only we know (labels per group, what the policy had proposed, ticks and times). [`read`]
//! streams the demos of any such file, ours or not, and trusts no byte of it. [`expected`] says, without the exporter, what an export
//! must hold.

mod choose;
mod codes;
mod columns;
mod deep;
mod error;
mod expected;
mod export;
mod limits;
mod options;
mod picture;
mod reader;
mod segments;
mod steps;
mod value;
mod verify;
mod writer;

pub use codes::{action_mode, intv_label};
pub use error::RobomimicError;
pub use expected::expected;
pub use export::export;
pub use limits::Limits;
pub use options::{Actions, Choose, Exported, Options, Pictures, Progress, Skipped, Weigh};
pub use reader::{Demo, Demos, Reader, read};
pub use segments::WeightEntry;
pub use value::{Array, Attribute, Numbers};

#[cfg(test)]
mod tests;
