//! Power that is cut at every byte.

use std::{path::Path, thread};

use retake_tests::{CutTally, Cuts, Journal, Share};

use super::{Options, none, sample::Sample, shared_out};
use crate::report::{Cell, Findings, Table, progress};

const COMPARED: &str = "\
A log of ticks and frames is recorded once, on a disk in memory that remembers every operation: segments of a sixteenth of it, committed
every 75 ms of robot time. Then it is played up to each of its bytes, and power is cut there. What was synced is left. Of what was
appended after it there is everything (a torn end), nothing, or zeros in a random part and perhaps behind the end. Each time the
recording is recovered and its ticks are compared with what had been acknowledged by then; one in 64 recoveries is verified byte by byte
and read through from end to end.";

const BYTES: usize = 256 << 10;

pub(super) fn run(options: &Options, sample: &Sample) -> anyhow::Result<Findings> {
    let place = tempfile::tempdir()?;
    let ops = Journal::of_recording(place.path(), "log", BYTES);
    let workers = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let every = if options.quick { 61 } else { 1 };
    let parts = shared_out("power", workers, workers, |part| {
        let dir = fast_dir()?;
        let mut kept = Ok(());
        let tally = Cuts::of(&ops, dir.path(), Share { every, part, of: workers }, |recovered, cuts| {
            if cuts.is_multiple_of(20_000) {
                progress(&format!("  power: {cuts} cuts by one of {workers}"));
            }
            let chosen = if options.quick { 499 } else { 9_973 };
            if cuts.is_multiple_of(chosen) && kept.is_ok() {
                kept = sample.add(&format!("power-{part}-{cuts}"), recovered);
            }
        });
        kept.map(|()| tally)
    })?;
    let mut tally = CutTally::default();
    parts.into_iter().for_each(|part| tally.add(part));
    let mut table = Table::new(&["left of what was not synced", "cuts"]);
    for (left, cuts) in
        [("everything", tally.torn), ("nothing", tally.synced), ("zeros in a part of it", tally.zeroed)]
    {
        table.row(vec![left.into(), Cell::Count(cuts)]);
    }
    let mut complaints = tally.faults.clone();
    complaints.resize(usize::try_from(tally.failed)?.max(complaints.len()), "more".to_owned());
    Ok(Findings {
        compared: COMPARED,
        remarks: vec![format!(
            "{} bytes, {} cuts, up to {} ticks acknowledged; {} recoveries read through in full",
            tally.bytes, tally.cuts, tally.acknowledged, tally.read_through
        )],
        tables: vec![table],
        bounds: vec![none("cuts after which something acknowledged is lost, or recovery fails", &complaints)],
    })
}

/// Syncs cost nothing in memory, and recovery syncs at each cut.
fn fast_dir() -> anyhow::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    Ok(if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? })
}
