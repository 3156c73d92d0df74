use std::collections::BTreeSet;

use rand::{
    distr::{Distribution as _, weighted::WeightedIndex},
    seq::SliceRandom as _,
};

use crate::{
    LearnError, Samples, TrainConfig, Use,
    chance::{Purpose, stream},
};

/// Which steps of the data train, which validate, and in which order they are taken. A function of the seed: what is taken at one
/// step of training does not depend on what was taken before.
#[derive(Debug)]
pub struct Order {
    seed: u64,
    batch: usize,
    train: Vec<u32>,
    validation: Vec<u32>,
    draw: Option<WeightedIndex<f64>>,
    shuffled: Option<(u64, Vec<u32>)>,
}

impl Order {
    /// # Errors
    /// If what is left for training after episodes were held out has no weight.
    pub fn new(samples: &Samples, config: &TrainConfig) -> Result<Self, LearnError> {
        let held = held_out(samples.episodes(), config);
        let rows = 0..u32::try_from(samples.len()).unwrap_or(u32::MAX);
        let (validation, train): (Vec<u32>, Vec<u32>) =
            rows.zip(samples.episodes()).fold((Vec::new(), Vec::new()), |mut sides, (row, episode)| {
                if held.contains(episode) {
                    sides.0.push(row)
                } else {
                    sides.1.push(row)
                }
                sides
            });
        let largest = |row: &u32| f64::from(largest(samples, *row as usize));
        if !train.iter().any(|row| largest(row) > 0.0) {
            return Err(LearnError::Data(
                "without the episodes that are held out for validation every weight is 0: set validation to 0, another seed, or add data"
                    .into(),
            ));
        }
        let draw = match config.weights {
            Use::Loss => None,
            Use::Sampling => Some(
                WeightedIndex::new(train.iter().map(largest))
                    .map_err(|error| LearnError::Data(format!("steps cannot be drawn by weight: {error}")))?,
            ),
        };
        Ok(Self { seed: config.seed, batch: config.batch, train, validation, draw, shuffled: None })
    }

    /// Steps of the data that training takes from.
    pub fn train(&self) -> &[u32] {
        &self.train
    }

    /// Steps of the data that were held out; may be empty.
    pub fn validation(&self) -> &[u32] {
        &self.validation
    }

    /// The steps of the data that a step of training takes.
    pub fn rows(&mut self, step: u64) -> Vec<u32> {
        if let Some(draw) = &self.draw {
            let mut rng = stream(self.seed, Purpose::Draw, step);
            return (0..self.batch).map(|_| self.train[draw.sample(&mut rng)]).collect();
        }
        // Passes over the data, each in an order of its own, one after another: batches are cut from that.
        let (batch, pass) = (self.batch as u64, self.train.len() as u64);
        (step * batch..(step + 1) * batch).map(|at| self.shuffled(at / pass, at % pass)).collect()
    }

    fn shuffled(&mut self, pass: u64, at: u64) -> u32 {
        let rows = match self.shuffled.take() {
            Some((of, rows)) if of == pass => rows,
            _ => {
                let mut rows = self.train.clone();
                rows.shuffle(&mut stream(self.seed, Purpose::Shuffle, pass));
                rows
            }
        };
        let row = usize::try_from(at).map_or(0, |at| rows[at]);
        self.shuffled = Some((pass, rows));
        row
    }
}

/// The largest of a step's weights.
pub(crate) fn largest(samples: &Samples, row: usize) -> f32 {
    let groups = samples.shape().groups.len();
    samples.weights()[row * groups..][..groups].iter().copied().fold(0.0, f32::max)
}

/// Episodes that validate. At least one trains, and with fewer than two none validates.
fn held_out(episodes: &[u32], config: &TrainConfig) -> BTreeSet<u32> {
    let mut all: Vec<u32> = episodes.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    if all.len() < 2 || config.validation == 0.0 {
        return BTreeSet::new();
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of episodes"
    )]
    let count = (all.len() as f64 * config.validation).round() as usize;
    let count = count.clamp(1, all.len() - 1);
    all.shuffle(&mut stream(config.seed, Purpose::Split, 0));
    all.into_iter().take(count).collect()
}
