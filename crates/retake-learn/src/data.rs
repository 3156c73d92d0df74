use candle_core::{Device, Tensor};

use crate::{
    LearnError, Network, Samples, Use,
    chance::{Purpose, stream},
    flow, mixture,
    order::largest,
    scaling::Normalisation,
};

/// Samples on the device, as the network sees them.
#[derive(Debug)]
pub(crate) struct Data {
    /// `[N x observations]`
    observations: Tensor,
    /// `[N x actions]`
    actions: Tensor,
    /// What the weights come to: for a mixture `[N x likelihoods]`, for chunks `[N x actions]`.
    coefficients: Tensor,
    /// For a mixture, which values each likelihood is of, `[actions x likelihoods]`.
    members: Tensor,
    /// The last step that follows each step without a gap in the same episode.
    last: Vec<u32>,
    horizon: usize,
    seed: u64,
}

/// Some steps of the data.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    /// `[B x observations]`
    pub(crate) observations: Tensor,
    /// `[B x horizon * actions]`
    pub(crate) actions: Tensor,
    /// For a mixture `[B x likelihoods]`, for chunks `[B x horizon * actions]`.
    pub(crate) coefficients: Tensor,
    /// For a mixture, which values each likelihood is of, `[actions x likelihoods]`.
    pub(crate) members: &'a Tensor,
    /// Where the randomness of this batch comes from.
    chance: (u64, Purpose, u64),
}

impl Batch<'_> {
    /// Noise for flow matching, always the same for the same batch.
    pub(crate) fn noise(&self) -> Result<flow::Noise, LearnError> {
        let (seed, purpose, index) = self.chance;
        let (batch, chunk) = self.actions.dims2()?;
        flow::Noise::draw(&mut stream(seed, purpose, index), batch, chunk, self.actions.device())
    }
}

impl Data {
    pub(crate) fn new(
        samples: &Samples,
        normalisation: &Normalisation,
        network: &Network,
        how: Use,
        seed: u64,
        device: &Device,
    ) -> Result<Self, LearnError> {
        let shape = samples.shape();
        let (rows, groups) = (samples.len(), shape.groups.len());
        let weights = match how {
            Use::Loss => samples.weights().to_vec(),
            Use::Sampling => shortfalls(samples),
        };
        let (width, coefficients) = match network {
            Network::Mixture { .. } => {
                let coefficients = mixture::coefficients(&weights, groups);
                (coefficients.likelihoods, coefficients.values)
            }
            Network::Chunk { .. } => {
                let of_values = weights.chunks_exact(groups).flat_map(|row| {
                    row.iter().zip(&shape.groups).flat_map(|(&weight, &values)| vec![weight; values])
                });
                (shape.actions(), of_values.collect())
            }
        };
        let tensor = |values: Vec<f32>, width| Tensor::from_vec(values, (rows, width), device);
        Ok(Self {
            observations: tensor(
                normalisation.observation.apply(samples.observations()),
                shape.observations,
            )?,
            actions: tensor(normalisation.action.apply(samples.actions()), shape.actions())?,
            coefficients: tensor(coefficients, width)?,
            members: mixture::members(shape, width, device)?,
            last: ends(samples.episodes()),
            horizon: network.horizon(),
            seed,
        })
    }

    /// `purpose` and `index` name the batch for what is drawn for it.
    pub(crate) fn batch(&self, rows: &[u32], purpose: Purpose, index: u64) -> Result<Batch<'_>, LearnError> {
        let device = self.observations.device();
        let chunk = self.horizon * self.actions.dim(1)?;
        let steps: Vec<u32> = rows
            .iter()
            .flat_map(|&row| {
                let last = self.last[row as usize];
                (row..).take(self.horizon).map(move |step| step.min(last))
            })
            .collect();
        let starts = Tensor::from_slice(rows, rows.len(), device)?;
        let steps = Tensor::from_vec(steps, rows.len() * self.horizon, device)?;
        let width = self.horizon * self.coefficients.dim(1)?;
        Ok(Batch {
            observations: self.observations.index_select(&starts, 0)?,
            actions: self.actions.index_select(&steps, 0)?.reshape((rows.len(), chunk))?,
            coefficients: self.coefficients.index_select(&steps, 0)?.reshape((rows.len(), width))?,
            members: &self.members,
            chance: (self.seed, purpose, index),
        })
    }
}

/// What is left of each weight for the loss where steps are drawn in proportion to their largest.
fn shortfalls(samples: &Samples) -> Vec<f32> {
    let groups = samples.shape().groups.len();
    let rows = samples.weights().chunks_exact(groups).enumerate();
    rows.flat_map(|(row, weights)| {
        let largest = largest(samples, row);
        weights.iter().map(move |weight| if largest > 0.0 { weight / largest } else { 0.0 })
    })
    .collect()
}

/// For each step the last one that follows it in the same episode.
fn ends(episodes: &[u32]) -> Vec<u32> {
    let mut ends: Vec<u32> = (0..).take(episodes.len()).collect();
    for row in (1..episodes.len()).rev() {
        if episodes[row - 1] == episodes[row] {
            ends[row - 1] = ends[row];
        }
    }
    ends
}
