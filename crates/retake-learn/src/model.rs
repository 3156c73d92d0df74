use candle_core::{Device, Tensor};

use crate::{
    LearnError, Network, Shape,
    chance::{Purpose, stream},
    data::Batch,
    flow, mixture,
    mlp::Mlp,
};

/// The one definition of every network, for training and for serving.
#[derive(Debug)]
pub(crate) struct Model {
    shape: Shape,
    network: Network,
    mlp: Mlp,
}

/// Widths of the network's perceptron, from input to output.
pub(crate) fn widths(shape: &Shape, network: &Network) -> Vec<usize> {
    let (seen, done) = (shape.observations, shape.actions());
    let (input, hidden, output) = match network {
        Network::Mixture { hidden, modes, .. } => (seen, hidden, mixture::outputs(*modes, done)),
        Network::Chunk { hidden, horizon, .. } => {
            (seen + horizon * done + flow::TIME, hidden, horizon * done)
        }
    };
    std::iter::once(input).chain(hidden.iter().copied()).chain([output]).collect()
}

impl Model {
    pub(crate) fn new(
        shape: &Shape,
        network: &Network,
        values: &[Vec<f32>],
        device: &Device,
    ) -> Result<Self, LearnError> {
        let mlp = Mlp::new(&widths(shape, network), values, device)?;
        Ok(Self { shape: shape.clone(), network: network.clone(), mlp })
    }

    /// The same, for answers only.
    pub(crate) fn detached(&self) -> Self {
        Self { shape: self.shape.clone(), network: self.network.clone(), mlp: self.mlp.detached() }
    }

    /// Parameters in the order of [`crate::mlp::layout`].
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &Tensor> {
        self.mlp.parameters()
    }

    /// The mean loss of a batch, a scalar.
    pub(crate) fn loss(&self, batch: &Batch<'_>) -> Result<Tensor, LearnError> {
        let loss = match &self.network {
            Network::Mixture { min_std, .. } => mixture::loss(
                &self.mlp.forward(&batch.observations)?,
                &batch.actions,
                &batch.coefficients,
                batch.members,
                *min_std,
            ),
            Network::Chunk { .. } => flow::loss(
                |input| self.mlp.forward(input),
                &batch.observations,
                &batch.actions,
                &batch.coefficients,
                &batch.noise()?,
            ),
        };
        Ok(loss?)
    }

    /// What to do, normalised, `[B x horizon x actions]`, for normalised observations `[B x observations]`.
    pub(crate) fn act(&self, observations: &[f32], seed: u64) -> Result<Vec<f32>, LearnError> {
        let rows = observations.len() / self.shape.observations;
        let input = Tensor::from_slice(observations, (rows, self.shape.observations), &Device::Cpu)?;
        let actions = self.shape.actions();
        match &self.network {
            Network::Mixture { modes, .. } => {
                let output = self.mlp.forward(&input)?.flatten_all()?.to_vec1()?;
                Ok(mixture::most_likely(&output, *modes, actions))
            }
            Network::Chunk { horizon, integration, .. } => {
                let mut rng = stream(seed, Purpose::Start, 0);
                let forward = |input: &Tensor| self.mlp.forward(input);
                let chunks = flow::follow(forward, &input, horizon * actions, *integration, &mut rng)?;
                Ok(chunks.flatten_all()?.to_vec1()?)
            }
        }
    }
}
