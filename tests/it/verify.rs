//! Decisions repeated from a recording are the same to the bit, and what is not the same is found.

mod altered;
mod links;

use std::path::Path;

use retake_log::Recording;
use retake_scripted::Script;
use retake_tests::{Deployment, Seen};
use retake_verify::{Outcome, Report, SessionReport, Verdict, verify};

fn supervised() -> Deployment {
    Deployment::new("lift", "expert:wrong-turn").episodes(1).script(Script::Supervisor)
}

/// Runs a deployment to its end, recorded in `dir` under `name`.
fn record(deployment: Deployment, dir: &Path, name: &str) -> (Recording, Seen) {
    let mut run = deployment.recorded(dir, name).start();
    run.to_end();
    let seen = run.finish();
    (Recording::open(&dir.join(name)).unwrap(), seen)
}

fn verified(recording: &Recording) -> Report {
    verify(recording, |_| ()).unwrap()
}

fn only(report: Report) -> SessionReport {
    assert_eq!(report.sessions.len(), 1, "{report}");
    report.sessions.into_iter().next().unwrap()
}

#[test]
fn a_supervised_run_is_repeated_to_the_bit() {
    let dir = tempfile::tempdir().unwrap();
    let (recording, seen) = record(supervised().episodes(2), dir.path(), "whole");
    assert!(seen.kinds("arm").contains(&retake_wire::pb::SegmentKind::Rewind));
    let report = verified(&recording);
    assert_eq!((report.verdict, report.unattributed), (Verdict::Identical, 0), "{report}");
    let session = only(report);
    assert_eq!(session.outcome, Outcome::Identical);
    assert_eq!(session.ticks, seen.ticks.len() as u64);
    let said = seen.ticks.len()
        + seen.commands.len()
        + seen.status.len()
        + seen.segments.len()
        + seen.episodes.len();
    assert!(session.messages >= said as u64, "{} of at least {said}", session.messages);
    assert!(session.told > (seen.inputs.len() + seen.observations.len()) as u64);
    assert_eq!((session.unrecorded.len(), session.after_the_end), (0, 0));
}
