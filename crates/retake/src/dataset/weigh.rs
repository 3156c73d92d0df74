//! Weights of steps, for an export.

use std::collections::BTreeMap;

use retake_dataset::{Annotations, Episode, Key, Source, Standing, scan};
use retake_labels::{Class, Rule, weights};

/// Sirius' weights of the steps of attempts that are exported.
pub(super) struct Weighing {
    /// One byte a step, so that a million of them are a megabyte.
    classes: BTreeMap<Key, Vec<Class>>,
    weights: BTreeMap<Class, f64>,
}

impl Weighing {
    pub(super) fn new(
        sources: &[Source],
        rule: &Rule,
        choose: impl Fn(&Episode, &Standing) -> Result<(), String>,
    ) -> anyhow::Result<Self> {
        let (mut classes, mut counts) = (BTreeMap::new(), BTreeMap::new());
        for source in sources {
            let annotations = Annotations::read(source)?;
            for episode in scan(source, rule, |_| {})?.episodes {
                if choose(&episode, &annotations.of(&episode)).is_err() {
                    continue;
                }
                let of_rows: Vec<Class> = (0..episode.len()).map(|row| episode.class(row)).collect();
                of_rows.iter().for_each(|class| *counts.entry(*class).or_default() += 1);
                classes.insert(episode.key.clone(), of_rows);
            }
        }
        Ok(Self { classes, weights: weights(&counts) })
    }

    #[expect(clippy::cast_possible_truncation, reason = "trainers take weights as 32-bit floats")]
    pub(super) fn of(&self, key: &Key, row: usize) -> f32 {
        let class = self.classes.get(key).and_then(|classes| classes.get(row));
        class.and_then(|class| self.weights.get(class)).map_or(0.0, |weight| *weight as f32)
    }
}
