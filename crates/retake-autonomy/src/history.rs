//! What needs have been like: the quantile that a budget of calls allows.

use std::collections::VecDeque;

/// Samples kept; at ten a second, the last two minutes or so.
const CAPACITY: usize = 1024;
/// With fewer, a quantile says nothing.
const ENOUGH: usize = 64;

/// The last needs while the policy drove, and the same in order of size.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    samples: VecDeque<f64>,
    sorted: Vec<f64>,
}

impl History {
    pub(crate) fn note(&mut self, need: f64) {
        if self.samples.len() == CAPACITY
            && let Some(oldest) = self.samples.pop_front()
        {
            let at = self.sorted.partition_point(|kept| *kept < oldest);
            self.sorted.remove(at.min(self.sorted.len() - 1));
        }
        self.samples.push_back(need);
        let at = self.sorted.partition_point(|kept| *kept < need);
        self.sorted.insert(at, need);
    }

    /// The need that a share `budget` of the samples exceeds; `None` before there are enough.
    pub(crate) fn threshold(&self, budget: f64) -> Option<f64> {
        let count = self.sorted.len();
        if count < ENOUGH {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index into at most a thousand samples"
        )]
        let index = ((1.0 - budget.clamp(0.0, 1.0)) * count as f64).ceil() as usize;
        self.sorted.get(index.clamp(1, count) - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_needs_enough_samples_and_forgets_the_oldest() {
        let mut history = History::default();
        (0..63).for_each(|_| history.note(0.9));
        assert_eq!(history.threshold(0.1), None);
        (0..CAPACITY).for_each(|i| history.note(if i % 10 == 0 { 0.5 } else { 0.1 }));
        assert_eq!((history.samples.len(), history.sorted.len()), (CAPACITY, CAPACITY));
        assert_eq!(history.threshold(0.2), Some(0.1), "the first 63 are forgotten");
        assert_eq!(history.threshold(0.05), Some(0.5));
        assert_eq!((history.threshold(0.0), history.threshold(1.0)), (Some(0.5), Some(0.1)));
    }
}
