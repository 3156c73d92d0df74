//! `retake study`: what each way of learning from interventions is worth.

use std::{fs, num::NonZeroUsize, path::Path, thread};

use anyhow::{Context as _, bail};
use retake_bus::StopFlag;
use retake_study::{Continue, Study, StudyError, run as run_study, so_far};

use super::StudyOptions;
use crate::{log::print, progress::Progress};

/// Runs a study, or goes on with one, and prints its tables.
pub(crate) fn run(options: &StudyOptions) -> anyhow::Result<()> {
    let path = options.file.display();
    let text = fs::read_to_string(&options.file).with_context(|| format!("cannot read {path}"))?;
    let study = Study::from_toml(&text).with_context(|| path.to_string())?;
    let results = if options.so_far { so_far(&study, &options.out)? } else { carried_out(options, &study)? };
    if options.json {
        print(serde_json::to_string_pretty(&results)? + "\n")
    } else {
        print(results.to_markdown())
    }
}

fn carried_out(options: &StudyOptions, study: &Study) -> anyhow::Result<retake_study::Results> {
    let threads = match options.parallel {
        Some(0) => bail!("--parallel must be 1 or more"),
        Some(threads) => threads,
        None => thread::available_parallelism().map_or(1, NonZeroUsize::get),
    };
    let stop = StopFlag::on_signals().context("cannot listen for Ctrl-C")?;
    let progress = Progress::new("study", 0);
    let results = run_study(study, &options.out, threads, &|at| {
        progress.of(at.done as u64, at.of as u64);
        progress.say(&at.cell);
        if stop.is_set() { Continue::No } else { Continue::Yes }
    });
    drop(progress);
    match results {
        Err(StudyError::Stopped { done, of }) => bail!(stopped(&options.out, done, of)),
        other => Ok(other?),
    }
}

fn stopped(out: &Path, done: usize, of: usize) -> String {
    format!("stopped with {done} of {of} parts done; the same command goes on from {}", out.display())
}
