//! Weights of steps, for an export.

use std::collections::BTreeMap;

use retake_dataset::{Annotations, Episode, Key, Source, Standing, scan};
use retake_labels::{Class, Rule};
use retake_weights::{Scheme, Solution, solve};

/// Weights of the steps of attempts that are exported.
pub(super) struct Weighing {
    /// One byte a step, so that a million of them are a megabyte.
    classes: BTreeMap<Key, (bool, Vec<Class>)>,
    solution: Solution,
}

impl Weighing {
    pub(super) fn new(
        sources: &[Source],
        (rule, scheme): (&Rule, &Scheme),
        choose: impl Fn(&Episode, &Standing) -> Result<(), String>,
    ) -> anyhow::Result<Self> {
        let (mut classes, mut counts) = (BTreeMap::new(), BTreeMap::new());
        for source in sources {
            let annotations = Annotations::read(source)?;
            for episode in scan(source, rule, |_| {})?.episodes {
                let standing = annotations.of(&episode);
                if choose(&episode, &standing).is_err() {
                    continue;
                }
                let untouched = retake_examples::untouched_success(&episode, &standing);
                let of_rows: Vec<Class> = (0..episode.len()).map(|row| episode.class(row)).collect();
                let learnt = of_rows.iter().filter(|class| scheme.learns(**class, untouched));
                learnt.for_each(|class| *counts.entry(*class).or_default() += 1);
                classes.insert(episode.key.clone(), (untouched, of_rows));
            }
        }
        Ok(Self { classes, solution: solve(scheme, &counts)? })
    }

    #[expect(clippy::cast_possible_truncation, reason = "trainers take weights as 32-bit floats")]
    pub(super) fn of(&self, key: &Key, row: usize) -> f32 {
        let Some((untouched, classes)) = self.classes.get(key) else { return 0.0 };
        classes.get(row).map_or(0.0, |class| self.solution.weight(*class, *untouched) as f32)
    }
}
