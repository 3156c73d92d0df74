//! `retake log`: what a recording holds.

use std::io::{Write as _, stdout};

use retake_log::{Recording, render_info, render_show, summary};

use crate::cli::LogOptions;

pub(crate) fn info(options: &LogOptions) -> anyhow::Result<()> {
    let summary = summary(&Recording::open(&options.path)?)?;
    print(if options.json {
        serde_json::to_string_pretty(&summary.info)? + "\n"
    } else {
        render_info(&summary.info)
    })
}

pub(crate) fn show(options: &LogOptions) -> anyhow::Result<()> {
    let summary = summary(&Recording::open(&options.path)?)?;
    print(if options.json { serde_json::to_string_pretty(&summary)? + "\n" } else { render_show(&summary) })
}

fn print(text: String) -> anyhow::Result<()> {
    match stdout().write_all(text.as_bytes()) {
        // `retake log show … | head` has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
