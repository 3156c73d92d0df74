//! `retake replay`: a recording in a viewer.

use std::fs;

use tempfile::TempDir;

use crate::process::{names_in, retake};

#[test]
fn a_recording_becomes_a_file_that_rerun_opens() {
    let dir = TempDir::new().unwrap();
    let demo = ["demo", "--lockstep", "--seconds", "2", "--operator", "none", "--record", "rec", "--json"];
    let summary = retake(dir.path(), &demo).json();
    let ended = retake(dir.path(), &["replay", summary["recording"].as_str().unwrap(), "--view", "seen.rrd"]);
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.err.contains("messages shown, 0 could not be"), "{ended:?}");
    let bytes = fs::read(dir.path().join("seen.rrd")).unwrap();
    assert!(bytes.starts_with(b"RRF2"), "it begins with {:?}", bytes.get(..8));
    assert!(bytes.len() > 10_000, "only {} bytes", bytes.len());
}

#[test]
fn a_demo_can_be_watched_in_a_file() {
    let dir = TempDir::new().unwrap();
    let demo =
        ["demo", "--lockstep", "--seconds", "1", "--operator", "none", "--no-record", "--view", "live.rrd"];
    let ended = retake(dir.path(), &demo);
    assert!(ended.status.success(), "{ended:?}");
    assert!(fs::metadata(dir.path().join("live.rrd")).unwrap().len() > 1_000);
}

#[test]
fn what_is_no_recording_is_refused_and_leaves_no_file() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("garbage.mcap"), [0x5a; 4096]).unwrap();
    retake(dir.path(), &["replay", "missing", "--view", "seen.rrd"]).assert_refused(&["missing"]);
    retake(dir.path(), &["replay", "garbage.mcap", "--view", "seen.rrd"]).assert_refused(&["garbage.mcap"]);
    retake(dir.path(), &["replay", "garbage.mcap", "--view", "none"]).assert_refused(&["a view"]);
    assert_eq!(names_in(dir.path()), ["garbage.mcap"]);
}
