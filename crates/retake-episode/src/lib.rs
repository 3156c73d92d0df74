//! Episodes, segments, and the path to rewind along.
//!
//! [`Path`] keeps the measured way of one episode and walks back along it. [`Episodes`] decides when an attempt begins and
//! ends and with which verdict. [`Segments`] cuts each group's ticks into stretches of one owner and one kind. All pure:
//! nothing here moves a robot, reads a clock or writes a file.

mod episodes;
mod path;
mod segments;

pub use episodes::{EndReason, Episode, Episodes, EpisodesConfig, Phase, Step, Verdict};
pub use path::{Aim, Checkpoint, Join, Mark, Path, PathEnd, PathPoint};
pub use segments::{Kind, Segment, Segments};
