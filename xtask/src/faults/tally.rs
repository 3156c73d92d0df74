//! What all runs found together.

use std::{collections::BTreeMap, time::Duration};

use retake_bus::Clock;
use retake_units::MonoTime;

use super::{
    campaign::{Found, Stopper, counted},
    mode::Mode,
};
use crate::{
    report::{Bound, Cell, Findings, Table},
    stats::Spans,
};

#[derive(Clone, Debug, Default)]
struct Row {
    name: &'static str,
    runs: usize,
    idle: usize,
    applied: u64,
    refused: u64,
    unsafes: BTreeMap<String, u64>,
}

/// Figures of all modes.
#[derive(Debug)]
pub(crate) struct Tally {
    rows: Vec<Row>,
    stops: BTreeMap<Stopper, Vec<Duration>>,
    unsettled: usize,
    unstopped: BTreeMap<Stopper, usize>,
    began: MonoTime,
}

/// What has to stop the robot, in words, and the longest it may take.
const STOPPERS: &[(Stopper, &str, u64)] = &[
    (Stopper::OperatorLost, "braking after the operator's last word (100 ms + 1 tick)", 120),
    (Stopper::ArbiterLost, "stop by the driver itself after the arbiter's death (50 ms + 1 tick)", 70),
    (Stopper::StopPressed, "braking after stop was pressed (also over a lossy link)", 120),
    (Stopper::Released, "braking after release (also under faults)", 120),
];

impl Tally {
    pub(crate) fn new(modes: &[&Mode]) -> Self {
        let rows = modes.iter().map(|mode| Row { name: mode.name, ..Row::default() }).collect();
        Self {
            rows,
            stops: BTreeMap::new(),
            unstopped: BTreeMap::new(),
            unsettled: 0,
            began: Clock::System.now(),
        }
    }

    pub(crate) fn note(&mut self, mode: usize, outcome: &Found) {
        let Some(row) = self.rows.get_mut(mode) else { return };
        row.runs += 1;
        row.idle += usize::from(!outcome.engaged);
        self.unsettled += usize::from(outcome.unsettled);
        row.applied += outcome.applied;
        row.refused += outcome.refused;
        for (name, count) in counted(&outcome.violations) {
            *row.unsafes.entry(name).or_default() += count;
        }
        for (stopper, span) in &outcome.stops {
            self.stops.entry(*stopper).or_default().push(*span);
        }
        for stopper in &outcome.unstopped {
            *self.unstopped.entry(*stopper).or_default() += 1;
        }
    }

    pub(crate) fn line(&self, mode: usize, done: u64, total: u64) -> String {
        let passed = Clock::System.now().since(self.began).as_secs();
        let row = self.rows.get(mode).cloned().unwrap_or_default();
        let count: u64 = row.unsafes.values().sum();
        let Row { name, applied, refused, .. } = row;
        format!(
            "{done:>6}/{total} {passed:>5} s  {name}: {applied} applied, {refused} refused, {count} unsafe"
        )
    }

    pub(crate) fn count(&self) -> u64 {
        self.rows.iter().flat_map(|row| row.unsafes.values()).sum()
    }

    pub(crate) fn findings(&self) -> Findings {
        let mut modes =
            Table::new(&["mode", "runs", "commands applied", "refused at the driver", "unsafe applied"]);
        for row in &self.rows {
            let unsafes: Vec<String> =
                row.unsafes.iter().map(|(name, count)| format!("{count} × {name}")).collect();
            let unsafes = if unsafes.is_empty() { "0".to_owned() } else { unsafes.join(", ") };
            let runs = row.runs - row.idle;
            modes.row(vec![
                row.name.into(),
                runs.into(),
                Cell::Count(row.applied),
                Cell::Count(row.refused),
                unsafes.into(),
            ]);
        }
        let mut stops = Table::new(&["what", "count", "p50 ms", "p99 ms", "max ms", "over", "never"]);
        let mut bounds = vec![Bound {
            what: "unsafe commands applied by the driver".into(),
            found: format!("{} in {} runs", self.count(), self.runs()),
            holds: self.count() == 0,
        }];
        for (stopper, what, limit) in STOPPERS {
            let spans = Spans::new(self.stops.get(stopper).cloned().unwrap_or_default());
            let never = self.unstopped.get(stopper).copied().unwrap_or_default();
            let over = spans.longer_than(Duration::from_millis(*limit));
            stops.row(vec![
                (*what).into(),
                spans.count().into(),
                spans.millis_at(500),
                spans.millis_at(990),
                spans.millis_at(1000),
                over.into(),
                never.into(),
            ]);
            bounds.push(Bound {
                what: format!("robots that never braked: {what}"),
                found: never.to_string(),
                holds: never == 0,
            });
        }
        bounds.push(Bound {
            what: "deployments that did not recover by themselves".into(),
            found: self.unsettled.to_string(),
            holds: self.unsettled == 0,
        });
        Findings {
            compared: "Real processes over loopback; what the driver applied, judged by an independent checker.",
            remarks: vec![self.summary()],
            tables: vec![modes, stops],
            bounds,
        }
    }

    fn runs(&self) -> usize {
        self.rows.iter().map(|row| row.runs - row.idle).sum()
    }

    pub(crate) fn summary(&self) -> String {
        let passed = Clock::System.now().since(self.began).as_secs();
        let applied: u64 = self.rows.iter().map(|row| row.applied).sum();
        let idle: usize = self.rows.iter().map(|row| row.idle).sum();
        format!(
            "faults: {} runs of {} modes in {passed} s, {applied} commands applied, {} unsafe; {idle} runs did not get going",
            self.runs(),
            self.rows.len(),
            self.count()
        )
    }
}
