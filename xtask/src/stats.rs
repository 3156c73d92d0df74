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

/// As `ratios`, with the 95 % interval of the median found by drawing the rounds again and again (a percentile bootstrap of the
/// pairs). The draws are always the same, so that the same figures give the same interval.
pub(crate) fn interval(figures: &[Spans], floors: &[Spans], per_mille: usize) -> Cell {
    const DRAWS: usize = 4000;
    let ratio = |(figure, floor): (&Spans, &Spans)| {
        figure.at(per_mille).as_secs_f64() / floor.at(per_mille).as_secs_f64()
    };
    let values: Vec<f64> = figures.iter().zip(floors).map(ratio).filter(|ratio| ratio.is_finite()).collect();
    if values.is_empty() {
        return "none".into();
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut medians: Vec<f64> = (0..DRAWS)
        .map(|_| {
            middle(
                values
                    .iter()
                    .map(|_| values.get(random.below(values.len())).copied().unwrap_or(f64::NAN))
                    .collect(),
            )
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let at = |per_mille: usize| medians.get(DRAWS * per_mille / 1000).copied().unwrap_or(f64::NAN);
    Cell::Interval([middle(values), at(25), at(974)])
}

/// The middle one.
fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What a range or an interval lies around; not a number for all else.
pub(crate) const fn median(cell: &Cell) -> f64 {
    match cell {
        Cell::Range([median, ..]) | Cell::Interval([median, ..]) => *median,
        Cell::Text(_) | Cell::Count(_) | Cell::Number(..) => f64::NAN,
    }
}

/// The numbers below `count` in an order that is another for each round, and the same for each run.
pub(crate) fn shuffled(count: usize, round: usize) -> Vec<usize> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ u64::try_from(round).unwrap_or(1));
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, random.below(last + 1));
    }
    order
}

/// Marsaglia's xorshift: enough to mix an order.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        // The low bits of a xorshift are its weakest.
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound.max(1)
    }
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

    #[test]
    fn an_interval_holds_its_median_and_narrows_with_agreement() {
        let spans = |millis: u64| Spans::new(vec![Duration::from_millis(millis)]);
        let floors: Vec<Spans> = (0..9).map(|_| spans(100)).collect();
        let figures = |spread: u64| (0..9).map(|round| spans(100 + spread * round)).collect::<Vec<_>>();
        let Cell::Interval([median, low, high]) = interval(&figures(10), &floors, 990) else { panic!() };
        assert!((median - 1.4).abs() < 1e-9 && low < median && median < high, "{low} {median} {high}");
        let Cell::Interval(same) = interval(&figures(0), &floors, 990) else { panic!() };
        assert_eq!(same, [1.0; 3]);
        assert!(super::median(&interval(&[], &[], 990)).is_nan());
    }

    #[test]
    fn each_round_has_an_order_of_its_own() {
        let sorted = |mut order: Vec<usize>| {
            order.sort_unstable();
            order
        };
        assert_eq!(sorted(shuffled(7, 3)), (0..7).collect::<Vec<_>>());
        assert_eq!(shuffled(7, 1), shuffled(7, 1));
        assert!((2..6).any(|round| shuffled(7, round) != shuffled(7, 1)));
    }
}
