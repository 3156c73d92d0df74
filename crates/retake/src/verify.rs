//! `retake replay --verify`: a recording's decisions, made again and compared.

use std::io::{IsTerminal as _, Write as _, stderr, stdout};

use anyhow::bail;
use retake_log::Recording;
use retake_verify::{Progress, Verdict, verify};

use crate::{Kept, cli::ReplayOptions};

pub(crate) fn run(options: &ReplayOptions) -> anyhow::Result<Kept> {
    let path = options.path.display();
    let report = verify(&Recording::open(&options.path)?, progress)?;
    if stderr().is_terminal() {
        // If the terminal is gone there is nobody to tell.
        let _written = write!(stderr(), "\r\x1b[K");
    }
    let unreadable = report.verdict == Verdict::NoSchedule && !options.json;
    if unreadable {
        bail!("{path} {}", report.to_string().trim_end());
    }
    let text = if options.json { serde_json::to_string(&report)? + "\n" } else { report.to_string() };
    stdout().write_all(text.as_bytes())?;
    match report.verdict {
        Verdict::Identical => Ok(Kept::All),
        Verdict::Incomplete => Ok(Kept::NotAll),
        Verdict::Parted => bail!("{path} holds decisions that this program does not make"),
        Verdict::NoSchedule => bail!("{path} cannot be verified"),
    }
}

fn progress(progress: Progress) {
    if stderr().is_terminal() {
        let Progress { messages, ticks } = progress;
        // If the terminal is gone there is nobody to tell.
        let _written = write!(stderr(), "\r  {messages} messages read, {ticks} ticks repeated ");
    }
}
