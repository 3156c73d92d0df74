use std::collections::BTreeSet;

use super::{reach, small, weighed};
use crate::{Order, Samples, Shape, TrainConfig, Use, chance::Purpose, data::Data, scaling::Normalisation};

#[test]
fn each_pass_takes_each_step_once() {
    let samples = reach(40);
    let config = TrainConfig { batch: 7, ..small() };
    let mut order = Order::new(&samples, &config).unwrap();
    let train: BTreeSet<u32> = order.train().iter().copied().collect();
    assert_eq!(train.len(), 30);
    let taken: Vec<u32> = (0..30).flat_map(|step| order.rows(step)).collect();
    for pass in taken.chunks_exact(30) {
        assert_eq!(pass.iter().copied().collect::<BTreeSet<_>>(), train);
    }
    assert_ne!(taken[..30], taken[30..60], "each pass has an order of its own");
}

#[test]
fn what_is_taken_depends_on_the_step_alone() {
    let samples = reach(40);
    for weights in [Use::Loss, Use::Sampling] {
        let config = TrainConfig { weights, ..small() };
        let mut order = Order::new(&samples, &config).unwrap();
        let forward: Vec<_> = (0..9).map(|step| order.rows(step)).collect();
        let mut again = Order::new(&samples, &config).unwrap();
        let backward: Vec<_> = (0..9).rev().map(|step| again.rows(step)).collect();
        assert!(forward.iter().eq(backward.iter().rev()));
        let mut other = Order::new(&samples, &TrainConfig { seed: 8, ..config }).unwrap();
        assert_ne!(forward[0], other.rows(0));
    }
}

#[test]
fn episodes_are_held_out_whole() {
    let samples = reach(40);
    for (share, expected) in [(0.0, 0), (0.01, 1), (0.25, 1), (0.5, 2), (0.99, 3)] {
        let order = Order::new(&samples, &TrainConfig { validation: share, ..small() }).unwrap();
        let episodes = |rows: &[u32]| -> BTreeSet<u32> {
            rows.iter().map(|row| samples.episodes()[*row as usize]).collect()
        };
        assert_eq!(episodes(order.validation()).len(), expected, "share {share}");
        assert!(episodes(order.validation()).is_disjoint(&episodes(order.train())));
        assert_eq!(order.train().len() + order.validation().len(), 40);
    }
}

#[test]
fn steps_are_drawn_in_proportion_to_their_weight() {
    let samples = weighed(20, |step| match step {
        0 => [0.0, 0.0],
        1..=4 => [3.0, 6.0],
        _ => [1.0, 1.0],
    });
    let config = TrainConfig { weights: Use::Sampling, batch: 1000, validation: 0.0, ..small() };
    let rows = Order::new(&samples, &config).unwrap().rows(0);
    let count = |range: std::ops::Range<u32>| rows.iter().filter(|row| range.contains(row)).count();
    assert_eq!(count(0..1), 0);
    // Four steps of weight 6 against fifteen of weight 1: 24 of 39, within four standard errors.
    assert!((count(1..5) as f64 - 1000.0 * 24.0 / 39.0).abs() < 62.0, "{}", count(1..5));
}

#[test]
fn sampling_leaves_the_shortfall_of_a_group_to_the_loss() {
    let samples = weighed(2, |step| if step == 0 { [3.0, 6.0] } else { [0.0, 2.0] });
    let normalisation = Normalisation::of(&samples, &[0, 1]);
    let data = |how| {
        Data::new(&samples, &normalisation, &small().network, how, 0, &candle_core::Device::Cpu).unwrap()
    };
    let coefficients = |how| {
        let data = data(how);
        let batch = data.batch(&[0, 1], Purpose::Noise, 0).unwrap();
        batch.coefficients.to_vec2::<f32>().unwrap()
    };
    assert_eq!(coefficients(Use::Loss), [[3.0, 0.0, 3.0], [0.0, 0.0, 2.0]]);
    assert_eq!(coefficients(Use::Sampling), [[0.5, 0.0, 0.5], [0.0, 0.0, 1.0]]);
}

#[test]
fn without_weight_in_what_trains_nothing_is_trained() {
    // Only one of four episodes has weight; with another held out it trains, without it there is nothing.
    let samples = weighed(40, |step| if step < 10 { [1.0, 1.0] } else { [0.0, 0.0] });
    let refused = (0..40).filter(|seed| {
        let config = TrainConfig { seed: *seed, ..small() };
        let held: BTreeSet<u32> = match Order::new(&samples, &config) {
            Ok(order) => order.validation().iter().map(|row| samples.episodes()[*row as usize]).collect(),
            Err(error) => {
                assert!(error.to_string().contains("held out for validation"), "{error}");
                return true;
            }
        };
        assert!(!held.contains(&0));
        false
    });
    assert!((1..30).contains(&refused.count()));
}

#[test]
fn a_single_episode_is_not_split() {
    let samples = Samples::new(
        Shape { observations: 1, groups: vec![1] },
        vec![0.0, 1.0],
        vec![0.0, 1.0],
        vec![1.0, 1.0],
        vec![3, 3],
    )
    .unwrap();
    let order = Order::new(&samples, &TrainConfig { validation: 0.5, ..small() }).unwrap();
    assert!(order.validation().is_empty());
}
