//! `retake log`: what recordings hold, and what damaged ones still do.

use std::{
    fs, io,
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::process::{names_in, retake};

/// A folder with a recording of twenty seconds, and that recording's one file.
fn recorded() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let demo = [
        "demo",
        "--lockstep",
        "--seconds",
        "20",
        "--operator",
        "none",
        "--no-cameras",
        "--record",
        "rec",
        "--json",
    ];
    let summary = retake(dir.path(), &demo).json();
    let recording = dir.path().join(summary["recording"].as_str().unwrap());
    let segment = recording.join("segment-00000.mcap");
    (dir, segment)
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let (dir, segment) = recorded();
    for view in ["show", "info"] {
        // As if `head` had gone before the first line: a short text would fit into the pipe and never fail.
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_retake"));
        command.args(["log", view, "--json"]).arg(&segment).current_dir(dir.path());
        let ended =
            command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
    }
}

#[test]
fn what_is_no_recording_is_refused_in_one_sentence() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("empty.mcap"), "").unwrap();
    fs::write(dir.path().join("garbage.mcap"), [0x5a; 100_000]).unwrap();
    fs::write(dir.path().join("notes.txt"), "not a recording").unwrap();
    fs::create_dir(dir.path().join("nothing")).unwrap();
    let before = names_in(dir.path());
    for path in ["missing", "missing.mcap", "empty.mcap", "garbage.mcap", "notes.txt", "nothing"] {
        for view in [vec!["show"], vec!["info"], vec!["show", "--json"]] {
            let arguments: Vec<&str> = ["log"].into_iter().chain(view).chain([path]).collect();
            let ended = retake(dir.path(), &arguments);
            ended.assert_refused(&[path]);
            assert_eq!(ended.err.lines().count(), 1, "{ended:?}");
        }
    }
    assert_eq!(names_in(dir.path()), before);
}

#[test]
fn a_manifest_that_is_damaged_is_named() {
    let (dir, segment) = recorded();
    let recording = segment.parent().unwrap();
    fs::write(recording.join("recording.json"), "{ not json").unwrap();
    retake(dir.path(), &["log", "show", recording.to_str().unwrap()]).assert_refused(&["recording.json"]);
}

#[test]
fn of_a_truncated_file_the_rest_is_shown_and_the_damage_is_told() {
    let (dir, segment) = recorded();
    let whole = retake(dir.path(), &["log", "show", "--json", segment.to_str().unwrap()]).json();
    let bytes = fs::read(&segment).unwrap();
    let torn = dir.path().join("torn.mcap");
    fs::write(&torn, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let shown = retake(dir.path(), &["log", "show", "torn.mcap", "--json"]);
    assert!(shown.err.contains("torn.mcap") && shown.err.lines().count() == 1, "{shown:?}");
    let shown = shown.json();
    let ticks = |summary: &serde_json::Value| summary["info"]["ticks"].as_u64().unwrap();
    assert!(ticks(&shown) > 100 && ticks(&shown) < ticks(&whole), "{} of {}", ticks(&shown), ticks(&whole));
    assert_eq!(shown["info"]["integrity"]["unfinished_segments"], 1);
    assert_eq!(shown["info"]["missing_ticks"], 0);
    assert_eq!(
        fs::metadata(&torn).unwrap().len(),
        u64::try_from(bytes.len() * 2 / 3).unwrap(),
        "reading repairs nothing"
    );
}
