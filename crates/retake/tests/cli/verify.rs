//! `retake replay --verify`: decisions made again from a recording.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{alone, retake};

/// A demo with more arguments; its summary.
fn demo(dir: &Path, more: &[&str]) -> Value {
    let mut arguments = vec!["demo", "--json", "--no-cameras", "--record", "rec"];
    arguments.extend(["--operator", "scripted:supervisor", "--policy", "expert:wrong-turn"]);
    arguments.extend(more);
    retake(dir, &arguments).json()
}

fn recording(summary: &Value) -> &str {
    summary["recording"].as_str().unwrap()
}

#[test]
fn a_lockstep_run_is_identical_in_another_process() {
    let dir = TempDir::new().unwrap();
    let summary = demo(dir.path(), &["--lockstep", "--episodes", "2"]);
    let told = retake(dir.path(), &["replay", "--verify", recording(&summary)]);
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    assert!(told.out.starts_with("verified: ") && told.out.ends_with("decisions identical\n"), "{told:?}");
    let report = retake(dir.path(), &["replay", recording(&summary), "--verify", "--json"]).json();
    assert_eq!(report["verdict"], "identical");
    assert_eq!(report["sessions"][0]["ticks"], summary["ticks"], "{report}");
}

#[test]
fn a_run_in_real_time_over_the_network_is_identical() {
    let _alone = alone();
    let dir = TempDir::new().unwrap();
    let summary = demo(dir.path(), &["--episodes", "1", "--seconds", "20"]);
    let report = retake(dir.path(), &["replay", "--verify", "--json", recording(&summary)]).json();
    assert_eq!(report["verdict"], "identical", "{report}");
    let run = &report["sessions"][0];
    assert!(run["ticks"].as_u64().unwrap() > 200 && run["messages"].as_u64().unwrap() > 400, "{report}");
    assert_eq!(report["sessions"].as_array().unwrap().len(), 1, "{report}");
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        all.filter(|path| path.extension().is_some_and(|ending| ending == "mcap")).collect();
    found.sort();
    found
}

#[test]
fn a_damaged_recording_and_one_without_an_arbiter_are_not_called_identical() {
    let dir = TempDir::new().unwrap();
    let summary = demo(dir.path(), &["--lockstep", "--episodes", "1"]);
    let path = dir.path().join(recording(&summary));
    let file = segments(&path).remove(0);
    let good = fs::read(&file).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle..middle + 64].iter_mut().for_each(|byte| *byte ^= 0xff);
    fs::write(&file, bad).unwrap();
    let told = retake(dir.path(), &["replay", "--verify", recording(&summary)]);
    assert!(matches!(told.status.code(), Some(1 | 3)), "{told:?}");
    assert!(told.out.contains("is damaged"), "{told:?}");
    fs::write(&file, &good[..64]).unwrap();
    for other in segments(&path).into_iter().skip(1) {
        fs::remove_file(other).unwrap();
    }
    let told = retake(dir.path(), &["replay", "--verify", recording(&summary)]);
    assert_eq!(told.status.code(), Some(1), "{told:?}");
    assert!(told.err.contains("does not say what the arbiter was told"), "{told:?}");
}

#[test]
fn verifying_and_viewing_do_not_mix() {
    let dir = TempDir::new().unwrap();
    retake(dir.path(), &["replay", "x", "--verify", "--view", "none"])
        .assert_refused(&["cannot be used with"]);
    retake(dir.path(), &["replay", "x", "--json"]).assert_refused(&["--verify"]);
    retake(dir.path(), &["replay", "x", "--verify"]).assert_refused(&["x"]);
}
