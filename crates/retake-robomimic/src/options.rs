use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use retake_dataset::{Episode, Key, Split, Standing};
use retake_labels::{Class, Rule};

/// Which attempts are exported.
#[derive(Clone, Copy, Default)]
pub enum Choose<'a> {
    /// Those that are not discarded and have no problem.
    #[default]
    Usable,
    /// Exactly these, whatever is said about them. One that cannot be exported is an error.
    Keys(&'a [Key]),
    /// Those of which this is true.
    Where(&'a dyn Fn(&Episode, &Standing) -> bool),
}

impl std::fmt::Debug for Choose<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Usable => f.write_str("Usable"),
            Self::Keys(keys) => f.debug_tuple("Keys").field(keys).finish(),
            Self::Where(_) => f.write_str("Where"),
        }
    }
}

/// What becomes of the cameras' pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pictures {
    /// They are left out.
    #[default]
    Off,
    /// `obs/<camera>_image`, uint8 (steps, height, width, 3), compressed. Behaviour cloning needs no others.
    Observed,
    /// In `next_obs`, too, which twice the space is needed for. Offline reinforcement learning from pictures needs them.
    WithNext,
}

/// In what units `actions` and `policy_actions` are. `commands` always has them as they were sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Actions {
    /// From -1 at each value's lower limit to 1 at its upper one, as robomimic demands: its deterministic policies can say nothing
    /// else, and `get_dataset_info` refuses it. The limits are in `env_args`.
    #[default]
    Scaled,
    /// As they were sent: radians, metres.
    Plain,
}

/// Weight of a step, by its attempt and its row in the attempt.
pub type Weigh<'a> = &'a dyn Fn(&Key, usize) -> f32;

/// How to export.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The file to write. It must not be there.
    pub out: &'a Path,
    /// Which attempts.
    pub choose: Choose<'a>,
    /// Only every so-many-th step.
    pub every: NonZeroUsize,
    /// Pictures.
    pub pictures: Pictures,
    /// Units of actions.
    pub actions: Actions,
    /// How steps are labelled.
    pub rule: Rule,
    /// Each stretch of steps of one class becomes a demo of its own, too, with a filter key per class and a list of weights.
    pub segments: bool,
    /// Who is for training and who to validate with.
    pub split: Option<&'a Split>,
    /// Weights of steps, as dataset `weights`; none if there are none.
    pub weights: Option<Weigh<'a>>,
}

impl<'a> Options<'a> {
    /// The usual ones.
    pub fn new(out: &'a Path) -> Self {
        Self {
            out,
            choose: Choose::Usable,
            every: NonZeroUsize::MIN,
            pictures: Pictures::Off,
            actions: Actions::Scaled,
            rule: Rule::default(),
            segments: false,
            split: None,
            weights: None,
        }
    }
}

impl std::fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("out", &self.out)
            .field("choose", &self.choose)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

/// How far an export is.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// A recording is read through.
    Scanning {
        /// Its name.
        recording: &'a str,
        /// Ticks so far.
        ticks: u64,
    },
    /// An attempt is in the file.
    Written {
        /// The attempt.
        key: &'a Key,
        /// Demos so far, segments included.
        demos: usize,
        /// Steps so far, segments included.
        steps: u64,
    },
    /// The file is read again.
    Verifying {
        /// Demos that are as they should be.
        demos: usize,
        /// Of so many.
        of: usize,
    },
}

/// An attempt that is not in the file, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The attempt.
    pub key: Key,
    /// Why, in words.
    pub why: String,
}

/// What was exported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Attempts in the file.
    pub episodes: usize,
    /// Stretches of one class, as demos of their own.
    pub segments: usize,
    /// Steps of attempts; those of segments are not counted again.
    pub steps: u64,
    /// Steps of attempts by class.
    pub classes: BTreeMap<Class, u64>,
    /// Attempts that are not in it.
    pub skipped: Vec<Skipped>,
    /// Length of the file.
    pub bytes: u64,
    /// The list of weights for `train.data`, beside the file, if there are segments.
    pub weights: Option<PathBuf>,
}
