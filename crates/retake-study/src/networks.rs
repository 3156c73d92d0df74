//! Networks of `retake-learn`, as a study uses them.

use serde::{Deserialize, Serialize};

use crate::StudyError;

/// How policies learn: the same for all methods of a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Learning {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
}
impl Default for Learning {
    fn default() -> Self {
        Self { hidden: vec![64, 64] }
    }
}
impl Learning {
    pub(crate) fn check(&self) -> Result<(), StudyError> {
        Ok(())
    }
}
pub(crate) struct Networks;
impl Networks {
    pub(crate) fn new(_: &Learning) -> Self {
        Self
    }
}
pub(crate) struct Nobody;
impl crate::learner::Drive for Nobody {
    fn act_batch(&self, _: &[f32]) -> Result<Vec<f32>, StudyError> {
        Ok(vec![])
    }
}
impl crate::learner::Learner for Networks {
    type Policy = Nobody;
    fn learn(
        &self,
        _: &crate::learner::Lesson,
        _: retake_weights::Application,
        _: u64,
        _: Option<&Nobody>,
    ) -> Result<(Nobody, f64), StudyError> {
        Ok((Nobody, 0.0))
    }
}
