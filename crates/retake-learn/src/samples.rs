use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::LearnError;

/// The most groups, and the most values of an observation or action, that are accepted: far more than a robot has, and little enough
/// that a damaged manifest cannot ask for all memory.
const MOST_GROUPS: usize = 64;
const MOST_VALUES: usize = 1 << 16;

/// What goes into a policy and what comes out of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Values of one observation.
    pub observations: usize,
    /// Action values of each group, in order. A step's action is the groups' values one after another.
    pub groups: Vec<usize>,
}

impl Shape {
    /// Values of one step's action, all groups together.
    pub fn actions(&self) -> usize {
        self.groups.iter().sum()
    }

    /// # Errors
    /// If there is nothing to observe or nothing to do, or more than a robot can have.
    pub fn check(&self) -> Result<(), LearnError> {
        let refuse = |why: &str| Err(LearnError::Data(why.into()));
        if self.observations == 0 || self.observations > MOST_VALUES {
            return refuse("an observation must have between 1 and 65536 values");
        }
        if self.groups.is_empty() || self.groups.len() > MOST_GROUPS {
            return refuse("there must be between 1 and 64 groups");
        }
        if self.groups.iter().any(|&values| values == 0 || values > MOST_VALUES / MOST_GROUPS) {
            return refuse("a group's action must have between 1 and 1024 values");
        }
        Ok(())
    }
}

/// Steps to learn from: what was seen, what was done, and how much each group is to learn from it. Always consistent: it can only be
/// made by [`Samples::new`].
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    shape: Shape,
    observations: Vec<f32>,
    actions: Vec<f32>,
    weights: Vec<f32>,
    episodes: Vec<u32>,
}

impl Samples {
    /// N steps, in the order in which they happened.
    ///
    /// `observations` is `[N x shape.observations]`, `actions` is `[N x shape.actions()]`, `weights` is `[N x shape.groups.len()]`, row
    /// by row; `episodes` names each step's episode. A weight of 0 means that the group learns nothing from the step. Weights are taken
    /// as they are: a loss is the mean of weight times loss, so give them a mean of 1.
    ///
    /// A chunk of actions is cut from consecutive steps of one episode, so a step that is left out must not leave its neighbours
    /// seeming consecutive: give it a weight of 0, or give what follows another episode's number.
    ///
    /// # Errors
    /// If lengths do not agree, nothing is there, a value is not finite, a weight is negative, or no weight is positive.
    pub fn new(
        shape: Shape,
        observations: Vec<f32>,
        actions: Vec<f32>,
        weights: Vec<f32>,
        episodes: Vec<u32>,
    ) -> Result<Self, LearnError> {
        shape.check()?;
        let steps = episodes.len();
        if steps == 0 {
            return Err(LearnError::Data(
                "there is not a single step; record demonstrations or interventions first".into(),
            ));
        }
        if u32::try_from(steps).is_err() {
            return Err(LearnError::Data(format!("{steps} steps are more than can be numbered")));
        }
        let widths = [
            ("observations", &observations, shape.observations),
            ("actions", &actions, shape.actions()),
            ("weights", &weights, shape.groups.len()),
        ];
        for (name, values, width) in widths {
            if values.len() != steps * width {
                return Err(LearnError::Data(format!(
                    "{steps} steps with {width} {name} each are {} values, but {} were given",
                    steps * width,
                    values.len()
                )));
            }
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                return Err(LearnError::Data(format!(
                    "{name} of step {}, value {}, is {}: leave out that step or repair it",
                    at / width,
                    at % width,
                    values[at]
                )));
            }
        }
        if let Some(at) = weights.iter().position(|weight| *weight < 0.0) {
            return Err(LearnError::Data(format!(
                "the weight of step {} is {}, which is negative",
                at / shape.groups.len(),
                weights[at]
            )));
        }
        if weights.iter().all(|weight| *weight == 0.0) {
            return Err(LearnError::Data(
                "every weight is 0, so there is nothing to learn; choose another scheme or more data".into(),
            ));
        }
        Ok(Self { shape, observations, actions, weights, episodes })
    }

    /// What one step consists of.
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Number of steps; never 0.
    pub const fn len(&self) -> usize {
        self.episodes.len()
    }

    /// Always false: a set without a step cannot be made.
    pub const fn is_empty(&self) -> bool {
        self.episodes.is_empty()
    }

    /// Observations, `[N x shape.observations]`.
    pub fn observations(&self) -> &[f32] {
        &self.observations
    }

    /// Actions, `[N x shape.actions()]`.
    pub fn actions(&self) -> &[f32] {
        &self.actions
    }

    /// Weights, `[N x shape.groups.len()]`.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The episode of each step.
    pub fn episodes(&self) -> &[u32] {
        &self.episodes
    }

    /// SHA-256 of all of it, in hexadecimal: what a checkpoint names as its data.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut count = |number: usize| hash.update((number as u64).to_le_bytes());
        count(self.len());
        count(self.shape.observations);
        count(self.shape.groups.len());
        self.shape.groups.iter().for_each(|&group| count(group));
        for values in [&self.observations, &self.actions, &self.weights] {
            values.iter().for_each(|value| hash.update(value.to_le_bytes()));
        }
        self.episodes.iter().for_each(|episode| hash.update(episode.to_le_bytes()));
        hex(&hash.finalize())
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
