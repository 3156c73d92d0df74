//! How late ticks run, and how long they take.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Longest span told apart, microseconds.
const LONGEST: u64 = 10_000_000;

/// Spans counted in microseconds, in memory of fixed size.
#[derive(Clone, Debug)]
pub(crate) struct Spans(Option<Histogram<u32>>);

impl Default for Spans {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST, 2).ok())
    }
}

impl Spans {
    pub(crate) fn note(&mut self, span: Duration) {
        if let Some(spans) = &mut self.0 {
            spans.saturating_record(u64::try_from(span.as_micros()).unwrap_or(LONGEST));
        }
    }

    pub(crate) fn micros_at(&self, share: f64) -> u32 {
        let micros = self.0.as_ref().map_or(0, |spans| spans.value_at_quantile(share));
        u32::try_from(micros).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_hundredth() {
        let mut spans = Spans::default();
        assert_eq!(spans.micros_at(0.5), 0);
        (1..=1000).for_each(|i| spans.note(Duration::from_micros(i)));
        assert!((495..=505).contains(&spans.micros_at(0.5)), "{}", spans.micros_at(0.5));
        spans.note(Duration::MAX);
        assert!(spans.micros_at(1.0) >= 9_900_000);
    }
}
