//! Chunks of actions by flow matching.
//!
//! A perceptron is trained to say, for a chunk that is a share `t` of the way from noise to a demonstrated chunk, in which direction the
//! rest of the way lies; an answer follows it from noise that is always the same, in Euler steps, so that it is a function of the
//! observation (Lipman et al., Flow Matching for Generative Modeling, 2022, with straight paths).

use std::f32::consts::TAU;

use candle_core::{Device, Tensor};
use rand::{Rng as _, RngCore};
use rand_distr::{Distribution as _, StandardNormal};

use crate::LearnError;

/// Waves by which the perceptron is told the time, beside the time itself.
const WAVES: usize = 4;

/// Values that tell the time.
pub(crate) const TIME: usize = 1 + 2 * WAVES;

fn time(t: f32) -> impl Iterator<Item = f32> {
    let waves = (1..=WAVES).flat_map(move |wave| {
        let angle = TAU * wave as f32 * t;
        [angle.sin(), angle.cos()]
    });
    std::iter::once(t).chain(waves)
}

/// Where on the way each chunk of a batch is looked at.
#[derive(Debug)]
pub(crate) struct Noise {
    /// Starts of the ways, `[B x chunk]`.
    start: Tensor,
    /// Share of the way, `[B x 1]`.
    share: Tensor,
    /// The same as features, `[B x TIME]`.
    features: Tensor,
}

impl Noise {
    pub(crate) fn draw(
        rng: &mut impl RngCore,
        batch: usize,
        chunk: usize,
        device: &Device,
    ) -> Result<Self, LearnError> {
        let start: Vec<f32> = normal(rng, batch * chunk);
        let share: Vec<f32> = (0..batch).map(|_| rng.random()).collect();
        let features: Vec<f32> = share.iter().flat_map(|&share| time(share)).collect();
        Ok(Self {
            start: Tensor::from_vec(start, (batch, chunk), device)?,
            share: Tensor::from_vec(share, (batch, 1), device)?,
            features: Tensor::from_vec(features, (batch, TIME), device)?,
        })
    }
}

fn normal(rng: &mut impl RngCore, count: usize) -> Vec<f32> {
    (0..count).map(|_| StandardNormal.sample(rng)).collect()
}

/// The mean over the batch, and over a chunk's values, of the weighted squared error of the direction. `observations` is `[B x D]`;
/// `chunks` and `weights` are `[B x chunk]`. Values without weight are not shown to the perceptron, either: their mean, 0, stands in.
pub(crate) fn loss(
    direction: impl FnOnce(&Tensor) -> candle_core::Result<Tensor>,
    observations: &Tensor,
    chunks: &Tensor,
    weights: &Tensor,
    noise: &Noise,
) -> candle_core::Result<Tensor> {
    let shown = (chunks * weights.gt(0.0_f32)?.to_dtype(chunks.dtype())?)?;
    let way = (shown - &noise.start)?;
    let here = (&noise.start + way.broadcast_mul(&noise.share)?)?;
    let told = direction(&Tensor::cat(&[observations, &here, &noise.features], 1)?)?;
    let error = ((told - way)?.sqr()? * weights)?;
    error.sum_all()?.affine(1.0 / chunks.elem_count() as f64, 0.0)
}

/// One chunk for each row of `observations`, `[B x D]`: the way from noise, in `steps` Euler steps.
pub(crate) fn follow(
    direction: impl Fn(&Tensor) -> candle_core::Result<Tensor>,
    observations: &Tensor,
    chunk: usize,
    steps: usize,
    rng: &mut impl RngCore,
) -> candle_core::Result<Tensor> {
    let (batch, device) = (observations.dim(0)?, observations.device());
    let mut here = Tensor::from_vec(normal(rng, chunk), (1, chunk), device)?.repeat((batch, 1))?;
    for step in 0..steps {
        let features: Vec<f32> = time(step as f32 / steps as f32).collect();
        let features = Tensor::from_vec(features, (1, TIME), device)?.repeat((batch, 1))?;
        let way = direction(&Tensor::cat(&[observations, &here, &features], 1)?)?;
        here = (here + way.affine(1.0 / steps as f64, 0.0)?)?;
    }
    Ok(here)
}
