use serde::{Deserialize, Serialize};

use crate::{Samples, single};

/// Below this spread a value is taken for constant. One that is observed is only centred: dividing by so little would turn its last
/// digits into a signal. One that is done is scaled by this much, or whatever a network makes up for it would be done.
const CONSTANT: f64 = 1e-5;

/// Mean and spread of each value of a row; what the network sees is `(value - mean) / spread`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scaling {
    pub(crate) mean: Vec<f32>,
    pub(crate) spread: Vec<f32>,
}

impl Scaling {
    /// Of the columns of `values`, `[N x width]`; `counts(row, column)` says whether a value counts. A column that is constant, or in which
    /// nothing counts, has the spread `constant`.
    fn of(
        values: &[f32],
        (width, constant): (usize, f32),
        rows: &[u32],
        counts: impl Fn(usize, usize) -> bool,
    ) -> Self {
        let mut scaling = Self { mean: vec![0.0; width], spread: vec![constant; width] };
        for column in 0..width {
            let counted = || {
                rows.iter()
                    .map(|&row| row as usize)
                    .filter(|&row| counts(row, column))
                    .map(|row| f64::from(values[row * width + column]))
            };
            let count = counted().count() as f64;
            if count == 0.0 {
                continue;
            }
            let mean = counted().sum::<f64>() / count;
            let spread = (counted().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
            scaling.mean[column] = single(mean);
            scaling.spread[column] = if spread < CONSTANT { constant } else { single(spread) };
        }
        scaling
    }

    /// Values as the network sees them; `values` is any number of rows.
    pub(crate) fn apply(&self, values: &[f32]) -> Vec<f32> {
        let scale = self.mean.iter().zip(&self.spread).cycle();
        values.iter().zip(scale).map(|(value, (mean, spread))| (value - mean) / spread).collect()
    }

    /// The inverse of [`Scaling::apply`].
    pub(crate) fn undo(&self, values: &[f32]) -> Vec<f32> {
        let scale = self.mean.iter().zip(&self.spread).cycle();
        values.iter().zip(scale).map(|(value, (mean, spread))| value * spread + mean).collect()
    }
}

/// How observations and actions are scaled. Part of the checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Normalisation {
    pub(crate) observation: Scaling,
    pub(crate) action: Scaling,
}

impl Normalisation {
    /// Over the steps named by `rows` from which something is learned: an action value counts where its own group has weight, an
    /// observation where any group has.
    pub(crate) fn of(samples: &Samples, rows: &[u32]) -> Self {
        let shape = samples.shape();
        let groups = shape.groups.len();
        let learned = |row: usize| &samples.weights()[row * groups..][..groups];
        let owner: Vec<usize> = (0..groups).flat_map(|group| vec![group; shape.groups[group]]).collect();
        let seen = |row: usize, _| learned(row).iter().any(|weight| *weight > 0.0);
        let done = |row: usize, value: usize| learned(row)[owner[value]] > 0.0;
        Self {
            observation: Scaling::of(samples.observations(), (shape.observations, 1.0), rows, seen),
            action: Scaling::of(samples.actions(), (shape.actions(), single(CONSTANT)), rows, done),
        }
    }
}
