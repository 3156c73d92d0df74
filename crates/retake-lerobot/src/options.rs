use std::fmt;

use retake_dataset::{Episode, Key, Standing};
use retake_labels::Rule;
use serde::{Deserialize, Serialize};

/// What becomes of camera pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pictures {
    /// H.264 in MP4, one file per camera and set of episodes: what LeRobot does itself.
    #[default]
    Video,
    /// The recorded JPEG files, unchanged, in the rows (dtype `image`).
    Image,
    /// They are left out.
    None,
}

/// Decides whether an attempt is exported: `Err` says in words why not.
pub type Choice<'a> = &'a dyn Fn(&Episode, &Standing) -> Result<(), String>;

/// The attempts that were not discarded and have no serious problems.
///
/// # Errors
/// Why another one is left out, in words.
pub fn usual(episode: &Episode, standing: &Standing) -> Result<(), String> {
    if standing.discarded {
        return Err("it was discarded".into());
    }
    episode.problems.first().map_or(Ok(()), |problem| Err(problem.clone()))
}

/// A weight for each step, in the column `weight`.
#[derive(Clone, Copy)]
pub struct Weights<'a> {
    /// What they are, for `meta/retake.json`. An interrupted export goes on only with weights of the same name.
    pub name: &'a str,
    /// Weight of a row of an attempt, finite and at least 0.
    pub of: &'a dyn Fn(&Key, usize) -> f32,
}

impl fmt::Debug for Weights<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Weights").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How a dataset is written.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Which attempts, of those that have rows. [`usual`] is the usual choice.
    pub choose: Choice<'a>,
    /// Name of that choice, for `meta/retake.json`.
    pub chosen: &'a str,
    /// Every n-th row is taken, from the first of each attempt on. The rate that results must be a whole number.
    pub every: u32,
    /// What becomes of pictures.
    pub pictures: Pictures,
    /// Only the columns that LeRobot's own recordings have, so that the result can be merged with them.
    pub twin: bool,
    /// Round of attempts of which nobody has said one.
    pub round: Option<u32>,
    /// Task in words, for all attempts. Otherwise that of each attempt's record.
    pub task: Option<&'a str>,
    /// What LeRobot is told of the kind of robot. Otherwise its name.
    pub robot_type: Option<&'a str>,
    /// How labels are made.
    pub rule: Rule,
    /// Weights. Otherwise all are 1.
    pub weights: Option<Weights<'a>>,
    /// When a new set of files is begun.
    pub limits: Limits,
}

/// Sizes at which a new set of files is begun, between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of a data file.
    pub data_bytes: u64,
    /// Bytes of a video file.
    pub video_bytes: u64,
    /// Seconds of a video file. LeRobot compares times as `f32` and to 0.1 ms, which fails beyond 1024.
    pub video_seconds: u32,
    /// Attempts.
    pub episodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { data_bytes: 100 << 20, video_bytes: 200 << 20, video_seconds: 1000, episodes: 1000 }
    }
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            choose: &usual,
            chosen: "usual",
            every: 1,
            pictures: Pictures::default(),
            twin: false,
            round: None,
            task: None,
            robot_type: None,
            rule: Rule::default(),
            weights: None,
            limits: Limits::default(),
        }
    }
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Options").field(&self.told()).finish()
    }
}

/// The options as they are kept in `meta/retake.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) chosen: String,
    pub(crate) every: u32,
    pub(crate) pictures: Pictures,
    pub(crate) twin: bool,
    pub(crate) round: Option<u32>,
    pub(crate) task: Option<String>,
    pub(crate) robot_type: Option<String>,
    pub(crate) weights: Option<String>,
    pub(crate) limits: Limits,
}

impl Options<'_> {
    pub(crate) fn told(&self) -> Told {
        Told {
            chosen: self.chosen.to_owned(),
            every: self.every,
            pictures: self.pictures,
            twin: self.twin,
            round: self.round,
            task: self.task.map(str::to_owned),
            robot_type: self.robot_type.map(str::to_owned),
            weights: self.weights.map(|weights| weights.name.to_owned()),
            limits: self.limits,
        }
    }
}
