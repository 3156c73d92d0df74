//! Quantiles of spans, and ratios of rounds.

use std::time::Duration;

use crate::report::Cell;

/// Spans in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans(Vec<Duration>);

impl Spans {
    pub(crate) fn new(mut spans: Vec<Duration>) -> Self {
        spans.sort_unstable();
        Self(spans)
    }

    /// All rounds' spans together.
    pub(crate) fn pooled<'a>(rounds: impl IntoIterator<Item = &'a Self>) -> Self {
        Self::new(rounds.into_iter().flat_map(|round| round.0.iter().copied()).collect())
    }

    pub(crate) const fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn longer_than(&self, bound: Duration) -> usize {
        self.0.iter().filter(|span| **span > bound).count()
    }

    /// So many of a thousand were at most this long.
    pub(crate) fn at(&self, per_mille: usize) -> Duration {
        let rank = (self.0.len() * per_mille).div_ceil(1000).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }

    pub(crate) fn micros_at(&self, per_mille: usize) -> Cell {
        Cell::Number(self.at(per_mille).as_secs_f64() * 1e6, 1)
    }

    pub(crate) fn millis_at(&self, per_mille: usize) -> Cell {
        Cell::Number(self.at(per_mille).as_secs_f64() * 1e3, 3)
    }

    /// Count, p50, p99, p99.9 and the longest, µs.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        let quantiles = [500, 990, 999, 1000].map(|per_mille| self.micros_at(per_mille));
        std::iter::once(Cell::from(self.count())).chain(quantiles).collect()
    }
}

/// Each round's figure over that round's floor: median, least and most.
pub(crate) fn ratios(figures: &[Spans], floors: &[Spans], per_mille: usize) -> Cell {
    let ratio = |(figure, floor): (&Spans, &Spans)| {
        figure.at(per_mille).as_secs_f64() / floor.at(per_mille).as_secs_f64()
    };
    range(figures.iter().zip(floors).map(ratio))
}

/// Median, least and most of those that are numbers.
pub(crate) fn range(values: impl Iterator<Item = f64>) -> Cell {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    match (values.get(values.len() / 2), values.first(), values.last()) {
        (Some(median), Some(least), Some(most)) => Cell::Range([*median, *least, *most]),
        _ => "none".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_spans_that_were_measured() {
        let spans = Spans::new((1..=1000).rev().map(Duration::from_millis).collect());
        assert_eq!([0, 500, 990, 999, 1000].map(|at| spans.at(at).as_millis()), [1, 500, 990, 999, 1000]);
        assert_eq!(Spans::default().at(500), Duration::ZERO);
        assert_eq!(spans.longer_than(Duration::from_millis(998)), 2);
    }

    #[test]
    fn ratios_are_of_rounds_not_of_all_together() {
        let spans = |millis: &[u64]| Spans::new(millis.iter().copied().map(Duration::from_millis).collect());
        let (ours, floor) =
            ([spans(&[4]), spans(&[30]), spans(&[9])], [spans(&[2]), spans(&[10]), spans(&[1])]);
        let Cell::Range(range) = ratios(&ours, &floor, 500) else { panic!("no ratio") };
        assert_eq!(range, [3.0, 2.0, 9.0]);
    }
}
