//! How a recording is written.

use std::{path::PathBuf, time::Duration};

use retake_wire::RobotId;

use crate::{Anchor, Extras, Packing};

/// When what was appended is made to survive a power cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// At each commit.
    #[default]
    EachCommit,
    /// When a segment is closed. Commits still reach the file, so that the end of the process loses nothing of them. For
    /// runs that are much faster than real time.
    EachSegment,
}

/// How a recording is written.
#[derive(Clone, Debug)]
pub struct WriterConfig {
    /// Directory that holds recordings; created if it is not there.
    pub dir: PathBuf,
    /// Name of the new recording in it.
    pub name: String,
    /// Robot it is recorded from.
    pub robot: RobotId,
    /// Random number of the session.
    pub session: u64,
    /// Maps the monotonic clock to the time of day.
    pub anchor: Anchor,
    /// A segment is closed at this size …
    pub segment_bytes: u64,
    /// … or after this time.
    pub segment_span: Duration,
    /// Space set aside for closing the last segment when the disk is full.
    pub reserve_bytes: u64,
    /// When appended messages become durable.
    pub durability: Durability,
    /// How chunks are compressed.
    pub packing: Packing,
    /// What the deployment tells about itself.
    pub extras: Extras,
}

impl WriterConfig {
    /// The usual: segments of 64 MiB or a minute, 16 MiB in reserve, durable at each commit.
    pub fn new(dir: PathBuf, name: String, robot: RobotId, session: u64, anchor: Anchor) -> Self {
        Self {
            dir,
            name,
            robot,
            session,
            anchor,
            segment_bytes: 64 << 20,
            segment_span: Duration::from_secs(60),
            reserve_bytes: 16 << 20,
            durability: Durability::default(),
            packing: Packing::default(),
            extras: Extras::default(),
        }
    }
}
