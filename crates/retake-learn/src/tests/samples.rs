use proptest::prelude::*;

use super::{reach, weighed};
use crate::{LearnError, Network, Samples, Shape, TrainConfig, scaling::Normalisation};

fn one(observations: Vec<f32>, actions: Vec<f32>, weights: Vec<f32>) -> Result<Samples, LearnError> {
    Samples::new(Shape { observations: 1, groups: vec![1] }, observations, actions, weights, vec![0, 0])
}

#[test]
fn what_cannot_be_learned_from_is_refused_with_the_reason() {
    let good = || vec![1.0, 2.0];
    assert!(one(good(), good(), good()).is_ok());
    let cases = [
        (one(vec![1.0], good(), good()), "2 values, but 1 were given"),
        (one(good(), vec![1.0; 3], good()), "2 values, but 3 were given"),
        (one(good(), good(), vec![]), "2 values, but 0 were given"),
        (one(vec![0.0, f32::NAN], good(), good()), "observations of step 1, value 0, is NaN"),
        (one(good(), vec![f32::INFINITY, 0.0], good()), "actions of step 0, value 0, is inf"),
        (one(good(), good(), vec![1.0, -0.5]), "weight of step 1 is -0.5"),
        (one(good(), good(), vec![0.0, 0.0]), "every weight is 0"),
        (
            Samples::new(Shape { observations: 1, groups: vec![1] }, vec![], vec![], vec![], vec![]),
            "not a single step",
        ),
        (
            Samples::new(Shape { observations: 0, groups: vec![1] }, vec![], vec![], vec![], vec![0]),
            "between 1 and 65536",
        ),
        (
            Samples::new(Shape { observations: 1, groups: vec![] }, vec![0.0], vec![], vec![], vec![0]),
            "1 and 64 groups",
        ),
        (
            Samples::new(
                Shape { observations: 1, groups: vec![1, 0] },
                vec![0.0],
                vec![0.0],
                vec![0.0; 2],
                vec![0],
            ),
            "between 1 and 1024 values",
        ),
    ];
    for (result, reason) in cases {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(reason), "{error:?} should say {reason:?}");
    }
}

#[test]
fn the_digest_depends_on_everything() {
    let samples = reach(8);
    let other = [
        weighed(8, |step| [if step == 3 { 2.0 } else { 1.0 }, 1.0]),
        reach(7),
        Samples::new(
            Shape { observations: 2, groups: vec![2, 1] },
            samples.observations().to_vec(),
            samples.actions().to_vec(),
            samples.weights().to_vec(),
            samples.episodes().to_vec(),
        )
        .unwrap(),
    ];
    assert_eq!(samples.digest(), reach(8).digest());
    assert_eq!(samples.digest().len(), 64);
    assert!(other.iter().all(|other| other.digest() != samples.digest()));
}

#[test]
fn a_group_is_scaled_by_the_steps_it_learns_from() {
    // The first group learns from steps 0 and 1, the second from steps 1 and 2.
    let samples = Samples::new(
        Shape { observations: 1, groups: vec![1, 1] },
        vec![1.0, 3.0, 5.0, 100.0],
        vec![10.0, 50.0, 20.0, 60.0, 90.0, 80.0, 1e6, 1e6],
        vec![1.0, 0.0, 1.0, 2.0, 0.0, 1.0, 0.0, 0.0],
        vec![0; 4],
    )
    .unwrap();
    let Normalisation { observation, action } = Normalisation::of(&samples, &[0, 1, 2, 3]);
    assert_eq!(observation.mean, [3.0], "the last step teaches nothing");
    assert_eq!(action.mean, [15.0, 70.0]);
    assert_eq!(action.spread, [5.0, 10.0]);
    assert_eq!(action.apply(&[20.0, 60.0]), [1.0, -1.0]);
}

#[test]
fn what_never_changes_is_only_centred() {
    let samples = one(vec![7.5, 7.5], vec![1.0, 2.0], vec![1.0, 1.0]).unwrap();
    let scaling = Normalisation::of(&samples, &[0, 1]).observation;
    assert_eq!(scaling.apply(&[7.5, 8.5]), [0.0, 1.0]);
}

#[test]
fn a_configuration_out_of_bounds_is_refused_by_name() {
    let good = TrainConfig::default();
    good.check().unwrap();
    let network = |hidden: &[usize], modes, min_std| TrainConfig {
        network: Network::Mixture { hidden: hidden.to_vec(), modes, min_std },
        ..TrainConfig::default()
    };
    let chunk = |horizon, integration| TrainConfig {
        network: Network::Chunk { hidden: vec![8], horizon, integration },
        ..TrainConfig::default()
    };
    let cases = [
        (TrainConfig { learning_rate: 0.0, ..good.clone() }, "learning_rate"),
        (TrainConfig { learning_rate: f64::NAN, ..good.clone() }, "learning_rate"),
        (TrainConfig { batch: 0, ..good.clone() }, "batch"),
        (TrainConfig { steps: u64::MAX, ..good.clone() }, "steps"),
        (TrainConfig { validation: 1.0, ..good.clone() }, "validation"),
        (TrainConfig { validate_every: 0, ..good.clone() }, "validate_every"),
        (TrainConfig { gradient_clip: -1.0, ..good.clone() }, "gradient_clip"),
        (network(&[], 5, 1e-4), "hidden"),
        (network(&[1 << 20], 5, 1e-4), "hidden"),
        (network(&[8], 0, 1e-4), "modes"),
        (network(&[8], 5, 0.0), "min_std"),
        (chunk(0, 10), "horizon"),
        (chunk(65, 10), "horizon"),
        (chunk(8, 0), "integration"),
    ];
    for (config, name) in cases {
        assert!(config.check().unwrap_err().to_string().starts_with(name), "{config:?}");
    }
    assert!(
        serde_json::from_str::<TrainConfig>(r#"{"learnin_rate": 1}"#).is_err(),
        "unknown keys are refused"
    );
}

proptest! {
    #[test]
    fn scaling_is_undone(values in prop::collection::vec(-1e3_f32..1e3, 6), asked in prop::collection::vec(-1e3_f32..1e3, 4)) {
        let samples = Samples::new(
            Shape { observations: 2, groups: vec![1] },
            values,
            vec![0.0; 3],
            vec![1.0; 3],
            vec![0; 3],
        ).unwrap();
        let scaling = Normalisation::of(&samples, &[0, 1, 2]).observation;
        // A value whose spread is small against its size loses digits, as it must.
        let back = scaling.undo(&scaling.apply(&asked));
        for (back, asked) in back.iter().zip(&asked) {
            prop_assert!((back - asked).abs() < 2e-3, "{back} {asked}");
        }
    }
}
