//! What a study needs of the thing that learns.

use retake_weights::Application;

use crate::StudyError;

/// Steps to learn from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lesson {
    /// What was seen: as many values per step as the task's observations have, steps one after the other.
    pub observations: Vec<f32>,
    /// What was done, likewise.
    pub actions: Vec<f32>,
    /// Weight of each step.
    pub weights: Vec<f32>,
    /// Number of the attempt that each step belongs to.
    pub episodes: Vec<u32>,
}

/// A policy.
pub trait Drive {
    /// The actions for several observations, one after the other, as in [`Lesson`].
    ///
    /// # Errors
    /// If the observations do not fit the policy.
    fn act_batch(&self, observations: &[f32]) -> Result<Vec<f32>, StudyError>;
}

/// Something that learns policies. Equal lessons and seeds must give equal policies.
pub trait Learner: Sync {
    /// What it learns.
    type Policy: Drive + Send + Sync;

    /// Learns from `lesson`, with the weights used as `application` says, beginning from nothing or from the policy `from`.
    /// Answers the policy and the loss it ended with.
    ///
    /// # Errors
    /// If nothing can be learnt from it.
    fn learn(
        &self,
        lesson: &Lesson,
        application: Application,
        seed: u64,
        from: Option<&Self::Policy>,
    ) -> Result<(Self::Policy, f64), StudyError>;
}
