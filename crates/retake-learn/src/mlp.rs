use candle_core::{DType, Device, Tensor, Var};
use rand::Rng as _;

use crate::{
    LearnError,
    chance::{Purpose, stream},
    single,
};

/// Name and shape of every parameter of a perceptron with these widths, from input to output.
pub(crate) fn layout(widths: &[usize]) -> Vec<(String, Vec<usize>)> {
    widths
        .windows(2)
        .enumerate()
        .flat_map(|(layer, pair)| {
            [
                (format!("layers.{layer}.weight"), pair.to_vec()),
                (format!("layers.{layer}.bias"), vec![pair[1]]),
            ]
        })
        .collect()
}

/// First values of all parameters, in the order of [`layout`]: uniform within one over the root of a layer's inputs, for weights and
/// biases alike, which is also what PyTorch's `nn.Linear` does.
pub(crate) fn initial(widths: &[usize], seed: u64) -> Vec<Vec<f32>> {
    let mut rng = stream(seed, Purpose::Weights, 0);
    let mut draw = |count: usize, bound: f32| (0..count).map(|_| rng.random_range(-bound..bound)).collect();
    widths
        .windows(2)
        .flat_map(|pair| {
            let bound = single(1.0 / (pair[0] as f64).sqrt());
            let weight = draw(pair[0] * pair[1], bound);
            [weight, draw(pair[1], bound)]
        })
        .collect()
}

/// A multi-layer perceptron with rectified linear units between its layers.
#[derive(Debug)]
pub(crate) struct Mlp {
    /// Weight `[in x out]` and bias `[out]` of each layer. Not `[out x in]`: a gradient would have to be transposed at each step.
    layers: Vec<(Tensor, Tensor)>,
}

impl Mlp {
    /// `values` are in the order of [`layout`]. Gradients can be taken with respect to all of them.
    pub(crate) fn new(widths: &[usize], values: &[Vec<f32>], device: &Device) -> Result<Self, LearnError> {
        let layers = widths.windows(2).zip(values.chunks_exact(2)).map(|(pair, values)| {
            let weight = Var::from_slice(&values[0], (pair[0], pair[1]), device)?;
            let bias = Var::from_slice(&values[1], pair[1], device)?;
            Ok((weight.into_inner(), bias.into_inner()))
        });
        Ok(Self { layers: layers.collect::<Result<_, candle_core::Error>>()? })
    }

    /// The same, without keeping the account that gradients need.
    pub(crate) fn detached(&self) -> Self {
        Self { layers: self.layers.iter().map(|(weight, bias)| (weight.detach(), bias.detach())).collect() }
    }

    /// Parameters in the order of [`layout`].
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &Tensor> {
        self.layers.iter().flat_map(|(weight, bias)| [weight, bias])
    }

    /// `[B x in]` to `[B x out]`.
    pub(crate) fn forward(&self, input: &Tensor) -> candle_core::Result<Tensor> {
        // The sum over rows that a bias's gradient is becomes a matrix product this way, which is several times as fast on the CPU as
        // the library's sum over a first dimension.
        let rows = Tensor::ones((input.dim(0)?, 1), DType::F32, input.device())?;
        let mut value = input.clone();
        for (layer, (weight, bias)) in self.layers.iter().enumerate() {
            if layer > 0 {
                value = value.relu()?;
            }
            value = (value.matmul(weight)? + rows.matmul(&bias.unsqueeze(0)?)?)?;
        }
        Ok(value)
    }
}
