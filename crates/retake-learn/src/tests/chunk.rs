use super::{go_on, small};
use crate::{
    Network, Samples, Shape, Start, TrainConfig, Use, chance::Purpose, data::Data, scaling::Normalisation,
    train,
};

fn network(horizon: usize) -> Network {
    Network::Chunk { hidden: vec![64, 64], horizon, integration: 10 }
}

#[test]
fn a_chunk_is_cut_from_one_episode_and_its_last_step_repeated() {
    let samples = Samples::new(
        Shape { observations: 1, groups: vec![1, 1] },
        vec![0.0; 5],
        (0_i16..10).map(f32::from).collect(),
        vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0],
        vec![4, 4, 4, 9, 9],
    )
    .unwrap();
    let mut plain = Normalisation::of(&samples, &[0]);
    plain.action.mean.fill(0.0);
    plain.action.spread.fill(1.0);
    let data = Data::new(&samples, &plain, &network(3), Use::Loss, 0, &candle_core::Device::Cpu).unwrap();
    let batch = data.batch(&[1, 3], Purpose::Noise, 0).unwrap();
    let rows = |tensor: &candle_core::Tensor| tensor.to_vec2::<f32>().unwrap();
    assert_eq!(rows(&batch.actions), [[2.0, 3.0, 4.0, 5.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 8.0, 9.0]]);
    assert_eq!(rows(&batch.coefficients), [[3.0, 4.0, 5.0, 6.0, 5.0, 6.0], [7.0, 8.0, 9.0, 10.0, 9.0, 10.0]]);
}

/// At an obstacle half of the demonstrators go left and half go right. The mean of both runs into it.
#[test]
fn of_two_ways_one_is_taken_and_held_for_the_whole_chunk() {
    let (episodes, length, horizon) = (60_u32, 8_u32, 8);
    let side = |episode: u32| if episode.is_multiple_of(2) { 1.0_f32 } else { -1.0 };
    let steps = || (0..episodes).flat_map(|episode| (0..length).map(move |step| (episode, step)));
    let samples = Samples::new(
        Shape { observations: 1, groups: vec![1] },
        steps().map(|(_, step)| step as f32).collect(),
        steps().map(|(episode, step)| side(episode) * (step as f32 * 0.4).sin()).collect(),
        vec![1.0; (episodes * length) as usize],
        steps().map(|(episode, _)| episode).collect(),
    )
    .unwrap();
    let config = TrainConfig {
        network: network(horizon),
        steps: 1500,
        batch: 64,
        learning_rate: 2e-3,
        validation: 0.0,
        ..small()
    };
    let policy = train(&samples, &config, Start::Scratch, &mut go_on).unwrap().into_policy();
    let chunk = policy.act(&[0.0]).unwrap();
    assert_eq!(chunk.len(), horizon);
    let way = |side: f32| (0_i16..8).map(move |step| side * (f32::from(step) * 0.4).sin());
    let error =
        |side: f32| chunk.iter().zip(way(side)).map(|(done, meant)| (done - meant).abs()).fold(0.0, f32::max);
    let (left, right) = (error(1.0), error(-1.0));
    assert!(left.min(right) < 0.25, "neither way is taken: {left} {right} {chunk:?}");
    assert!(left.max(right) > 1.0, "both ways are one: {left} {right}");
}

#[test]
fn a_step_without_weight_teaches_no_chunk() {
    let samples = |nonsense: f32| {
        Samples::new(
            Shape { observations: 1, groups: vec![1, 1] },
            (0_i16..40).map(|step| f32::from(step % 10)).collect(),
            (0_i16..80).map(|at| if at % 4 == 1 { nonsense } else { f32::from(at % 7) }).collect(),
            // The second group learns nothing from even steps.
            (0..80).map(|at| if at % 4 == 1 { 0.0 } else { 1.0 }).collect(),
            (0..40).map(|step| step / 10).collect(),
        )
        .unwrap()
    };
    let config = TrainConfig { network: network(4), steps: 20, ..small() };
    let act = |nonsense| {
        train(&samples(nonsense), &config, Start::Scratch, &mut go_on).unwrap().policy().act(&[3.0]).unwrap()
    };
    assert_eq!(act(0.0), act(77.0));
}
