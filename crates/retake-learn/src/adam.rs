use candle_core::{Tensor, backprop::GradStore};

use crate::{LearnError, single};

const DECAY_MEAN: f64 = 0.9;
const DECAY_SQUARE: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Adam (Kingma and Ba, 2014) with the constants and the order of operations of PyTorch's.
///
/// Parameters and moments live on the host: the networks here are small, one pass over plain memory costs less than a dozen tensor
/// operations per parameter, and the state is then what a checkpoint holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Adam {
    /// Running mean of the gradient.
    pub(crate) mean: Vec<Vec<f32>>,
    /// Running mean of its square.
    pub(crate) square: Vec<Vec<f32>>,
}

impl Adam {
    pub(crate) fn new(values: &[Vec<f32>]) -> Self {
        let zeros: Vec<Vec<f32>> = values.iter().map(|values| vec![0.0; values.len()]).collect();
        Self { mean: zeros.clone(), square: zeros }
    }

    /// Moves `values` against the gradient. `step` counts from 1.
    pub(crate) fn step(&mut self, values: &mut [Vec<f32>], gradient: &[Vec<f32>], step: u64, rate: f64) {
        let step = step as f64;
        let length = single(rate / (1.0 - DECAY_MEAN.powf(step)));
        let root = single((1.0 - DECAY_SQUARE.powf(step)).sqrt());
        let (keep, take) = (single(DECAY_SQUARE), single(1.0 - DECAY_SQUARE));
        let (towards, epsilon) = (single(1.0 - DECAY_MEAN), single(EPSILON));
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((values, gradient), (means, squares)) in values.iter_mut().zip(gradient).zip(moments) {
            let moments = means.iter_mut().zip(squares);
            for ((value, slope), (mean, square)) in values.iter_mut().zip(gradient).zip(moments) {
                *mean += towards * (slope - *mean);
                *square = keep * *square + take * slope * slope;
                *value -= length * *mean / (square.sqrt() / root + epsilon);
            }
        }
    }
}

/// The gradient with respect to each parameter, on the host; its norm is at most `clip`, if that is not 0.
pub(crate) fn gradient<'a>(
    parameters: impl Iterator<Item = &'a Tensor>,
    grads: &GradStore,
    clip: f64,
) -> Result<Vec<Vec<f32>>, LearnError> {
    let mut gradient = Vec::new();
    for parameter in parameters {
        gradient.push(match grads.get(parameter) {
            Some(slope) => slope.flatten_all()?.to_vec1()?,
            None => vec![0.0; parameter.elem_count()],
        });
    }
    if clip > 0.0 {
        let squares = gradient.iter().flatten().map(|slope| f64::from(*slope).powi(2));
        let norm = squares.sum::<f64>().sqrt();
        if norm > clip {
            let scale = single(clip / norm);
            gradient.iter_mut().flatten().for_each(|slope| *slope *= scale);
        }
    }
    Ok(gradient)
}
