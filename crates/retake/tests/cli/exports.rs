//! What is exported comes back as what it was.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{names_in, retake};

/// A folder with two rescued attempts.
fn recorded() -> TempDir {
    let dir = TempDir::new().unwrap();
    let arguments = [
        "demo",
        "--lockstep",
        "--json",
        "--no-cameras",
        "--episodes",
        "2",
        "--policy",
        "expert:wrong-turn",
        "--operator",
        "scripted:supervisor",
    ];
    retake(dir.path(), &arguments).json();
    dir
}

fn seconds(dir: &Path, what: &str) -> Vec<f64> {
    let listed: Value = retake(dir, &["dataset", "ls", what, "--json"]).json();
    listed.as_array().unwrap().iter().map(|one| one["seconds"].as_f64().unwrap()).collect()
}

#[test]
fn both_formats_are_written_once_and_come_back_as_demonstrations() {
    let dir = recorded();
    let dir = dir.path();
    for (format, out) in [("lerobot-v3", "out-lerobot"), ("robomimic", "out.hdf5")] {
        let export = ["dataset", "export", "--format", format, "--out", out, "recordings"];
        let done = retake(dir, &export);
        assert!(done.status.success(), "{done:?}");
        assert!(done.out.contains("2 attempts") && done.out.contains("found sound"), "{}", done.out);
        let before = names_in(dir);
        retake(dir, &export).assert_refused(&[out]);
        assert_eq!(names_in(dir), before, "nothing is written over, and nothing is left beside it");
        let import = ["dataset", "import", "--format", format, out, "--record", "back", "--name", format];
        let done = retake(dir, &import);
        assert!(done.status.success() && done.out.contains("2 demonstrations"), "{done:?}");
        let back = format!("back/{format}");
        assert_eq!(seconds(dir, &back), seconds(dir, "recordings"), "{format}");
        let shown = retake(dir, &["dataset", "show", &back, "1", "--json"]).json();
        let stretches = shown["stretches"].as_array().unwrap();
        assert!(stretches.iter().all(|one| one["class"] == "demo"), "{shown}");
    }
}

#[test]
fn what_is_left_out_is_told() {
    let dir = recorded();
    let dir = dir.path();
    let recording = "recordings/nut-on-peg-expert-1+wrong-turn-seed1";
    assert!(retake(dir, &["dataset", "label", recording, "2", "--discard"]).status.success());
    for (format, out) in [("lerobot-v3", "out-lerobot"), ("robomimic", "out.hdf5")] {
        let done = retake(dir, &["dataset", "export", "--format", format, "--out", out, "recordings"]);
        for words in ["seed1/2: it was discarded", "1 attempts left out"] {
            assert!(done.out.contains(words), "{format}: {}", done.out);
        }
    }
}

#[test]
fn steps_are_weighed_and_stock_training_is_told() {
    let dir = recorded();
    let dir = dir.path();
    let export = |format, out, more: &[&str]| {
        let arguments =
            [&["dataset", "export", "--format", format, "--out", out, "recordings"], more].concat();
        retake(dir, &arguments)
    };
    let weighed = ["--weigh", "sirius", "--expected", "expected"];
    assert!(export("robomimic", "out.hdf5", &weighed).status.success());
    let told = fs::read_to_string(dir.join("expected/EXPECTED.jsonl")).unwrap();
    let rows: Vec<Value> = told.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    let weight = |row: &Value| row["values"]["weights"].as_f64().unwrap();
    // The mean is 1 over what is learnt from: neither standing still (0) nor going back (3).
    let learnt =
        rows.iter().filter(|row| ![0, 3].contains(&row["values"]["label"].as_i64().unwrap())).count();
    let sum = rows.iter().map(weight).sum::<f64>();
    assert!(learnt < rows.len() && (sum / learnt as f64 - 1.0).abs() < 1e-3, "{sum} over {learnt} steps");
    // Half of all weight is the operator's corrections.
    let by_hand = rows.iter().filter(|row| row["values"]["intv_labels"] == 1).map(weight).sum::<f64>();
    assert!((by_hand / sum - 0.5).abs() < 1e-3, "{by_hand} of {sum}");

    let done = export("lerobot-v3", "out", &["--weigh", "sirius", "--progress", "50"]);
    assert!(done.out.contains("--use_rabc=true"), "{}", done.out);
    assert!(dir.join("out/sarm_progress.parquet").exists());
    export("lerobot-v3", "other", &["--progress", "50"]).assert_refused(&["--weigh"]);
    export("robomimic", "other", &["--weigh", "sirius", "--progress", "50"]).assert_refused(&["--progress"]);
}

#[test]
fn what_cannot_be_exported_or_imported_is_told() {
    let dir = recorded();
    let dir = dir.path();
    fs::write(dir.join("empty.hdf5"), "").unwrap();
    fs::create_dir(dir.join("nothing")).unwrap();
    let before = names_in(dir);
    for (arguments, words) in [
        (
            &["export", "--format", "robomimic", "--out", "x.hdf5", "--pictures", "video", "recordings"][..],
            &["no video"][..],
        ),
        (&["export", "--format", "lerobot-v3", "--out", "x", "--every", "3", "recordings"], &["50"]),
        (
            &["export", "--format", "robomimic", "--out", "x.hdf5", "--verdict", "failure", "recordings"],
            &["nothing to export"],
        ),
        (&["import", "--format", "robomimic", "empty.hdf5"], &["empty.hdf5"]),
        (&["import", "--format", "lerobot-v3", "nothing"], &["nothing", "info.json"]),
    ] {
        let all: Vec<&str> = ["dataset"].iter().chain(arguments).copied().collect();
        retake(dir, &all).assert_refused(words);
        assert_eq!(names_in(dir), before, "left behind by {arguments:?}");
    }
}
