//! Recordings as weighted examples to learn from.
//!
//! [`survey`] reads which attempts there are and of what classes their steps, [`Survey::weigh`] gives each class its weight by a
//! scheme, and [`gather`] turns the steps into rows of numbers: what a policy would have seen, what it should have done, and how much
//! each group is to learn from it. Nothing is written anywhere.

mod gather;
mod survey;

pub use gather::{Examples, Left, gather};
pub use survey::{Attempt, Memory, Plan, Survey, survey, untouched_success};

/// Why recordings cannot be learnt from.
#[derive(Debug, thiserror::Error)]
pub enum ExamplesError {
    /// They cannot be read.
    #[error(transparent)]
    Dataset(#[from] retake_dataset::DatasetError),
    /// A scheme has nothing to weigh.
    #[error("group {group}: {why}")]
    Weights {
        /// The group.
        group: String,
        /// Why not.
        why: retake_weights::WeightError,
    },
    /// The robot cannot be driven by a policy of this kind.
    #[error(transparent)]
    Features(#[from] retake_features::FeatureError),
    /// Nothing to learn from.
    #[error("there are no attempts to learn from: none was recorded, or all are discarded")]
    Nothing,
    /// More than one robot.
    #[error(
        "{other} was made by another robot than {first}, or one that was set up otherwise ({difference}); train on one at a time"
    )]
    Mixed {
        /// An attempt.
        first: String,
        /// One that does not go with it.
        other: String,
        /// What is different.
        difference: String,
    },
}

#[cfg(test)]
mod tests;
