//! `cargo xtask faults --peers`: what others' rules and ours make of the same faulty link.
//!
//! The peers are re-implementations of published rules, not the programs themselves, and are labelled so wherever they are
//! shown. Each gets the same trace of operator messages with the times at which a bad link brings them, and a policy that always
//! wants to move. Ours is the real intervention node with the real gate, on a manual clock.

mod ours;
mod rules;
mod trace;

use std::process::ExitCode;

use self::{
    rules::{Peer, judge},
    trace::{SCENARIOS, trace},
};
use super::Options;
use crate::report::{Bound, Cell, Findings, Table};

/// What one arbiter made of one trace.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// Commands that reached the driver and must not have.
    unsafes: u64,
    /// From the operator's release or loss until the driver's velocity is zero, ms; none if it never was.
    stop_ms: Option<f64>,
    /// From the press to the first command of the human's, ms.
    takeover_ms: Option<f64>,
    /// Largest change of tool velocity between two commands around the takeover, m/s.
    step: f64,
}

/// Traces per scenario.
const TRACES: u64 = 20;

pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let traces = options.runs.unwrap_or(if options.quick { 3 } else { TRACES });
    let columns = [
        "scenario, arbiter",
        "traces",
        "unsafe forwarded",
        "stop p50 ms",
        "stop max ms",
        "never stopped",
        "takeover max ms",
        "step at takeover max m/s",
    ];
    let mut table = Table::new(&columns);
    let mut ours_unsafe = 0;
    for scenario in SCENARIOS {
        let all: Vec<_> = (0..traces).map(|seed| trace(*scenario, options.seed ^ seed)).collect();
        for peer in Peer::ALL {
            let verdicts: Vec<Verdict> = all.iter().map(|trace| judge(*peer, trace)).collect();
            row(&mut table, &format!("{}: {}", scenario.name(), peer.name()), &verdicts);
        }
        let verdicts = all.iter().map(ours::judge).collect::<anyhow::Result<Vec<_>>>()?;
        ours_unsafe += verdicts.iter().map(|verdict| verdict.unsafes).sum::<u64>();
        row(&mut table, &format!("{}: retake (arbiter and gate)", scenario.name()), &verdicts);
    }
    let findings = Findings {
        compared: "The same traces through re-implementations of others' rules, and through retake's own nodes on a manual clock.",
        remarks: vec![
            "twist_mux, topic_tools mux and the get_action/send_action loops are re-implementations of their rules, not the programs."
                .into(),
            "Unsafe: older than 100 ms, replayed, moving more than 120 ms after release or loss, or the policy driving again unasked."
                .into(),
        ],
        tables: vec![table],
        bounds: vec![Bound {
            what: "unsafe commands that retake forwarded".into(),
            found: ours_unsafe.to_string(),
            holds: ours_unsafe == 0,
        }],
    };
    super::finish(&findings, options.json.as_deref())
}

fn row(table: &mut Table, name: &str, verdicts: &[Verdict]) {
    let mut stops: Vec<f64> = verdicts.iter().filter_map(|verdict| verdict.stop_ms).collect();
    stops.sort_by(f64::total_cmp);
    let number =
        |value: Option<f64>, decimals| value.map_or_else(|| "none".into(), |v| Cell::Number(v, decimals));
    let most = |values: &mut dyn Iterator<Item = f64>| {
        values.fold(None, |most: Option<f64>, v| Some(most.map_or(v, |m| m.max(v))))
    };
    table.row(vec![
        name.into(),
        verdicts.len().into(),
        Cell::Count(verdicts.iter().map(|verdict| verdict.unsafes).sum()),
        number(stops.get(stops.len() / 2).copied(), 0),
        number(stops.last().copied(), 0),
        verdicts.iter().filter(|verdict| verdict.stop_ms.is_none()).count().into(),
        number(most(&mut verdicts.iter().filter_map(|verdict| verdict.takeover_ms)), 0),
        number(most(&mut verdicts.iter().map(|verdict| verdict.step)), 3),
    ]);
}
