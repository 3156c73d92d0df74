//! Places worth coming back to.

use retake_units::Tick;

/// What a checkpoint marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The episode began.
    Start,
    /// A human took over from the policy.
    Takeover,
    /// The gripper began to close.
    GripperCloses,
    /// The gripper began to open.
    GripperOpens,
    /// The operator said so.
    Operator,
}

impl Mark {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Takeover => "takeover",
            Self::GripperCloses => "gripper closes",
            Self::GripperOpens => "gripper opens",
            Self::Operator => "mark",
        }
    }
}

/// A place of the path that can be gone to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checkpoint {
    /// Its number in this episode, from 1.
    pub number: u32,
    /// What it marks.
    pub mark: Mark,
    /// When the robot was first there.
    pub tick: Tick,
    /// Seconds of motion between it and where the robot is now on the path, both counted from the start; negative ahead.
    pub seconds_back: f64,
}

/// So many are kept; the oldest one that is neither the start nor the operator's goes first.
const CAPACITY: usize = 64;

/// Number, what it marks, and the sample where it is.
pub(super) type Kept = (u32, Mark, u64);

#[derive(Clone, Debug, Default)]
pub(super) struct Checkpoints {
    kept: Vec<Kept>,
    numbers: u32,
}

impl Checkpoints {
    pub(super) fn add(&mut self, mark: Mark, sample: u64) -> u32 {
        if self.kept.len() == CAPACITY {
            let dear = |(_, mark, _): &Kept| matches!(mark, Mark::Start | Mark::Operator);
            let gone = self.kept.iter().position(|kept| !dear(kept)).unwrap_or(0);
            self.kept.remove(gone);
        }
        self.numbers = self.numbers.saturating_add(1);
        self.kept.push((self.numbers, mark, sample));
        self.numbers
    }

    /// Samples before this one are no longer known.
    pub(super) fn forget_before(&mut self, sample: u64) {
        self.kept.retain(|(_, _, at)| *at >= sample);
    }

    pub(super) fn find(&self, number: u32) -> Option<u64> {
        self.kept.iter().find(|(kept, ..)| *kept == number).map(|(_, _, sample)| *sample)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter()
    }
}
