use candle_core::{Device, Tensor, Var};
use proptest::prelude::*;

use crate::{
    Shape,
    mixture::{self, Coefficients, coefficients, most_likely, outputs},
};

const MIN_STD: f64 = 1e-4;

/// The loss by its definition, in double precision and without any trick.
fn reference(output: &[f32], actions: &[f32], weights: &[f32], shape: &Shape, modes: usize) -> f64 {
    let width = shape.actions();
    let rows = output.chunks_exact(outputs(modes, width)).zip(actions.chunks_exact(width));
    let weights = weights.chunks_exact(shape.groups.len());
    let batch = rows.len() as f64;
    rows.zip(weights)
        .map(|((output, actions), weights)| {
            let value = |at: usize| f64::from(output[at]);
            let mix: f64 = (0..modes).map(|mode| value(mode).exp()).sum();
            let likelihood = |values: std::ops::Range<usize>| -> f64 {
                (0..modes)
                    .map(|mode| {
                        let density = |action: usize| {
                            let mean = value(modes + mode * width + action);
                            let raw = value(modes + modes * width + mode * width + action);
                            let std = raw.exp().ln_1p() + MIN_STD;
                            let distance = (f64::from(actions[action]) - mean) / std;
                            (-0.5 * distance * distance).exp() / (std * (2.0 * std::f64::consts::PI).sqrt())
                        };
                        value(mode).exp() / mix * values.clone().map(density).product::<f64>()
                    })
                    .sum()
            };
            let least = weights.iter().copied().fold(f32::INFINITY, f32::min);
            let mut loss = -f64::from(least) * likelihood(0..width).ln();
            let mut from = 0;
            for (weight, values) in weights.iter().zip(&shape.groups) {
                loss -= f64::from(weight - least) * likelihood(from..from + values).ln();
                from += values;
            }
            loss
        })
        .sum::<f64>()
        / batch
}

/// The loss and its gradient with respect to the output.
fn ours(output: &[f32], actions: &[f32], weights: &[f32], shape: &Shape, modes: usize) -> (f64, Vec<f32>) {
    let device = Device::Cpu;
    let width = shape.actions();
    let batch = actions.len() / width;
    let Coefficients { likelihoods, values } = coefficients(weights, shape.groups.len());
    let var = Var::from_slice(output, (batch, outputs(modes, width)), &device).unwrap();
    let loss = mixture::loss(
        var.as_tensor(),
        &Tensor::from_slice(actions, (batch, width), &device).unwrap(),
        &Tensor::from_slice(&values, (batch, likelihoods), &device).unwrap(),
        &mixture::members(shape, likelihoods, &device).unwrap(),
        MIN_STD,
    )
    .unwrap();
    let grads = loss.backward().unwrap();
    let gradient = grads.get(var.as_tensor()).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    (f64::from(loss.to_scalar::<f32>().unwrap()), gradient)
}

#[test]
fn one_mode_is_a_gaussian() {
    // softplus(ln(e - 1)) = 1, so the deviation is 1.0001.
    let raw = crate::single((1_f64.exp() - 1.0).ln());
    let shape = Shape { observations: 1, groups: vec![1] };
    let (loss, gradient) = ours(&[0.3, 0.0, raw], &[2.0], &[1.0], &shape, 1);
    let std = 1.0 + MIN_STD;
    let expected = 0.5 * (2.0 / std).powi(2) + std.ln() + 0.5 * (2.0 * std::f64::consts::PI).ln();
    assert!((loss - expected).abs() < 1e-6, "{loss} {expected}");
    // d/dmean = -(a - mean) / std², and the only mode has all the mixture whatever its logit.
    assert!((f64::from(gradient[1]) + 2.0 / std.powi(2)).abs() < 1e-5, "{gradient:?}");
    assert!(gradient[0].abs() < 1e-6, "{gradient:?}");
}

#[test]
fn equal_weights_are_the_joint_likelihood() {
    let groups = coefficients(&[2.0, 2.0, 0.5, 0.5], 2);
    assert_eq!(groups, Coefficients { likelihoods: 1, values: vec![2.0, 0.5] });
    let unequal = coefficients(&[2.0, 2.0, 0.5, 3.0], 2);
    assert_eq!(unequal, Coefficients { likelihoods: 3, values: vec![2.0, 0.0, 0.0, 0.5, 0.0, 2.5] });
}

#[test]
fn a_group_without_weight_has_no_influence() {
    let shape = Shape { observations: 1, groups: vec![1, 2] };
    let output: Vec<f32> = (0_i16..14).map(|at| (f32::from(at) * 1.7).sin()).collect();
    let (loss, gradient) = ours(&output, &[0.4, -1.0, 2.0], &[0.0, 1.5], &shape, 2);
    let (same, _) = ours(&output, &[9.9, -1.0, 2.0], &[0.0, 1.5], &shape, 2);
    assert_eq!(loss, same, "what the first group did does not matter");
    // Means and deviations of the first group's value, in both modes.
    for at in [2, 5, 8, 11] {
        assert_eq!(gradient[at], 0.0, "value {at}");
    }
    assert!(gradient[3].abs() > 1e-4 && gradient[0].abs() > 1e-6, "{gradient:?}");
}

#[test]
fn far_away_values_stay_finite() {
    let shape = Shape { observations: 1, groups: vec![2] };
    let output = [5.0, -200.0, 0.0, 1e3, -1e3, 30.0, -90.0, 90.0, 0.0, -90.0];
    let (loss, gradient) = ours(&output, &[1e3, -1e3], &[1.0], &shape, 2);
    assert!(loss.is_finite() && gradient.iter().all(|slope| slope.is_finite()), "{loss} {gradient:?}");
}

#[test]
fn the_most_likely_mode_answers() {
    let output =
        [0.1, 0.9, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.5, -0.5, 5.0, 6.0, 7.0, 8.0, 0.0, 0.0, 0.0, 0.0];
    assert_eq!(most_likely(&output, 2, 2), [3.0, 4.0, 5.0, 6.0]);
}

proptest! {
    #[test]
    fn the_loss_is_its_definition(
        output in prop::collection::vec(-2.0_f32..2.0, 3 * 14),
        actions in prop::collection::vec(-2.0_f32..2.0, 3 * 3),
        weights in prop::collection::vec(prop_oneof![Just(0.0_f32), Just(1.0), 0.0_f32..4.0], 3 * 2),
    ) {
        let shape = Shape { observations: 1, groups: vec![1, 2] };
        let expected = reference(&output, &actions, &weights, &shape, 2);
        let (loss, _) = ours(&output, &actions, &weights, &shape, 2);
        prop_assert!((loss - expected).abs() < 1e-4 * expected.abs().max(1.0), "{loss} {expected}");
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss(
        output in prop::collection::vec(-1.5_f32..1.5, 14),
        actions in prop::collection::vec(-1.0_f32..1.0, 3),
        weights in prop::collection::vec(prop_oneof![Just(0.0_f32), Just(1.0), 0.0_f32..2.0], 2),
        at in 0_usize..14,
    ) {
        let shape = Shape { observations: 1, groups: vec![1, 2] };
        let (_, gradient) = ours(&output, &actions, &weights, &shape, 2);
        let step = 1e-3_f32;
        let beside = |sign: f32| {
            let mut output = output.clone();
            output[at] += sign * step;
            (f64::from(output[at]), reference(&output, &actions, &weights, &shape, 2))
        };
        let ((to, high), (from, low)) = (beside(1.0), beside(-1.0));
        let slope = (high - low) / (to - from);
        prop_assert!((f64::from(gradient[at]) - slope).abs() < 2e-3 * slope.abs().max(1.0), "{} {slope}", gradient[at]);
    }
}
