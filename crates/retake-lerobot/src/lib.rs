//! Recordings as a LeRobotDataset v3.0.
//!
//! [`export`] writes the attempts of recordings so that LeRobot loads them, trains on them and merges them with its own without any
//! change, and so that nothing the recording knows of who drove and why is lost. [`verify`] reads an export again, and [`expected`]
//! says, without the exporter, what one must hold. [`read`] streams any such dataset's rows, and [`Videos`] their pictures. The formats of both are LeRobot 0.4's; `meta/retake.json` says what it has no place
//! for.

mod camera;
mod decoder;
mod episodes;
mod error;
mod expected;
mod export;
mod feature;
mod h264;
mod journal;
mod meta;
mod mp4;
mod mp4_read;
mod options;
mod picture;
mod plan;
mod progress;
mod read;
mod resume;
mod set;
mod stats;
mod table;
mod track;
mod verify;
mod videos;

pub use error::LerobotError;
pub use expected::expected;
pub use export::{Exported, export};
pub use options::{Choice, Limits, Options, Pictures, Weights, usual};
pub use picture::{Rgb, decode_png, size as jpeg_size};
pub use plan::LeftOut;
pub use progress::write_progress;
pub use read::{Dataset, ReadRow, read};
pub use verify::{Verified, verify};
pub use videos::Videos;

/// Of what is written here and not LeRobot's: it changes when an interrupted export could not be gone on with.
pub(crate) const FORMAT: u32 = 1;

#[cfg(test)]
mod tests;
