use serde::{Deserialize, Serialize};

use crate::LearnError;

/// Bounds that keep a mistyped or damaged configuration from asking for all memory.
const MOST_LAYERS: usize = 8;
const MOST_WIDTH: usize = 4096;
const MOST_MODES: usize = 64;
/// The wire carries at most this many steps in one proposal.
const MOST_HORIZON: usize = 64;

/// The class of policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Network {
    /// One action at a time: a multi-layer perceptron whose output is a mixture of Gaussians, as robomimic's BC-GMM.
    Mixture {
        /// Width of each hidden layer.
        hidden: Vec<usize>,
        /// Gaussians in the mixture.
        modes: usize,
        /// The least standard deviation, in standard deviations of the action over the data.
        min_std: f64,
    },
    /// A chunk of actions at once: flow matching, that is a multi-layer perceptron that says in which direction to move a noisy chunk.
    Chunk {
        /// Width of each hidden layer.
        hidden: Vec<usize>,
        /// Steps in a chunk.
        horizon: usize,
        /// Euler steps from noise to chunk.
        integration: usize,
    },
}

impl Network {
    /// Steps in one answer of the policy: 1 unless it makes chunks.
    pub const fn horizon(&self) -> usize {
        match self {
            Self::Mixture { .. } => 1,
            Self::Chunk { horizon, .. } => *horizon,
        }
    }

    /// # Errors
    /// If a number is out of bounds.
    pub fn check(&self) -> Result<(), LearnError> {
        let (Self::Mixture { hidden, .. } | Self::Chunk { hidden, .. }) = self;
        rule(
            "hidden",
            hidden,
            (1..=MOST_LAYERS).contains(&hidden.len()) && hidden.iter().all(|w| (1..=MOST_WIDTH).contains(w)),
            "must be 1 to 8 widths between 1 and 4096",
        )?;
        match self {
            Self::Mixture { modes, min_std, .. } => {
                rule("modes", modes, (1..=MOST_MODES).contains(modes), "must be between 1 and 64")?;
                rule("min_std", min_std, (1e-6..=1.0).contains(min_std), "must be between 1e-6 and 1")
            }
            Self::Chunk { horizon, integration, .. } => {
                rule("horizon", horizon, (1..=MOST_HORIZON).contains(horizon), "must be between 1 and 64")?;
                rule(
                    "integration",
                    integration,
                    (1..=100).contains(integration),
                    "must be between 1 and 100 Euler steps",
                )
            }
        }
    }
}

/// How weights act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// Steps are drawn evenly, and a step's loss is multiplied by its weight (Sirius).
    Loss,
    /// Steps are drawn with replacement in proportion to the largest of their groups' weights (IWR); what a group's weight falls short
    /// of the largest is left to the loss, so that both ways have the same expected gradient.
    Sampling,
}

/// How to train. The same configuration, data and machine give the same checkpoint, byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// The class of policy.
    pub network: Network,
    /// Step length of Adam.
    pub learning_rate: f64,
    /// Steps of data in one step of training.
    pub batch: usize,
    /// Steps of training.
    pub steps: u64,
    /// Seed of the first weights, of the order of the data, and of which episodes validate.
    pub seed: u64,
    /// How weights act.
    pub weights: Use,
    /// Share of episodes that are held out, `0 <= share < 1`. With fewer than two episodes none is.
    pub validation: f64,
    /// Steps between validations; also between points of the history.
    pub validate_every: u64,
    /// Validations without a new best after which training ends; 0: never. The best is kept in any case.
    pub patience: u64,
    /// The largest norm of the gradient; 0: any.
    pub gradient_clip: f64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            network: Network::Mixture { hidden: vec![256, 256], modes: 5, min_std: 1e-4 },
            learning_rate: 1e-3,
            batch: 256,
            steps: 10_000,
            seed: 0,
            weights: Use::Loss,
            validation: 0.1,
            validate_every: 500,
            patience: 0,
            gradient_clip: 10.0,
        }
    }
}

impl TrainConfig {
    /// # Errors
    /// If a number is out of bounds.
    pub fn check(&self) -> Result<(), LearnError> {
        self.network.check()?;
        let positive = |value: f64| value > 0.0 && value.is_finite();
        rule(
            "learning_rate",
            &self.learning_rate,
            positive(self.learning_rate) && self.learning_rate <= 1.0,
            "must be above 0 and at most 1",
        )?;
        rule("batch", &self.batch, (1..=1 << 16).contains(&self.batch), "must be between 1 and 65536")?;
        rule("steps", &self.steps, self.steps <= 100_000_000, "must be at most 100 million")?;
        rule(
            "validation",
            &self.validation,
            (0.0..1.0).contains(&self.validation),
            "must be a share of episodes, from 0 to less than 1",
        )?;
        rule("validate_every", &self.validate_every, self.validate_every > 0, "must be at least 1 step")?;
        rule(
            "gradient_clip",
            &self.gradient_clip,
            self.gradient_clip == 0.0 || positive(self.gradient_clip),
            "must be positive, or 0 for none",
        )
    }
}

fn rule(
    key: &'static str,
    value: &impl std::fmt::Debug,
    holds: bool,
    rule: &'static str,
) -> Result<(), LearnError> {
    if holds { Ok(()) } else { Err(LearnError::Config { key, value: format!("{value:?}"), rule }) }
}
