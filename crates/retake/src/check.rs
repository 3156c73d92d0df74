//! `retake log verify` and `retake log repair`: whether recordings are as they were written, and making them whole again.

use std::{fmt::Write as _, path::Path, time::Duration};

use anyhow::bail;
use retake_bus::Clock;
use retake_log::{
    LogError, Progress, RepairedSegment, Verification, recordings_at, render_verification,
    repair as repair_recording, verify as verify_recording,
};
use retake_units::MonoTime;
use serde::Serialize;

use crate::{Kept, cli::CheckOptions, log::print};

/// Nothing is said of progress before this, nor more often.
const PATIENCE: Duration = Duration::from_secs(2);

/// A recording that could not be looked at.
#[derive(Debug, Serialize)]
struct Refused {
    path: String,
    error: String,
}

impl Refused {
    fn new(path: &Path, error: &LogError) -> Self {
        Self { path: path.display().to_string(), error: error.to_string() }
    }
}

/// What `verify --json` prints.
#[derive(Debug, Default, Serialize)]
struct Verified {
    whole: bool,
    recordings: Vec<Verification>,
    unreadable: Vec<Refused>,
}

/// What was done about one recording.
#[derive(Debug, Serialize)]
struct Repair {
    path: String,
    /// Files that got their index and footer; none if there was nothing to do.
    repaired: Vec<RepairedSegment>,
    /// Every byte that is there now is as its writer left it.
    whole: bool,
    /// What repairing cannot change, in words.
    remains: Vec<String>,
}

/// What `repair --json` prints.
#[derive(Debug, Default, Serialize)]
struct Repaired {
    whole: bool,
    recordings: Vec<Repair>,
    refused: Vec<Refused>,
}

pub(crate) fn verify(options: &CheckOptions) -> anyhow::Result<Kept> {
    let (mut report, mut waiting) = (Verified::default(), Waiting::new("verified", Clock::System));
    let paths = recordings_at(&options.path)?;
    for path in &paths {
        match look(path, &mut waiting) {
            Ok(found) => report.recordings.push(found),
            Err(error) if paths.len() == 1 => return Err(error.into()),
            Err(error) => report.unreadable.push(Refused::new(path, &error)),
        }
    }
    report.whole = report.unreadable.is_empty() && report.recordings.iter().all(|found| found.whole);
    print(if options.json {
        serde_json::to_string_pretty(&report)? + "\n"
    } else {
        report.recordings.iter().map(render_verification).collect()
    })?;
    if let Some(Refused { error, .. }) = report.unreadable.first() {
        bail!("{} of {} recordings cannot be read: {error}", report.unreadable.len(), paths.len());
    }
    Ok(if report.whole { Kept::All } else { Kept::Damaged })
}

fn look(path: &Path, waiting: &mut Waiting) -> Result<Verification, LogError> {
    let found = verify_recording(path, &mut |progress| waiting.tell(progress))?;
    let empty = |found: &Verification| found.files.iter().all(|file| file.messages == 0 && !file.finished);
    if found.state == "single file" && empty(&found) {
        return Err(LogError::Unreadable { path: path.to_owned() });
    }
    Ok(found)
}

pub(crate) fn repair(options: &CheckOptions) -> anyhow::Result<Kept> {
    let (mut report, mut waiting) = (Repaired::default(), Waiting::new("repaired", Clock::System));
    let paths = recordings_at(&options.path)?;
    for path in &paths {
        match make_whole(path, &mut waiting) {
            Ok(repair) => report.recordings.push(repair),
            Err(error) if paths.len() == 1 => return Err(error.into()),
            Err(error) => report.refused.push(Refused::new(path, &error)),
        }
    }
    report.whole = report.refused.is_empty() && report.recordings.iter().all(|repair| repair.whole);
    print(if options.json {
        serde_json::to_string_pretty(&report)? + "\n"
    } else {
        report.recordings.iter().map(Repair::text).collect()
    })?;
    if let Some(Refused { error, .. }) = report.refused.first() {
        bail!("{} of {} recordings are left as they are: {error}", report.refused.len(), paths.len());
    }
    Ok(if report.whole { Kept::All } else { Kept::Damaged })
}

fn make_whole(path: &Path, waiting: &mut Waiting) -> Result<Repair, LogError> {
    let recovery = repair_recording(path, &mut |progress| waiting.tell(progress))?;
    // What was saved is read once more: a repair that only claims to have worked is worth nothing.
    let found = look(&recovery.path, waiting)?;
    let of_files = found.files.iter().flat_map(|file| {
        let faults = file
            .faults
            .iter()
            .map(|fault| format!("at byte {}, {} bytes: {}", fault.offset, fault.bytes, fault.reason));
        let told = faults.chain(file.index.iter().cloned()).chain(file.manifest.iter().cloned());
        told.map(|problem| format!("{}: {problem}", file.file)).collect::<Vec<_>>()
    });
    Ok(Repair {
        path: found.path.clone(),
        repaired: recovery.repaired,
        whole: found.whole,
        remains: found.problems.iter().cloned().chain(of_files).collect(),
    })
}

impl Repair {
    /// For people.
    fn text(&self) -> String {
        let what = match (self.repaired.len(), self.whole) {
            (0, true) => "nothing to repair".to_owned(),
            (0, false) => "damaged where nothing can be repaired".to_owned(),
            (files, true) => format!("{files} files repaired; whole now"),
            (files, false) => format!("{files} files repaired; still damaged"),
        };
        let mut text = format!("{}: {what}\n", self.path);
        for RepairedSegment { file, messages, integrity } in &self.repaired {
            let _ =
                writeln!(text, "  {file}: {messages} messages kept, {} bytes left out", integrity.lost_bytes);
            for fault in &integrity.faults {
                let _ =
                    writeln!(text, "    from byte {}, {} bytes: {}", fault.offset, fault.bytes, fault.reason);
            }
        }
        for problem in &self.remains {
            let _ = writeln!(text, "  {problem}");
        }
        text
    }
}

/// Says how far it is to whoever has waited for long.
#[derive(Debug)]
struct Waiting {
    what: &'static str,
    clock: Clock,
    said: MonoTime,
}

impl Waiting {
    fn new(what: &'static str, clock: Clock) -> Self {
        Self { what, said: clock.now(), clock }
    }

    #[expect(clippy::print_stderr, reason = "the person who waits is told")]
    fn tell(&mut self, progress: Progress<'_>) {
        if let Some(line) = self.line(progress) {
            eprintln!("{line}");
        }
    }

    fn line(&mut self, Progress { file, done, total }: Progress<'_>) -> Option<String> {
        let now = self.clock.now();
        if now.since(self.said) < PATIENCE {
            return None;
        }
        self.said = now;
        let percent = done.saturating_mul(100) / total.max(1);
        Some(format!("  {}: {percent} % of {}, at {}", self.what, megabytes(total), file.display()))
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 * 1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_told_every_two_seconds() {
        let clock = Clock::manual(MonoTime::ZERO);
        let mut waiting = Waiting::new("verified", clock.clone());
        let mut at = |millis: u64, done| {
            clock.advance_to(MonoTime::from_nanos(millis * 1_000_000));
            waiting.line(Progress { file: Path::new("a.mcap"), done, total: 2_000_000 })
        };
        assert_eq!(at(1_999, 1), None);
        assert_eq!(at(2_000, 500_000).as_deref(), Some("  verified: 25 % of 2.0 MB, at a.mcap"));
        assert_eq!(at(3_900, 600_000), None);
        assert!(at(4_000, 700_000).is_some());
    }
}
