use std::ops::ControlFlow;

use candle_core::Device;
use serde::{Deserialize, Serialize};

use crate::{
    LearnError, Order, Policy, Samples, TrainConfig, Use,
    adam::{Adam, gradient},
    chance::Purpose,
    data::Data,
    mlp,
    model::{Model, widths},
    policy::{mean_loss, one_thread},
    scaling::Normalisation,
};

/// What a training begins with.
#[derive(Debug)]
pub enum Start {
    /// First weights drawn by the seed.
    Scratch,
    /// The weights, and the normalisation, of a policy of the same network and shape.
    From(Box<Policy>),
    /// Where a training of the same configuration and data left off; only `steps` may be more.
    Resume(Box<Resume>),
}

/// A training that can go on as if it had never stopped: from [`Trained::resume`] or [`Resume::load`].
#[derive(Clone, Debug)]
pub struct Resume {
    pub(crate) config: TrainConfig,
    pub(crate) data: String,
    pub(crate) normalisation: Normalisation,
    pub(crate) state: State,
    pub(crate) record: Record,
}

/// Values that change from step to step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) values: Vec<Vec<f32>>,
    pub(crate) adam: Adam,
    pub(crate) best: Option<Vec<Vec<f32>>>,
}

/// What happened in a training; part of the manifest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Steps of training done.
    pub step: u64,
    /// Why it ended.
    pub end: End,
    /// The best validation, if there was one: its weights are the policy's.
    pub best: Option<Validated>,
    /// Validations since then.
    pub since_best: u64,
    /// A point each `validate_every` steps, oldest first.
    pub history: Vec<Point>,
    /// Sum of the losses since the last point, and their number.
    pub running: (f64, u64),
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// All steps are done.
    #[default]
    Steps,
    /// The validation loss has not become better for as long as `patience` says.
    Patience,
    /// It was told to stop; it can be resumed.
    Stopped,
}

/// A validation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validated {
    /// Steps of training done then.
    pub step: u64,
    /// Mean weighted loss on the episodes that were held out.
    pub loss: f64,
}

/// A point of the history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Steps of training done.
    pub step: u64,
    /// Mean loss of the batches since the last point.
    pub loss: f64,
    /// Mean weighted loss on the episodes that were held out, if any are.
    pub validation: Option<f64>,
}

/// How far a training is: told after every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Steps of training done.
    pub step: u64,
    /// Steps of training in all.
    pub of: u64,
    /// Loss of the step's batch, before the step.
    pub loss: f64,
    /// The validation loss, after steps at which there is one.
    pub validation: Option<f64>,
}

/// A training that ended, for whatever reason.
#[derive(Clone, Debug)]
pub struct Trained {
    policy: Policy,
    resume: Resume,
}

impl Trained {
    /// The policy: of the best validation, or, if nothing is held out, of the last step.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The policy alone.
    pub fn into_policy(self) -> Policy {
        self.policy
    }

    /// What happened.
    pub const fn record(&self) -> &Record {
        &self.resume.record
    }

    /// How it was trained.
    pub const fn config(&self) -> &TrainConfig {
        &self.resume.config
    }

    /// Where it left off.
    pub const fn resume(&self) -> &Resume {
        &self.resume
    }
}

/// Trains a policy. After each step `told` hears of it and may say `Break`: then what stands is returned, and can be saved and resumed.
///
/// Everything is computed on one thread, so several trainings can run beside each other. Where the crate is built with the feature
/// `cuda` and there is such a device, the network is trained there.
///
/// # Errors
/// If the configuration is out of bounds, the data and the start do not go together, or the loss is no longer a number.
pub fn train(
    samples: &Samples,
    config: &TrainConfig,
    start: Start,
    told: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Trained, LearnError> {
    config.check()?;
    one_thread();
    let order = Order::new(samples, config)?;
    let resume = begin(samples, config, start, &order)?;
    let device = Device::cuda_if_available(0)?;
    let data = |how| Data::new(samples, &resume.normalisation, &config.network, how, config.seed, &device);
    let mut training = Training {
        samples,
        config,
        train: data(config.weights)?,
        validation: data(Use::Loss)?,
        order,
        device: &device,
    };
    let Resume { data, normalisation, mut state, mut record, .. } = resume;
    record.end = training.run(&mut state, &mut record, told)?;

    let values = state.best.clone().unwrap_or_else(|| state.values.clone());
    let policy = Policy::new(
        samples.shape().clone(),
        config.network.clone(),
        config.seed,
        normalisation.clone(),
        values,
    )?;
    Ok(Trained { policy, resume: Resume { config: config.clone(), data, normalisation, state, record } })
}

fn begin(samples: &Samples, config: &TrainConfig, start: Start, order: &Order) -> Result<Resume, LearnError> {
    let refuse = |why: String| Err(LearnError::Start(why));
    let fresh = |normalisation, values: Vec<Vec<f32>>| Resume {
        config: config.clone(),
        data: samples.digest(),
        normalisation,
        state: State { adam: Adam::new(&values), values, best: None },
        record: Record::default(),
    };
    match start {
        Start::Scratch => {
            let normalisation = Normalisation::of(samples, order.train());
            Ok(fresh(normalisation, mlp::initial(&widths(samples.shape(), &config.network), config.seed)))
        }
        Start::From(policy) => {
            let policy = *policy;
            if policy.shape != *samples.shape() || policy.network != config.network {
                return refuse(format!(
                    "it holds {:?} for {:?}, but {:?} for {:?} is to be trained; start from scratch",
                    policy.network,
                    policy.shape,
                    config.network,
                    samples.shape()
                ));
            }
            Ok(fresh(policy.normalisation, policy.values))
        }
        Start::Resume(resume) => {
            let goes_on = TrainConfig { steps: config.steps, ..resume.config.clone() };
            if goes_on != *config || config.steps < resume.config.steps {
                return refuse(format!(
                    "it was trained with another configuration: {:?}, now {config:?}; only steps may be more",
                    resume.config
                ));
            }
            if resume.data != samples.digest() {
                return refuse(
                    "it was trained with other data; start from scratch, or from its weights".into(),
                );
            }
            Ok(*resume)
        }
    }
}

struct Training<'a> {
    samples: &'a Samples,
    config: &'a TrainConfig,
    train: Data,
    validation: Data,
    order: Order,
    device: &'a Device,
}

impl Training<'_> {
    fn run(
        &mut self,
        state: &mut State,
        record: &mut Record,
        told: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<End, LearnError> {
        while record.step < self.config.steps {
            if self.out_of_patience(record) {
                return Ok(End::Patience);
            }
            let loss = self.step(state, record.step)?;
            record.step += 1;
            record.running = (record.running.0 + loss, record.running.1 + 1);
            let due =
                record.step.is_multiple_of(self.config.validate_every) || record.step == self.config.steps;
            let validation = if due { self.validate(state, record)? } else { None };
            let progress = Progress { step: record.step, of: self.config.steps, loss, validation };
            if told(&progress).is_break() {
                return Ok(if record.step < self.config.steps { End::Stopped } else { End::Steps });
            }
        }
        Ok(End::Steps)
    }

    fn out_of_patience(&self, record: &Record) -> bool {
        self.config.patience > 0 && record.since_best >= self.config.patience
    }

    fn model(&self, state: &State) -> Result<Model, LearnError> {
        Model::new(self.samples.shape(), &self.config.network, &state.values, self.device)
    }

    /// One step; `step` counts from 0. Returns the loss before it.
    fn step(&mut self, state: &mut State, step: u64) -> Result<f64, LearnError> {
        let model = self.model(state)?;
        let rows = self.order.rows(step);
        let loss = model.loss(&self.train.batch(&rows, Purpose::Noise, step)?)?;
        let slopes = gradient(model.parameters(), &loss.backward()?, self.config.gradient_clip)?;
        let loss = f64::from(loss.to_scalar::<f32>()?);
        if !loss.is_finite() || slopes.iter().flatten().any(|slope| !slope.is_finite()) {
            return Err(LearnError::Diverged { step });
        }
        state.adam.step(&mut state.values, &slopes, step + 1, self.config.learning_rate);
        Ok(loss)
    }

    /// Adds a point to the history, and keeps the weights if they are the best so far.
    fn validate(&self, state: &mut State, record: &mut Record) -> Result<Option<f64>, LearnError> {
        let validation = match self.order.validation() {
            [] => None,
            rows => Some(mean_loss(&self.model(state)?.detached(), &self.validation, rows)?),
        };
        let (sum, count) = std::mem::take(&mut record.running);
        record.history.push(Point { step: record.step, loss: sum / count as f64, validation });
        if let Some(loss) = validation {
            if record.best.is_none_or(|best| loss < best.loss) {
                record.best = Some(Validated { step: record.step, loss });
                record.since_best = 0;
                state.best = Some(state.values.clone());
            } else {
                record.since_best += 1;
            }
        }
        Ok(validation)
    }
}
