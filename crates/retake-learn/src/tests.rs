use std::ops::ControlFlow;

use crate::{Network, Progress, Samples, Shape, TrainConfig, Use};

mod checkpoint;
mod chunk;
mod likelihood;
mod order;
mod samples;
mod training;

/// Two observed values, two groups of one and two values, and what was done is a bent function of what was seen. Four episodes.
pub(crate) fn reach(steps: usize) -> Samples {
    weighed(steps, |_| [1.0, 1.0])
}

pub(crate) fn weighed(steps: usize, weight: impl Fn(usize) -> [f32; 2]) -> Samples {
    let seen = |step: usize| [(step as f32 * 0.37).sin(), (step as f32 * 0.11).cos()];
    let done = |[x, y]: [f32; 2]| [3.0 + x * y, 0.5 * x - y, 0.1 * y.abs()];
    let rows = || (0..steps).map(seen);
    Samples::new(
        Shape { observations: 2, groups: vec![1, 2] },
        rows().flatten().collect(),
        rows().flat_map(done).collect(),
        (0..steps).flat_map(weight).collect(),
        (0..steps).map(|step| u32::try_from(step * 4 / steps).unwrap()).collect(),
    )
    .unwrap()
}

pub(crate) fn small() -> TrainConfig {
    TrainConfig {
        network: Network::Mixture { hidden: vec![16], modes: 2, min_std: 1e-4 },
        batch: 16,
        steps: 60,
        seed: 7,
        weights: Use::Loss,
        validation: 0.25,
        validate_every: 10,
        learning_rate: 5e-3,
        ..TrainConfig::default()
    }
}

pub(crate) fn go_on(_: &Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
