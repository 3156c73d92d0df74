use std::{fmt, time::Duration};

use hdrhistogram::Histogram;

/// How a measured span was distributed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// How many were measured.
    pub count: u64,
    /// Half were at most this.
    pub p50: Duration,
    /// 99 of 100 were at most this.
    pub p99: Duration,
    /// 999 of 1000 were at most this.
    pub p999: Duration,
    /// The longest.
    pub max: Duration,
}

/// How one node fared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeReport {
    /// The node.
    pub name: String,
    /// It asked for the end of the deployment.
    pub finished: bool,
    /// How long after the time it had asked for it was woken.
    pub lateness: Quantiles,
    /// Time from a wake until all it said was published or handed to the record lane.
    pub busy: Quantiles,
    /// Messages it was given.
    pub received: u64,
    /// Messages a newer one replaced before it looked, as is right for topics of which only the newest matters.
    pub conflated: u64,
    /// Messages its mailbox had no room for.
    pub mailbox_dropped: u64,
    /// Messages that never arrived, as their senders' numbering shows.
    pub missed: u64,
    /// Arrivals that were no messages.
    pub undecodable: u64,
    /// Messages of its own on topics it had not declared.
    pub refused: u64,
    /// Messages of its own that the record lane had no room for.
    pub lane_dropped: u64,
    /// Messages of its own that the record lane could not send before the end.
    pub lane_unsent: u64,
    /// At the end, all receivers had taken all its messages.
    pub flushed: bool,
}

impl fmt::Display for NodeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} wakes, late p50 {:.1?} p99 {:.1?} p99.9 {:.1?} max {:.1?}, busy p99 {:.1?}, {} received",
            self.name,
            self.lateness.count,
            self.lateness.p50,
            self.lateness.p99,
            self.lateness.p999,
            self.lateness.max,
            self.busy.p99,
            self.received,
        )?;
        for (count, what) in [
            (self.mailbox_dropped, "dropped by the mailbox"),
            (self.missed, "missed"),
            (self.undecodable, "undecodable"),
            (self.refused, "refused"),
            (self.lane_dropped, "dropped by the record lane"),
            (self.lane_unsent, "not sent at the end"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// Collects spans up to a minute, to three digits, in a fixed amount of memory.
#[derive(Debug)]
pub(crate) struct Spans(Option<Histogram<u64>>);

impl Spans {
    pub(crate) fn new() -> Self {
        Self(Histogram::new_with_bounds(1, 60_000_000_000, 3).ok())
    }

    pub(crate) fn record(&mut self, span: Duration) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        let Some(histogram) = self.0.as_ref().filter(|histogram| !histogram.is_empty()) else {
            return Quantiles::default();
        };
        let at = |quantile| Duration::from_nanos(histogram.value_at_quantile(quantile));
        Quantiles {
            count: histogram.len(),
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            max: Duration::from_nanos(histogram.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_spans() {
        let mut spans = Spans::new();
        assert_eq!(spans.quantiles(), Quantiles::default());
        for millis in 1..=1000 {
            spans.record(Duration::from_millis(millis));
        }
        let found = spans.quantiles();
        assert_eq!(found.count, 1000);
        for (span, millis) in
            [(found.p50, 500.0), (found.p99, 990.0), (found.p999, 999.0), (found.max, 1000.0)]
        {
            assert!((span.as_secs_f64() * 1000.0 / millis - 1.0).abs() < 0.002, "{span:?}");
        }
    }

    #[test]
    fn a_report_names_only_what_went_wrong() {
        let report = NodeReport { name: "arbiter".into(), missed: 3, ..NodeReport::default() };
        let text = report.to_string();
        assert!(text.contains("3 missed") && !text.contains("undecodable"), "{text}");
    }
}
