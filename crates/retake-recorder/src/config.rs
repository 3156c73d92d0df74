use std::{path::PathBuf, time::Duration};

use retake_log::{Anchor, Durability, LogError, WriterConfig, utc_label};
use retake_units::WallTime;
use retake_wire::RobotId;

use crate::QueueLimits;

/// How a recorder records.
#[derive(Clone, Debug)]
pub struct RecorderConfig {
    /// Directory, name, segment sizes, anchor, and what the manifest tells.
    pub writer: WriterConfig,
    /// Time between commits. With a third of it until the node's next wake, it is what a crash may cost.
    pub commit_period: Duration,
    /// How much may wait for the disk.
    pub limits: QueueLimits,
}

impl RecorderConfig {
    /// The usual, in real time: what came is committed within 100 ms, named after the anchor's time of day unless `name` is given.
    pub fn new(dir: PathBuf, name: Option<String>, robot: RobotId, session: u64, anchor: Anchor) -> Self {
        let name = name.unwrap_or_else(|| utc_label(WallTime::from_nanos(anchor.wall_nanos)));
        Self {
            writer: WriterConfig::new(dir, name, robot, session, anchor),
            commit_period: Duration::from_millis(75),
            limits: QueueLimits::default(),
        }
    }

    /// For lockstep runs, which are much faster than real time: an anchor of zero, so that two runs are the same, and
    /// durable when a segment closes. A kill still costs only what came after the last commit; a power cut, the segment.
    pub fn lockstep(dir: PathBuf, name: String, robot: RobotId, session: u64) -> Self {
        let mut writer = WriterConfig::new(dir, name, robot, session, Anchor::default());
        writer.durability = Durability::EachSegment;
        Self { writer, commit_period: Duration::from_secs(1), limits: QueueLimits::default() }
    }
}

/// The recorder cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The recording cannot be created.
    #[error("recording cannot start: {0}")]
    Log(#[from] LogError),
    /// The system gives no thread.
    #[error("recording cannot start, because the system gives it no thread: {0}")]
    Thread(std::io::Error),
}
