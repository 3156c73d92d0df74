//! How often the expert solves each task, through everything but the network.

use std::sync::mpsc;

use retake_deployment::Supervision;
use retake_scripted::Script;
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{EpisodeRecord, Phase, Verdict},
};

use super::{Effort, deploy};
use crate::{
    report::{Bound, Cell, Findings, Table, progress},
    stats::Spans,
};

const COMPARED: &str = "\
The expert policy on its own, seeds from 0, through the whole deployment in lockstep: simulator, gate, policy with chunks of
16 steps, arbiter with its limit chain, and an operator who only resumes. An attempt counts if the task's own success held
within its time limit. Time is robot time from the first drive to success.";

/// A task, and per cent of attempts that must succeed.
const BOUNDS: [(&str, u64); 2] = [("lift", 99), ("nut-on-peg", 95)];
const REPORT_EVERY: u64 = 20;
/// Robot time no attempt takes, reset and pause included.
const LONGEST_SECONDS: u64 = 300;

pub(crate) fn run(effort: Effort) -> anyhow::Result<Findings> {
    let seeds = effort.pick(20, 200);
    let mut table = Table::new(&["task", "seeds", "solved", "%", "p50 s", "max s", "failed seeds"]);
    let mut bounds = Vec::new();
    for (task, percent) in BOUNDS {
        let records = attempts(task, seeds)?;
        let solved: Vec<_> = records.iter().filter(|record| record.verdict() == Verdict::Success).collect();
        let failed: Vec<String> = records
            .iter()
            .filter(|record| record.verdict() != Verdict::Success)
            .map(|record| record.seed.to_string())
            .collect();
        let count = u64::try_from(solved.len())?;
        let times = Spans::new(solved.iter().map(|record| took(record)).collect());
        let seconds = |per_mille| Cell::Number(times.at(per_mille).as_secs_f64(), 1);
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let share = count as f64 / seeds as f64 * 100.0;
        table.row(vec![
            task.into(),
            Cell::Count(seeds),
            Cell::Count(count),
            Cell::Number(share, 1),
            seconds(500),
            seconds(1000),
            if failed.is_empty() { "none".into() } else { failed.join(" ").into() },
        ]);
        bounds.push(Bound {
            what: format!("{task} solved at least {percent} % of the time"),
            found: format!("{count} of {seeds}"),
            holds: count * 100 >= percent * seeds,
        });
    }
    Ok(Findings { compared: COMPARED, tables: vec![table], bounds, ..Findings::default() })
}

fn took(record: &EpisodeRecord) -> std::time::Duration {
    let nanos = record.end_nanos.saturating_sub(record.start_nanos);
    std::time::Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
}

/// The record of each attempt's end.
fn attempts(task: &str, seeds: u64) -> anyhow::Result<Vec<EpisodeRecord>> {
    let mut settings = deploy::settings(task)?;
    settings.supervision = Supervision::Optional;
    (settings.episodes, settings.seed) = (seeds, 0);
    let mut lockstep = deploy::lockstep(&settings, Script::Unattended)?;
    let (ended, records) = mpsc::channel();
    let name = task.to_owned();
    let mut done = 0;
    lockstep.set_tap(move |_, _, message| {
        let Message::Episode(record) = message else { return };
        if record.phase() != Phase::Ended {
            return;
        }
        done += 1;
        if done % REPORT_EVERY == 0 {
            progress(&format!("  success: {name}, {done} of {seeds}"));
        }
        // The receiver lives as long as the deployment.
        let _ = ended.send(record.clone());
    });
    lockstep.run_until(MonoTime::from_nanos(seeds * LONGEST_SECONDS * 1_000_000_000))?;
    anyhow::ensure!(lockstep.finished(), "{task}: the attempts did not come to an end");
    let records: Vec<_> = records.try_iter().collect();
    anyhow::ensure!(
        u64::try_from(records.len())? == seeds,
        "{task}: {} attempts instead of {seeds}",
        records.len()
    );
    Ok(records)
}
