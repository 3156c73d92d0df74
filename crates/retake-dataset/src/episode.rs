use std::{fmt, sync::Arc};

use retake_labels::{Class, Label, combined};
use retake_wire::pb::{EndReason, EpisodeRecord, RobotDescriptor, Verdict};
use serde::{Deserialize, Serialize};

/// Names an attempt: the recording it is in, and its number there.
///
/// As text it is `RECORDING/NUMBER`. Where the arbiter was started again within the recording and counted anew, attempts of its
/// second run are `RECORDING/NUMBER@1`, and so on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String")]
#[serde(try_from = "String")]
pub struct Key {
    /// Name of the recording's folder, or of its single file without `.mcap`.
    pub recording: String,
    /// Run of the arbiter within the recording, from 0.
    pub run: u32,
    /// The attempt's number in that run.
    pub episode: u64,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.recording, self.episode)?;
        if self.run > 0 { write!(f, "@{}", self.run) } else { Ok(()) }
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.to_string()
    }
}

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong =
            || format!("{text} does not name an attempt; for example 2026-11-24T10-00-00Z-1a2b/3 does");
        let (recording, rest) = text.rsplit_once('/').ok_or_else(wrong)?;
        let (episode, run) = rest.split_once('@').unwrap_or((rest, "0"));
        let (Ok(episode), Ok(run)) = (episode.parse(), run.parse()) else { return Err(wrong()) };
        if recording.is_empty() {
            Err(wrong())
        } else {
            Ok(Self { recording: recording.into(), run, episode })
        }
    }
}

/// An attempt as it is recorded, with its labels. Its rows are the ticks at which it was running.
#[derive(Clone, Debug)]
pub struct Episode {
    /// Its name.
    pub key: Key,
    /// The robot that made it, as it was described then.
    pub robot: Arc<RobotDescriptor>,
    /// The arbiter's last word on it; as far as the ticks tell where that was not recorded.
    pub record: EpisodeRecord,
    /// The arbiter told that it ended. Otherwise the recording was cut off.
    pub ended: bool,
    /// The tick of each row.
    pub ticks: Vec<u64>,
    /// When each row was decided: the arbiter's monotonic time, nanoseconds.
    pub at_nanos: Vec<i64>,
    /// Per group of the robot, the label of each row.
    pub labels: Vec<Vec<Label>>,
    /// Ticks that are missing between its first and its last.
    pub missing_ticks: u64,
    /// Camera frames that were lost while it lasted.
    pub frames_dropped: u64,
    /// Other messages that were lost while it lasted.
    pub messages_lost: u64,
    /// Greatest step of a command at a change of who drives, as a share of what the velocity limit allows in a period.
    pub handover_step: f64,
    /// What is wrong with it, in words; nothing if it can be used as it is.
    pub problems: Vec<String>,
}

impl Episode {
    /// Rows in it.
    pub fn len(&self) -> usize {
        self.ticks.len()
    }

    /// It never ran.
    pub fn is_empty(&self) -> bool {
        self.ticks.is_empty()
    }

    /// Verdict that was recorded with it. People may have said otherwise since: see [`crate::Standing`].
    pub fn verdict(&self) -> Verdict {
        self.record.verdict()
    }

    /// Why it ended.
    pub fn reason(&self) -> EndReason {
        self.record.reason()
    }

    /// Class of a row as a whole.
    pub fn class(&self, row: usize) -> Class {
        combined(self.labels.iter().filter_map(|group| group.get(row)).map(|label| label.class))
    }

    /// Period of its rows, seconds.
    pub fn period(&self) -> f64 {
        1.0 / self.robot.control_hz
    }

    /// Seconds that rows of such classes took.
    pub fn seconds_of(&self, is_one: impl Fn(Class) -> bool) -> f64 {
        (0..self.len()).filter(|row| is_one(self.class(*row))).count() as f64 * self.period()
    }

    /// How often a human took over, in any group.
    pub fn interventions(&self) -> u32 {
        self.labels.iter().flatten().map(|label| label.intervention).max().unwrap_or(0)
    }

    /// Stretches in which a human led the robot back, by rewinding or by hand.
    pub fn recoveries(&self) -> usize {
        let back = |row: usize| matches!(self.class(row), Class::Rewind | Class::Recovery);
        (0..self.len()).filter(|&row| back(row) && (row == 0 || !back(row - 1))).count()
    }
}
