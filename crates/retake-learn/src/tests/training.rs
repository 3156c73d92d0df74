use std::ops::ControlFlow;

use super::{go_on, reach, small, weighed};
use crate::{End, LearnError, Network, Policy, Samples, Shape, Start, TrainConfig, Use, train};

fn run(samples: &Samples, config: &TrainConfig) -> crate::Trained {
    train(samples, config, Start::Scratch, &mut go_on).unwrap()
}

/// The mean squared error of a policy's actions, per value, in units of the data.
fn error(policy: &Policy, samples: &Samples) -> f64 {
    let answers = policy.act_batch(samples.observations()).unwrap();
    let squares = answers.iter().zip(samples.actions()).map(|(a, b)| f64::from(a - b).powi(2));
    squares.sum::<f64>() / answers.len() as f64
}

#[test]
fn a_function_is_learned() {
    for weights in [Use::Loss, Use::Sampling] {
        let config = TrainConfig { steps: 600, weights, ..small() };
        let trained = run(&reach(200), &config);
        let error = error(trained.policy(), &reach(200));
        assert!(error < 5e-3, "{weights:?}: {error}");
        let history = &trained.record().history;
        assert_eq!(history.len(), 60);
        assert!(history[59].loss < history[0].loss - 1.0);
    }
}

#[test]
fn what_has_no_weight_is_not_learned() {
    // Every second step teaches nonsense, with weight 0.
    for weights in [Use::Loss, Use::Sampling] {
        let clean = weighed(200, |step| if step % 2 == 0 { [1.0, 1.0] } else { [0.0, 0.0] });
        let mut actions = clean.actions().to_vec();
        for step in (1..200).step_by(2) {
            actions[3 * step..3 * step + 3].fill(-50.0);
        }
        let spoiled = Samples::new(
            clean.shape().clone(),
            clean.observations().to_vec(),
            actions,
            clean.weights().to_vec(),
            clean.episodes().to_vec(),
        )
        .unwrap();
        let config = TrainConfig { weights, ..small() };
        assert_eq!(
            run(&clean, &config).policy().act(&[0.1, 0.2]).unwrap(),
            run(&spoiled, &config).policy().act(&[0.1, 0.2]).unwrap(),
            "{weights:?}"
        );
    }
}

#[test]
fn a_batch_is_answered_as_its_observations_are() {
    let samples = reach(50);
    for network in [small().network, Network::Chunk { hidden: vec![8], horizon: 3, integration: 4 }] {
        let policy = run(&samples, &TrainConfig { network, steps: 3, ..small() }).into_policy();
        let together = policy.act_batch(&samples.observations()[..40]).unwrap();
        let alone: Vec<f32> =
            samples.observations()[..40].chunks_exact(2).flat_map(|row| policy.act(row).unwrap()).collect();
        assert_eq!(together.len(), 20 * 3 * policy.horizon());
        for (together, alone) in together.iter().zip(&alone) {
            assert!((together - alone).abs() < 1e-4, "{together} {alone}");
        }
    }
}

#[test]
fn an_observation_that_does_not_fit_is_refused() {
    let policy = run(&reach(20), &TrainConfig { steps: 1, ..small() }).into_policy();
    assert!(policy.act(&[0.0]).unwrap_err().to_string().contains("1 values instead of 2"));
    assert!(policy.act(&[0.0; 4]).unwrap_err().to_string().contains("4 values instead of 2"));
    assert!(policy.act_batch(&[]).is_err());
    assert!(policy.act_batch(&[0.0; 3]).is_err());
    assert!(policy.act(&[0.0, f32::NAN]).unwrap_err().to_string().contains("NaN as value 1"));
}

#[test]
fn training_stops_when_told_and_goes_on_as_if_it_had_not() {
    let chunk = Network::Chunk { hidden: vec![8], horizon: 3, integration: 2 };
    for (network, weights) in
        [(small().network, Use::Loss), (small().network, Use::Sampling), (chunk, Use::Loss)]
    {
        let config = TrainConfig { network, weights, ..small() };
        let samples = reach(50);
        let whole = run(&samples, &config);
        for at in [1, 10, 37] {
            let stopped = train(&samples, &config, Start::Scratch, &mut |progress| {
                if progress.step == at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .unwrap();
            assert_eq!((stopped.record().step, stopped.record().end), (at, End::Stopped));
            let resume = Start::Resume(Box::new(stopped.resume().clone()));
            let rest = train(&samples, &config, resume, &mut go_on).unwrap();
            assert_eq!(rest.record(), whole.record());
            assert_eq!(rest.resume().state, whole.resume().state);
            assert_eq!(rest.policy().values, whole.policy().values);
        }
    }
}

#[test]
fn only_the_same_training_is_resumed() {
    let samples = reach(50);
    let trained = run(&samples, &small());
    let resume = |samples: &Samples, config: &TrainConfig| {
        train(samples, config, Start::Resume(Box::new(trained.resume().clone())), &mut go_on)
    };
    let longer = resume(&samples, &TrainConfig { steps: 80, ..small() }).unwrap();
    assert_eq!(longer.record().step, 80);
    for config in [
        TrainConfig { steps: 50, ..small() },
        TrainConfig { seed: 8, ..small() },
        TrainConfig { learning_rate: 1e-2, ..small() },
    ] {
        let error = resume(&samples, &config).unwrap_err();
        assert!(error.to_string().contains("another configuration"), "{error}");
    }
    let error = resume(&reach(51), &small()).unwrap_err();
    assert!(error.to_string().contains("other data"), "{error}");
}

#[test]
fn a_policy_is_trained_on_from_its_weights() {
    let policy = run(&reach(200), &TrainConfig { steps: 400, ..small() }).into_policy();
    // Other data, on which the old weights are as good as before.
    let config = TrainConfig { steps: 0, ..small() };
    let same = train(&reach(60), &config, Start::From(Box::new(policy.clone())), &mut go_on).unwrap();
    assert_eq!(same.policy().act(&[0.3, 0.4]).unwrap(), policy.act(&[0.3, 0.4]).unwrap());
    let other =
        TrainConfig { network: Network::Mixture { hidden: vec![4], modes: 2, min_std: 1e-4 }, ..config };
    let error = train(&reach(60), &other, Start::From(Box::new(policy)), &mut go_on).unwrap_err();
    assert!(error.to_string().contains("start from scratch"), "{error}");
}

#[test]
fn the_best_validation_is_kept_and_patience_ends() {
    // Validation is of noise, which can only be learned by heart: it soon becomes worse.
    let steps = 40_u32;
    let noise = |step: u32| crate::single((f64::from(step * step) * 12.9898).sin());
    let samples = Samples::new(
        Shape { observations: 1, groups: vec![1] },
        (0..steps).map(|step| noise(step + 1)).collect(),
        (0..steps).map(|step| noise(step * 3 + 7)).collect(),
        vec![1.0; steps as usize],
        (0..steps).map(|step| step / 10).collect(),
    )
    .unwrap();
    let config = TrainConfig {
        network: Network::Mixture { hidden: vec![64, 64], modes: 5, min_std: 1e-4 },
        steps: 2000,
        patience: 5,
        seed: 2,
        ..small()
    };
    let trained = run(&samples, &config);
    let record = trained.record();
    let best = record.best.unwrap();
    assert_eq!((record.end, record.since_best), (End::Patience, 5));
    assert_eq!(record.step, best.step + 5 * config.validate_every);
    let least = record.history.iter().filter_map(|point| point.validation).fold(f64::INFINITY, f64::min);
    assert_eq!(best.loss, least);
    // A worse one before the best does not count against those after it.
    let losses: Vec<f64> = record.history.iter().filter_map(|point| point.validation).collect();
    let until = losses.len() - 5;
    assert!(
        losses[..until].windows(2).any(|pair| pair[1] > pair[0]),
        "never worse before the best: {losses:?}"
    );
    // The policy is of then, not of the end.
    let until = run(&samples, &TrainConfig { steps: best.step, ..config });
    assert_eq!(trained.policy().values, until.policy().values);
    assert_ne!(trained.policy().values, trained.resume().state.values);
}

#[test]
fn a_loss_that_is_no_number_ends_training_with_the_reason() {
    let samples = Samples::new(
        Shape { observations: 1, groups: vec![1] },
        vec![0.0, 1.0],
        vec![0.0, 1.0],
        vec![f32::MAX, f32::MAX],
        vec![0, 0],
    )
    .unwrap();
    let error = train(&samples, &small(), Start::Scratch, &mut go_on).unwrap_err();
    assert!(matches!(error, LearnError::Diverged { step: 0 }), "{error}");
}

#[test]
fn the_gradient_is_clipped_to_its_norm() {
    use crate::adam::gradient;
    use candle_core::{Device, Var};
    let var = Var::from_slice(&[1.0_f32, 2.0], 2, &Device::Cpu).unwrap();
    let loss = (var.as_tensor() * 0.0).unwrap().sum_all().unwrap();
    let mut grads = loss.backward().unwrap();
    grads.insert(var.as_tensor(), candle_core::Tensor::new(&[3.0_f32, -4.0], &Device::Cpu).unwrap());
    let clipped = |clip| gradient(std::iter::once(var.as_tensor()), &grads, clip).unwrap().concat();
    assert_eq!(clipped(0.0), [3.0, -4.0]);
    assert_eq!(clipped(10.0), [3.0, -4.0]);
    assert_eq!(clipped(1.0), [0.6, -0.8]);
}

#[test]
fn adam_is_as_published() {
    let mut adam = crate::adam::Adam::new(&[vec![0.0]]);
    let mut values = [vec![1.0_f32]];
    let (mut mean, mut square, mut expected) = (0.0_f64, 0.0_f64, 1.0_f64);
    for (step, slope) in (1..).zip([0.5_f32, -2.0, 0.1]) {
        adam.step(&mut values, &[vec![slope]], step, 0.1);
        let slope = f64::from(slope);
        mean = 0.9 * mean + 0.1 * slope;
        square = 0.999 * square + 0.001 * slope * slope;
        let step = i32::try_from(step).unwrap();
        let (mean, square) = (mean / (1.0 - 0.9_f64.powi(step)), square / (1.0 - 0.999_f64.powi(step)));
        expected -= 0.1 * mean / (square.sqrt() + 1e-8);
        assert!((f64::from(values[0][0]) - expected).abs() < 1e-6, "{values:?} {expected}");
    }
}

#[test]
fn a_policy_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Policy>();
    shared::<crate::Trained>();
}
