//! What is missing from a recording whose bytes are all there.

use retake_wire::Message;
use serde::{Deserialize, Serialize};

use super::Verification;
use crate::{GapSummary, Logged};

/// No more gaps are listed; all are counted.
const MAX_TICK_GAPS: usize = 100;
const MAX_LOSSES: usize = 1_000;

/// Ticks that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TickGap {
    /// The last tick before them.
    pub after: u64,
    /// The first tick behind them.
    pub before: u64,
}

/// Filled message by message.
#[derive(Debug, Default)]
pub(super) struct Losses {
    origin: Option<i64>,
    ticks: u64,
    range: Option<(u64, u64)>,
    last: Option<u64>,
    missing: u64,
    gaps: Vec<TickGap>,
    known: Vec<GapSummary>,
}

impl Losses {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others tell of no loss")]
    pub(super) fn note(&mut self, logged: &Logged) {
        let origin = *self.origin.get_or_insert(logged.at.wire_nanos());
        let seconds = |nanos: i64| nanos.saturating_sub(origin) as f64 * 1e-9;
        match &logged.message {
            Message::Tick(tick) => self.tick(tick.tick),
            Message::Gap(gap) if self.known.len() < MAX_LOSSES => self.known.push(GapSummary {
                topic: gap.topic.clone(),
                count: gap.count,
                from_seconds: seconds(gap.first_nanos),
                to_seconds: seconds(gap.last_nanos),
            }),
            _ => {}
        }
    }

    fn tick(&mut self, tick: u64) {
        // An arbiter that is started again counts from the beginning; that is no gap.
        if let Some(last) = self.last.filter(|last| tick > last.saturating_add(1)) {
            self.missing = self.missing.saturating_add(tick - last - 1);
            if self.gaps.len() < MAX_TICK_GAPS {
                self.gaps.push(TickGap { after: last, before: tick });
            }
        }
        self.ticks += 1;
        self.last = Some(tick);
        let (first, last) = self.range.unwrap_or((tick, tick));
        self.range = Some((first.min(tick), last.max(tick)));
    }

    pub(super) fn finish(self, found: Verification) -> Verification {
        Verification {
            ticks: self.ticks,
            tick_range: self.range,
            missing_ticks: self.missing,
            tick_gaps: self.gaps,
            known_losses: self.known,
            ..found
        }
    }
}
