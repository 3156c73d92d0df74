use std::path::Path;

use candle_core::Device;

use crate::{
    LearnError, Network, Samples, Shape, Use,
    chance::Purpose,
    checkpoint::{self, Manifest},
    data::Data,
    model::Model,
    scaling::Normalisation,
};

/// Rows of data of which a loss is computed at once.
const ROWS: usize = 1024;

/// A trained network that answers observations with actions. It can be used from several threads at once.
#[derive(Debug)]
pub struct Policy {
    pub(crate) shape: Shape,
    pub(crate) network: Network,
    pub(crate) seed: u64,
    pub(crate) normalisation: Normalisation,
    /// In the order of the network's layout.
    pub(crate) values: Vec<Vec<f32>>,
    model: Model,
}

impl Clone for Policy {
    fn clone(&self) -> Self {
        Self {
            shape: self.shape.clone(),
            network: self.network.clone(),
            seed: self.seed,
            normalisation: self.normalisation.clone(),
            values: self.values.clone(),
            model: self.model.detached(),
        }
    }
}

impl Policy {
    pub(crate) fn new(
        shape: Shape,
        network: Network,
        seed: u64,
        normalisation: Normalisation,
        values: Vec<Vec<f32>>,
    ) -> Result<Self, LearnError> {
        one_thread();
        let model = Model::new(&shape, &network, &values, &Device::Cpu)?.detached();
        Ok(Self { shape, network, seed, normalisation, values, model })
    }

    /// Reads a checkpoint, and what its manifest says of it.
    ///
    /// # Errors
    /// If it is not whole: files missing, of another length or hash than the manifest says, with other tensors than its network has, or
    /// values that are not finite.
    pub fn load(dir: &Path) -> Result<(Self, Manifest), LearnError> {
        checkpoint::load(dir)
    }

    /// What one step consists of.
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The class of policy.
    pub const fn network(&self) -> &Network {
        &self.network
    }

    /// Steps in one answer; 1 unless the policy makes chunks.
    pub const fn horizon(&self) -> usize {
        self.network.horizon()
    }

    /// What to do on an observation: `[horizon x actions]`, in the units of the data. Always the same for the same observation: of a
    /// mixture, the mean of the most likely mode.
    ///
    /// # Errors
    /// If the observation has another length than the policy was trained with, or a value that is not finite.
    pub fn act(&self, observation: &[f32]) -> Result<Vec<f32>, LearnError> {
        if observation.len() != self.shape.observations {
            return Err(LearnError::Observation(format!(
                "has {} values instead of {}",
                observation.len(),
                self.shape.observations
            )));
        }
        self.act_batch(observation)
    }

    /// The same for `[B x observations]`: `[B x horizon x actions]`.
    ///
    /// # Errors
    /// As [`Policy::act`].
    pub fn act_batch(&self, observations: &[f32]) -> Result<Vec<f32>, LearnError> {
        let width = self.shape.observations;
        if observations.is_empty() || !observations.len().is_multiple_of(width) {
            return Err(LearnError::Observation(format!(
                "has {} values instead of a multiple of {width}",
                observations.len()
            )));
        }
        if let Some(at) = observations.iter().position(|value| !value.is_finite()) {
            return Err(LearnError::Observation(format!("has {} as value {}", observations[at], at % width)));
        }
        let answer = self.model.act(&self.normalisation.observation.apply(observations), self.seed)?;
        Ok(self.normalisation.action.undo(&answer))
    }

    /// The mean weighted loss on samples, whatever they were used for: the same loss that training lowers.
    ///
    /// # Errors
    /// If the samples have another shape.
    pub fn loss(&self, samples: &Samples) -> Result<f64, LearnError> {
        if samples.shape() != &self.shape {
            return Err(LearnError::Start(format!(
                "it was trained for {:?}, and these samples have {:?}",
                self.shape,
                samples.shape()
            )));
        }
        let data =
            Data::new(samples, &self.normalisation, &self.network, Use::Loss, self.seed, &Device::Cpu)?;
        let rows: Vec<u32> = (0..).take(samples.len()).collect();
        mean_loss(&self.model, &data, &rows)
    }
}

/// The mean loss of some rows, by batches. What is drawn for them is the same each time.
pub(crate) fn mean_loss(model: &Model, data: &Data, rows: &[u32]) -> Result<f64, LearnError> {
    let mut sum = 0.0;
    for (index, rows) in (0..).zip(rows.chunks(ROWS)) {
        let loss = model.loss(&data.batch(rows, Purpose::Validation, index)?)?.to_scalar::<f32>()?;
        sum += f64::from(loss) * rows.len() as f64;
    }
    Ok(sum / rows.len() as f64)
}

/// Keeps matrix products on the thread that asks for them, in the whole process. These networks are too small to gain from more, and
/// several trainings at once, or a policy beside a control loop, would fight over the cores.
pub(crate) fn one_thread() {
    gemm::set_threading_threshold(usize::MAX);
}
