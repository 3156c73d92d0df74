//! What cannot be done is refused in one clear sentence, before anything is started or written.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::process::{names_in, retake};

/// Command lines after `retake demo`, and what the refusal must say. Files in them are made by [`bad_files`].
const DEMOS: &[(&[&str], &[&str])] = &[
    (&["--nonsense"], &["--nonsense"]),
    (&["--task", "juggle"], &["juggle", "lift", "nut-on-peg"]),
    (&["--policy", "genius"], &["genius", "expert"]),
    (&["--policy", "expert:backwards"], &["expert:backwards", "wrong-turn"]),
    (&["--policy", "expert:bias=far"], &["bias=far"]),
    (&["--operator", "bob"], &["bob", "scripted:NAME"]),
    (&["--operator", "scripted:nobody"], &["nobody", "supervisor"]),
    (&["--operator", "replay:"], &["replay:FILE"]),
    (&["--view", "cinema"], &["cinema", ".rrd"]),
    (&["--view", "no/such/folder/x.rrd"], &["no/such/folder/x.rrd"]),
    (&["--episodes", "0"], &["episodes", "0"]),
    (&["--episodes", "many"], &["episodes", "many"]),
    (&["--seed", "x"], &["seed", "x"]),
    (&["--seconds=-1"], &["seconds", "positive"]),
    (&["--seconds", "nan"], &["seconds", "positive"]),
    (&["--no-record", "--record", "rec"], &["--no-record"]),
    (&["--operator", "gamepad"], &["--lockstep"]),
    (&["--save-pad", "pad.jsonl", "--operator", "none"], &["--save-pad", "gamepad"]),
    (&["--operator", "replay:missing.jsonl"], &["missing.jsonl"]),
    (&["--operator", "replay:missing"], &["missing"]),
    (&["--operator", "replay:garbage.jsonl"], &["garbage.jsonl", "line 1"]),
    (&["--operator", "replay:binary.jsonl"], &["binary.jsonl"]),
    (&["--operator", "replay:garbage.mcap"], &["garbage.mcap"]),
    (&["--operator", "replay:empty.mcap"], &["empty.mcap"]),
    (&["--operator", "replay:notes.txt"], &["notes.txt"]),
];

fn bad_files(dir: &Path) {
    fs::write(dir.join("garbage.jsonl"), "this is no event\n").unwrap();
    fs::write(dir.join("binary.jsonl"), [0xff, 0xfe, 0x00]).unwrap();
    fs::write(dir.join("garbage.mcap"), [0x5a; 4096]).unwrap();
    fs::write(dir.join("empty.mcap"), "").unwrap();
    fs::write(dir.join("notes.txt"), "no recording").unwrap();
}

#[test]
fn a_demo_that_cannot_be_run_writes_nothing() {
    let dir = TempDir::new().unwrap();
    bad_files(dir.path());
    let before = names_in(dir.path());
    for (arguments, words) in DEMOS {
        let mut all = vec!["demo", "--lockstep"];
        all.extend(*arguments);
        let ended = retake(dir.path(), &all);
        ended.assert_refused(words);
        assert_eq!(names_in(dir.path()), before, "left behind by {arguments:?}");
    }
}

#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for place in ["/proc/retake", "file", "file/inside"] {
        let arguments = ["demo", "--lockstep", "--operator", "none", "--seconds", "1", "--record", place];
        retake(dir.path(), &arguments).assert_refused(&["record", place]);
    }
    assert_eq!(names_in(dir.path()), ["file"]);
}

#[test]
fn a_gamepad_that_is_not_there_is_missed_with_advice() {
    let devices =
        fs::read_dir("/dev/input").map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    if devices.iter().any(|entry| entry.file_name().to_string_lossy().starts_with("js")) {
        eprintln!("skipped: this machine has a gamepad");
        return;
    }
    let dir = TempDir::new().unwrap();
    let ended = retake(dir.path(), &["demo", "--operator", "gamepad", "--view", "none"]);
    ended.assert_refused(&["no gamepad found", "retake pad", "scripted:supervisor"]);
    assert_eq!(names_in(dir.path()), Vec::<String>::new());
}

#[test]
fn a_command_that_does_not_exist_or_lacks_its_file_is_refused() {
    let dir = TempDir::new().unwrap();
    for (arguments, words) in [
        (&["juggle"][..], &["juggle"][..]),
        (&["log"], &["log"]),
        (&["log", "show"], &["PATH"]),
        (&["replay"], &["PATH"]),
        (&["launch"], &["FILE"]),
        (&["launch", "missing.toml"], &["missing.toml", "launch/demo.toml"]),
        (&["node"], &["NAME"]),
        (&["node", "sim", "--launch", "missing.toml"], &["missing.toml"]),
        (&["pad", "--map", "missing.toml"], &["missing.toml"]),
    ] {
        retake(dir.path(), arguments).assert_refused(words);
    }
    assert_eq!(names_in(dir.path()), Vec::<String>::new());
}
