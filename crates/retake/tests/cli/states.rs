//! States of the simulator: taken out of recordings, begun in, and refused.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::process::{names_in, retake};

const RECORD: [&str; 12] = [
    "demo",
    "--lockstep",
    "--json",
    "--no-cameras",
    "--operator",
    "none",
    "--policy",
    "expert",
    "--episodes",
    "1",
    "--record",
    "rec",
];

/// A folder with a recording of one attempt at the nut that goes well.
fn recorded() -> (TempDir, String) {
    let dir = TempDir::new().unwrap();
    let summary = retake(dir.path(), &RECORD).json();
    let recording = summary["recording"].as_str().unwrap().to_owned();
    (dir, recording)
}

fn take(dir: &Path, recording: &str, more: &[&str]) -> String {
    let mut arguments = vec!["log", "state", recording, "--episode", "1"];
    arguments.extend(more);
    let ended = retake(dir, &arguments);
    assert!(ended.status.success(), "{ended:?}");
    ended.out
}

/// Seconds that each attempt from these states took, and where it began as the recording tells.
fn attempts(dir: &Path, states: &[&str]) -> Vec<f64> {
    let mut arguments = RECORD.to_vec();
    arguments[9] = "2";
    states.iter().for_each(|state| arguments.extend(["--start-state", state]));
    let summary = retake(dir, &arguments).json();
    assert_eq!(summary["verdicts"]["success"], 2, "{summary}");
    let attempts = summary["attempts"].as_array().unwrap();
    attempts.iter().map(|attempt| attempt["seconds"].as_f64().unwrap()).collect()
}

#[test]
fn an_attempt_begins_where_another_had_come_to() {
    let (dir, recording) = recorded();
    let whole = retake(dir.path(), &["log", "show", "--json", &recording]).json();
    let start = whole["episodes"][0]["start_tick"].to_string();
    let whole = whole["episodes"][0]["end_seconds"].as_f64().unwrap()
        - whole["episodes"][0]["start_seconds"].as_f64().unwrap();
    let said = take(dir.path(), &recording, &["--before", "3", "--out", "late.state"]);
    for word in ["late.state", "episode 1", "before the end", "nut-on-peg"] {
        assert!(said.contains(word), "{said}");
    }
    fs::create_dir_all(dir.path().join("states/nut-on-peg")).unwrap();
    take(dir.path(), &recording, &["--tick", &start, "--out", "states/nut-on-peg/early.state"]);
    for seconds in attempts(dir.path(), &["late.state"]) {
        assert!(seconds < whole - 2.0, "{seconds} s of {whole} s");
    }
    let both = attempts(dir.path(), &["late.state", "early"]);
    assert!(both[1] < both[0] - 2.0, "the second seed begins with the first state: {both:?}");
}

#[test]
fn what_cannot_be_begun_in_is_refused_before_anything_is_written() {
    let (dir, recording) = recorded();
    take(dir.path(), &recording, &["--out", "good.state"]);
    let good = fs::read(dir.path().join("good.state")).unwrap();
    let mut damaged = good.clone();
    damaged[good.len() / 2] ^= 1;
    fs::write(dir.path().join("damaged.state"), damaged).unwrap();
    fs::write(dir.path().join("cut.state"), &good[..100]).unwrap();
    fs::write(dir.path().join("empty.state"), "").unwrap();
    fs::write(dir.path().join("long.state"), vec![0; 5 << 20]).unwrap();
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::write(dir.path().join("sub/good.state"), &good).unwrap();
    let before = names_in(dir.path());
    for (arguments, words) in [
        (&["--start-state", "damaged.state"][..], &["damaged.state", "damaged"][..]),
        (&["--start-state", "cut.state"], &["cut.state", "damaged"]),
        (&["--start-state", "empty.state"], &["empty.state", "damaged"]),
        (&["--start-state", "long.state"], &["long.state", "longer"]),
        (&["--start-state", "missing.state"], &["missing.state", "cannot read"]),
        (&["--start-state", "nowhere"], &["states/nut-on-peg/nowhere.state"]),
        (&["--start-state", "good.state", "--start-state", "sub/good.state"], &["two", "good"]),
        (&["--start-state", "good.state", "--task", "lift"], &["good.state", "nut-on-peg", "lift"]),
    ] {
        let mut all = vec!["demo", "--lockstep", "--no-record", "--operator", "none", "--episodes", "1"];
        all.extend(arguments);
        retake(dir.path(), &all).assert_refused(words);
        assert_eq!(names_in(dir.path()), before, "left behind by {arguments:?}");
    }
}

#[test]
fn a_state_that_is_not_recorded_is_refused_and_nothing_is_written_over() {
    let (dir, recording) = recorded();
    fs::write(dir.path().join("there.state"), "precious").unwrap();
    let before = names_in(dir.path());
    for (arguments, words) in [
        (&["--episode", "9", "--out", "x.state"][..], &["no episode 9", "1 to 1"][..]),
        (&["--episode", "1", "--before", "1000", "--out", "x.state"], &["that early", "tick"]),
        (&["--episode", "1", "--before=-1", "--out", "x.state"], &["--before"]),
        (&["--episode", "1", "--tick", "0", "--out", "x.state"], &["that early"]),
        (&["--episode", "1", "--out", "x.bin"], &["x.bin", ".state"]),
        (&["--episode", "1", "--out", "there.state"], &["there.state"]),
        (&["--name", "nobody", "--out", "x.state"], &["nobody"]),
        (&["--out", "x.state"], &["--episode"]),
    ] {
        let mut all = vec!["log", "state", recording.as_str()];
        all.extend(arguments);
        retake(dir.path(), &all).assert_refused(words);
    }
    assert_eq!(names_in(dir.path()), before);
    assert_eq!(fs::read(dir.path().join("there.state")).unwrap(), b"precious");
}
