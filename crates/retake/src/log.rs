//! `retake log`: what a recording holds.

use std::{
    io::{Write as _, stdout},
    path::Path,
};

use retake_log::{LogError, Recording, Summary, render_info, render_show, render_tree, summary};

use crate::cli::LogOptions;

pub(crate) fn info(options: &LogOptions) -> anyhow::Result<()> {
    let summary = read(&options.path)?;
    print(if options.json {
        serde_json::to_string_pretty(&summary.info)? + "\n"
    } else {
        render_info(&summary.info)
    })
}

pub(crate) fn show(options: &LogOptions) -> anyhow::Result<()> {
    let summary = read(&options.path)?;
    print(if options.json { serde_json::to_string_pretty(&summary)? + "\n" } else { render_show(&summary) })
}

pub(crate) fn tree(options: &LogOptions) -> anyhow::Result<()> {
    let summary = read(&options.path)?;
    print(if options.json {
        serde_json::to_string_pretty(&summary.episodes)? + "\n"
    } else {
        render_tree(&summary)
    })
}

/// What is in the recording. Of a damaged file it is what could be read, and that is said; a file without anything is refused.
#[expect(clippy::print_stderr, reason = "the JSON on standard output stays JSON")]
fn read(path: &Path) -> anyhow::Result<Summary> {
    let summary = summary(&Recording::open(path)?)?;
    let info = &summary.info;
    let is_file = info.state == "single file";
    if is_file && info.messages == 0 {
        return Err(LogError::Unreadable { path: path.to_owned() }.into());
    }
    if info.integrity.lost_bytes > 0 || (is_file && !info.integrity.is_whole()) {
        eprintln!("{} is cut off or damaged; this is what can be read of it", path.display());
    }
    Ok(summary)
}

/// To standard output, which may have been closed.
pub(crate) fn print(text: String) -> anyhow::Result<()> {
    match stdout().write_all(text.as_bytes()) {
        // `retake log show … | head` has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
