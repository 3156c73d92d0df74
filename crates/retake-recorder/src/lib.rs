//! The recorder node: everything that is said in a deployment goes to disk, and what is safe there is announced.
//!
//! [`Recorder::threaded`] hands messages to a thread of its own through bounded queues, so that no disk ever delays
//! control; [`Recorder::inline`] writes in the caller's thread and by the messages' own time, for lockstep runs. Both drive
//! the same [`retake_log::RecordingWriter`] and follow the same rules when the disk fails.

mod announce;
mod config;
mod gaps;
mod node;
mod queue;
mod report;
mod session;
mod thread;

pub use config::{RecorderConfig, RecorderError};
pub use node::Recorder;
pub use queue::QueueLimits;
pub use report::{RecorderReport, ReportHandle};
