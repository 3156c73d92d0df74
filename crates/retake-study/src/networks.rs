//! Networks of `retake-learn`, as a study uses them.

use std::ops::ControlFlow;

use retake_learn::{LearnError, Network, Policy, Samples, Shape, Start, TrainConfig, Use, train};
use retake_weights::Application;
use serde::{Deserialize, Serialize};

use crate::StudyError;
use crate::learner::{Drive, Learner, Lesson};
use crate::task::{ACTIONS, OBSERVATIONS};

/// How policies learn: the same for all methods of a study. A multi-layer perceptron with a mixture of Gaussians is trained for a
/// fixed number of steps, and what stands then is judged: no episode is held out, and no best checkpoint is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Learning {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Gaussians in the mixture.
    pub modes: usize,
    /// Least standard deviation of each, in standard deviations of the actions.
    pub min_std: f64,
    /// Step length of Adam.
    pub learning_rate: f64,
    /// Steps of data in one step of training.
    pub batch: usize,
    /// Steps of training.
    pub steps: u64,
    /// The largest norm of a gradient; 0: any.
    pub gradient_clip: f64,
}

impl Default for Learning {
    fn default() -> Self {
        Self {
            hidden: vec![64, 64],
            modes: 5,
            min_std: 1e-4,
            learning_rate: 2e-3,
            batch: 256,
            steps: 4000,
            gradient_clip: 0.0,
        }
    }
}

impl Learning {
    /// Whether it can be done.
    pub(crate) fn check(&self) -> Result<(), StudyError> {
        self.config(Application::Loss, 0)
            .check()
            .map_err(|error| StudyError::Plan(format!("learning: {error}")))
    }

    fn config(&self, application: Application, seed: u64) -> TrainConfig {
        TrainConfig {
            network: Network::Mixture {
                hidden: self.hidden.clone(),
                modes: self.modes,
                min_std: self.min_std,
            },
            learning_rate: self.learning_rate,
            batch: self.batch,
            steps: self.steps,
            seed,
            weights: match application {
                Application::Loss => Use::Loss,
                Application::Sampling => Use::Sampling,
            },
            validation: 0.0,
            validate_every: self.steps.max(1),
            patience: 0,
            gradient_clip: self.gradient_clip,
        }
    }
}

/// Learns networks.
#[derive(Debug)]
pub(crate) struct Networks<'a>(pub(crate) &'a Learning);

impl Learner for Networks<'_> {
    type Policy = Policy;

    fn learn(
        &self,
        lesson: &Lesson,
        application: Application,
        seed: u64,
        from: Option<&Policy>,
    ) -> Result<(Policy, f64), StudyError> {
        let Lesson { observations, actions, weights, episodes } = lesson.clone();
        let shape = Shape { observations: OBSERVATIONS, groups: vec![ACTIONS] };
        let samples = Samples::new(shape, observations, actions, weights, episodes).map_err(failed)?;
        let start = from.map_or(Start::Scratch, |policy| Start::From(Box::new(policy.clone())));
        let config = self.0.config(application, seed);
        let trained = train(&samples, &config, start, &mut |_| ControlFlow::Continue(())).map_err(failed)?;
        let loss = trained.record().history.last().map_or(0.0, |point| point.loss);
        Ok((trained.into_policy(), loss))
    }
}

impl Drive for Policy {
    fn act_batch(&self, observations: &[f32]) -> Result<Vec<f32>, StudyError> {
        Self::act_batch(self, observations).map_err(failed)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err gives")]
fn failed(error: LearnError) -> StudyError {
    StudyError::Learning(error.to_string())
}
