//! A disk that refuses.

use std::collections::BTreeMap;

use retake_tests::{Operation, Trial, TrialOutcome, try_disk};

use super::{Options, none, sample::Sample, shared_out};
use crate::report::{Cell, Findings, Table};

const COMPARED: &str = "\
Each run records 600 ticks and 120 frames through the recorder node (half of them with its thread), on the local disk behind one that
refuses: an operation of one kind, drawn at random, once, twice, three times or from then on, with EIO, EROFS, ENODEV, ENOSPC or EDQUOT;
a refused append leaves a random share of its bytes. That disk also notes if a file is written to or synced after it failed. In half of
the runs power is cut at the end: every file is shortened to what was synced, and names that were not made durable are gone. Then the
recording is recovered, verified and read. Runs in which nothing was refused, because it ended before, are not counted.";

#[derive(Debug, Default)]
struct Row {
    runs: u64,
    refused: u64,
    survived: u64,
    stopped: u64,
    twice: u64,
    acknowledged: u64,
    kept: u64,
    faults: u64,
}

pub(super) fn run(options: &Options, sample: &Sample) -> anyhow::Result<Findings> {
    let wanted = options.runs(300);
    // Some trials end before the operation that was to fail.
    let found = shared_out("errors", wanted * 3 / 2, options.parallel, |number| {
        once(options.seed.wrapping_add(number), number, sample)
    })?;
    let (mut rows, mut complaints) = (BTreeMap::<Operation, Row>::new(), Vec::new());
    for (seed, trial, outcome) in &found {
        complaints.extend(outcome.faults.iter().map(|fault| format!("seed {seed}: {fault}")));
        if outcome.fired > 0 {
            rows.entry(trial.plan.operation).or_default().add(outcome);
        }
    }
    let columns = [
        "refused",
        "runs",
        "did not start",
        "went on in a new file",
        "stopped",
        "found twice",
        "ticks acknowledged",
        "ticks kept",
        "faults",
    ];
    let mut table = Table::new(&columns);
    for (operation, row) in &rows {
        let figures = [
            row.runs,
            row.refused,
            row.survived,
            row.stopped,
            row.twice,
            row.acknowledged,
            row.kept,
            row.faults,
        ];
        let mut cells = vec![Cell::from(name(*operation))];
        cells.extend(figures.map(Cell::Count));
        table.row(cells);
    }
    let met: u64 = rows.values().map(|row| row.runs).sum();
    Ok(Findings {
        compared: COMPARED,
        remarks: vec![format!("{met} runs in which the disk refused, of {}", found.len())],
        tables: vec![table],
        bounds: vec![none(
            "failing disks after which something acknowledged is lost, a file was used after it failed, or nobody was told",
            &complaints,
        )],
    })
}

impl Row {
    fn add(&mut self, outcome: &TrialOutcome) {
        self.runs += 1;
        self.refused += u64::from(outcome.refused);
        self.survived += u64::from(outcome.survived);
        self.stopped += u64::from(!outcome.survived && !outcome.refused);
        self.twice += outcome.twice;
        self.acknowledged += outcome.acknowledged;
        self.kept += outcome.kept;
        self.faults += outcome.faults.len() as u64;
    }
}

fn name(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "a new file",
        Operation::Append => "append",
        Operation::Sync => "sync",
        Operation::SyncDir => "sync of names",
        Operation::Replace => "the manifest",
        Operation::Cut => "append, and cutting back",
    }
}

fn once(seed: u64, number: u64, sample: &Sample) -> anyhow::Result<(u64, Trial, TrialOutcome)> {
    let dir = tempfile::tempdir()?;
    let trial = Trial::of_seed(seed);
    let outcome = try_disk(&trial, dir.path(), "run");
    if number.is_multiple_of(15) && outcome.kept > 0 {
        sample.add(&format!("errors-{number}"), &dir.path().join("run"))?;
    }
    Ok((seed, trial, outcome))
}
