//! The loss of a diagonal Gaussian mixture with a weight for each group, and its most likely mode.
//!
//! With a step's weights `w_g` and their least `m`, the loss of a step is `m · NLL(all values) + Σ_g (w_g − m) · NLL(values of g)`, where
//! the second is of the mixture's marginal over a group's values. So equal weights give exactly the joint likelihood, and a group whose
//! weight is 0 has no influence at all. Values are normalised actions; means are linear in the last layer, since such values have no
//! bounds, and standard deviations are `softplus + min_std`.

use std::f64::consts::PI;

use candle_core::{D, Device, Tensor};

use crate::Shape;

/// How the perceptron's output is read: logits `[modes]`, means `[modes x actions]`, raw deviations `[modes x actions]`.
pub(crate) const fn outputs(modes: usize, actions: usize) -> usize {
    modes * (1 + 2 * actions)
}

/// What a step's weights multiply. The likelihoods are those of all values jointly and, unless all groups always weigh the same, of each
/// group's values alone.
#[derive(Debug, PartialEq)]
pub(crate) struct Coefficients {
    /// Likelihoods; 1 or 1 + the number of groups.
    pub(crate) likelihoods: usize,
    /// `[N x likelihoods]`.
    pub(crate) values: Vec<f32>,
}

/// Of weights `[N x groups]`.
pub(crate) fn coefficients(weights: &[f32], groups: usize) -> Coefficients {
    let rows = || weights.chunks_exact(groups);
    let joint = rows().all(|row| row.iter().all(|weight| weight == &row[0]));
    let least = |row: &[f32]| row.iter().copied().fold(f32::INFINITY, f32::min);
    if joint {
        return Coefficients { likelihoods: 1, values: rows().map(least).collect() };
    }
    let values = rows().flat_map(|row| {
        let least = least(row);
        std::iter::once(least).chain(row.iter().map(move |weight| weight - least))
    });
    Coefficients { likelihoods: 1 + groups, values: values.collect() }
}

/// Which action values each likelihood is of, `[actions x likelihoods]`.
pub(crate) fn members(shape: &Shape, likelihoods: usize, device: &Device) -> candle_core::Result<Tensor> {
    let owner: Vec<usize> =
        shape.groups.iter().enumerate().flat_map(|(group, &values)| vec![group; values]).collect();
    let values: Vec<f32> = owner
        .iter()
        .flat_map(|owner| (0..likelihoods).map(move |of| f32::from(of == 0 || of == owner + 1)))
        .collect();
    Tensor::from_vec(values, (owner.len(), likelihoods), device)
}

/// The mean over the batch of the weighted negative log-likelihood. `output` is `[B x outputs]`, `actions` `[B x actions]`, `coefficients`
/// `[B x likelihoods]`.
pub(crate) fn loss(
    output: &Tensor,
    actions: &Tensor,
    coefficients: &Tensor,
    members: &Tensor,
    min_std: f64,
) -> candle_core::Result<Tensor> {
    let (batch, width) = actions.dims2()?;
    let modes = output.dim(1)? / (1 + 2 * width);
    let part = |start: usize, len: usize| output.narrow(1, start, len)?.contiguous();
    let log_mix = {
        let logits = part(0, modes)?;
        logits.broadcast_sub(&log_sum_exp(&logits)?.unsqueeze(1)?)?
    };
    let means = part(modes, modes * width)?.reshape((batch, modes, width))?;
    let std = (softplus(&part(modes + modes * width, modes * width)?)? + min_std)?;
    let std = std.reshape((batch, modes, width))?;
    let distance = (actions.unsqueeze(1)?.broadcast_sub(&means)? / &std)?;
    let density = (distance.sqr()?.affine(-0.5, -0.5 * (2.0 * PI).ln())? - std.log()?)?;

    let likelihoods = members.dim(1)?;
    let of_modes = density.reshape((batch * modes, width))?.matmul(members)?;
    let of_modes = of_modes.reshape((batch, modes, likelihoods))?.broadcast_add(&log_mix.unsqueeze(2)?)?;
    let log_likelihood = log_sum_exp(&of_modes.transpose(1, 2)?.contiguous()?)?;
    (log_likelihood * coefficients)?.sum_all()?.affine(-1.0 / batch as f64, 0.0)
}

/// Over the last dimension.
fn log_sum_exp(values: &Tensor) -> candle_core::Result<Tensor> {
    // The largest only keeps the exponentials in range; the result does not depend on it.
    let largest = values.max_keepdim(D::Minus1)?.detach();
    values.broadcast_sub(&largest)?.exp()?.sum(D::Minus1)?.log()? + largest.squeeze(D::Minus1)?
}

/// `log(1 + exp(x))`, without overflow.
fn softplus(values: &Tensor) -> candle_core::Result<Tensor> {
    (values.abs()?.neg()?.exp()? + 1.0)?.log()? + values.relu()?
}

/// Mean of the most likely mode of each row of an output `[B x outputs]`.
pub(crate) fn most_likely(output: &[f32], modes: usize, actions: usize) -> Vec<f32> {
    let rows = output.chunks_exact(outputs(modes, actions));
    rows.flat_map(|row| {
        let (logits, rest) = row.split_at(modes);
        let best = logits.iter().enumerate().fold(
            0,
            |best, (mode, logit)| {
                if *logit > logits[best] { mode } else { best }
            },
        );
        &rest[best * actions..][..actions]
    })
    .copied()
    .collect()
}
