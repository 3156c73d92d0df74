//! `retake log verify` and `retake log repair`: damage is found and placed, and what was cut off is made whole.

use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use retake_log::{Manifest, State};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    process::{Ended, Running, names_in, retake, wait_for},
    story::{recording_in, told},
};

/// A folder `rec` with a recording of two segments.
fn recorded() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let mut demo = vec!["demo", "--lockstep", "--seconds", "75", "--operator", "none", "--no-cameras"];
    demo.extend(["--policy", "expert", "--episodes", "100", "--record", "rec", "--json"]);
    let summary = retake(dir.path(), &demo).json();
    let recording = dir.path().join(summary["recording"].as_str().unwrap());
    (dir, recording)
}

fn segment(recording: &Path, index: usize) -> PathBuf {
    recording.join(format!("segment-{index:05}.mcap"))
}

/// Every file below `dir`, with its bytes.
fn bytes_in(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                bytes_in(&path)
            } else {
                BTreeMap::from([(path.clone(), fs::read(&path).unwrap())])
            }
        })
        .collect()
}

/// Marks a recording as cut off while it was written, and takes bytes from the end of its last file.
fn cut(recording: &Path, bytes: u64) {
    change_manifest(recording, |manifest| {
        manifest.state = State::Recording;
        manifest.segments.pop();
    });
    let last = segment(recording, 1);
    let len = fs::metadata(&last).unwrap().len();
    fs::OpenOptions::new().write(true).open(&last).unwrap().set_len(len - bytes).unwrap();
}

fn change_manifest(recording: &Path, change: impl FnOnce(&mut Manifest)) {
    let mut manifest = Manifest::read(recording).unwrap().unwrap();
    change(&mut manifest);
    fs::write(recording.join("recording.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
}

/// Where the first chunk begins.
fn first_chunk(bytes: &[u8]) -> usize {
    let mut at = 8;
    while bytes[at] != 6 {
        at += 9 + usize::try_from(u64::from_le_bytes(bytes[at + 1..at + 9].try_into().unwrap())).unwrap();
    }
    at
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

/// Verifies, which must change nothing.
fn verify(dir: &Path, path: &str) -> (Ended, Value) {
    let before = bytes_in(dir);
    let text = retake(dir, &["log", "verify", path]);
    let json = retake(dir, &["log", "verify", path, "--json"]);
    assert_eq!(text.status.code(), json.status.code());
    assert!(bytes_in(dir) == before, "verify changed something");
    let value = serde_json::from_str(&json.out).unwrap_or(Value::Null);
    (text, value)
}

#[track_caller]
fn assert_damaged(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    for word in words {
        assert!(ended.out.contains(word), "{word} is missing in {}", ended.out);
    }
}

#[test]
fn a_recording_as_it_was_written_is_whole() {
    let (dir, recording) = recorded();
    let name = recording.strip_prefix(dir.path()).unwrap().to_str().unwrap();
    let file = format!("{name}/segment-00001.mcap");
    for path in [name, "rec", &file] {
        let (text, json) = verify(dir.path(), path);
        assert!(text.status.success() && text.out.contains("whole") && text.err.is_empty(), "{text:?}");
        let found = &json["recordings"][0];
        assert_eq!(
            (&json["whole"], &found["whole"], &found["missing_ticks"]),
            (&true.into(), &true.into(), &0.into())
        );
        let files = found["files"].as_array().unwrap();
        assert_eq!(files.len(), if path == file { 1 } else { 2 });
        assert!(files.iter().all(|file| file["finished"] == true && file["messages"].as_u64() > Some(100)));
    }
    let repair = retake(dir.path(), &["log", "repair", "rec"]);
    assert!(repair.status.success() && repair.out.contains("nothing to repair"), "{repair:?}");
}

#[test]
fn what_was_cut_off_is_placed_and_made_whole() {
    let (dir, recording) = recorded();
    let ticks = told(&recording).info.ticks;
    cut(&recording, 300_000);
    let (text, json) = verify(dir.path(), "rec");
    assert_damaged(&text, &["CUT OFF", "segment-00001.mcap", "are no whole record", "retake log repair"]);
    let file = &json["recordings"][0]["files"][1];
    let (torn, size) = (&file["torn"], fs::metadata(segment(&recording, 1)).unwrap().len());
    assert_eq!(torn["offset"].as_u64().unwrap() + torn["bytes"].as_u64().unwrap(), size);
    assert_eq!(
        (&json["recordings"][0]["files"][0]["torn"], &file["finished"]),
        (&Value::Null, &false.into())
    );
    let repair = retake(dir.path(), &["log", "repair", "rec", "--json"]);
    assert!(repair.status.success(), "{repair:?}");
    let repair: Value = serde_json::from_str(&repair.out).unwrap();
    let repaired = &repair["recordings"][0]["repaired"][0];
    assert_eq!(
        (&repaired["file"], &repaired["integrity"]["lost_bytes"]),
        (&"segment-00001.mcap".into(), &torn["bytes"])
    );
    let (text, json) = verify(dir.path(), "rec");
    assert!(text.status.success() && text.out.contains("left out by an earlier repair"), "{text:?}");
    assert_eq!(json["recordings"][0]["state"], "recovered");
    let info = told(&recording).info;
    assert!(
        info.missing_ticks == 0 && info.ticks > ticks / 2 && info.ticks < ticks,
        "{} of {ticks}",
        info.ticks
    );
    let again = retake(dir.path(), &["log", "repair", "rec"]);
    assert!(again.status.success() && again.out.contains("nothing to repair"), "{again:?}");
    assert_eq!(names_in(&recording), ["recording.json", "segment-00000.mcap", "segment-00001.mcap"]);
}

#[test]
fn a_file_alone_and_a_shortened_copy_are_made_whole_as_well() {
    let (dir, recording) = recorded();
    let bytes = fs::read(segment(&recording, 0)).unwrap();
    fs::create_dir(dir.path().join("alone")).unwrap();
    fs::write(dir.path().join("alone/part.mcap"), &bytes[..bytes.len() / 2]).unwrap();
    assert_damaged(&verify(dir.path(), "alone/part.mcap").0, &["part.mcap", "cut off: "]);
    let repair = retake(dir.path(), &["log", "repair", "alone/part.mcap"]);
    assert!(repair.status.success() && repair.out.contains("whole now"), "{repair:?}");
    assert!(verify(dir.path(), "alone/part.mcap").0.status.success());
    // The manifest of this one says that it was closed.
    fs::write(segment(&recording, 0), &bytes[..bytes.len() / 2]).unwrap();
    assert_damaged(&verify(dir.path(), "rec").0, &["DAMAGED", "segment-00000.mcap", "the manifest says"]);
    let file = segment(&recording, 0);
    assert!(retake(dir.path(), &["log", "repair", file.to_str().unwrap()]).status.success());
    assert!(verify(dir.path(), "rec").0.status.success());
}

#[test]
fn damage_is_named_with_its_place_and_left_as_it_is() {
    let (dir, recording) = recorded();
    let file = segment(&recording, 0);
    let good = fs::read(&file).unwrap();
    let len = good.len();
    for (at, words) in [
        (first_chunk(&good) + 500, &["DAMAGED", "segment-00000.mcap", "checksum", "at byte "][..]),
        (len - 20, &["DAMAGED", "the part with the index has a wrong checksum"]),
        (60, &["DAMAGED", "the part with the messages has a wrong checksum"]),
    ] {
        flip(&file, at);
        let (text, json) = verify(dir.path(), "rec");
        assert_damaged(&text, words);
        assert_eq!(
            (&json["whole"], &json["recordings"][0]["files"][1]["index"]),
            (&false.into(), &Value::Array(vec![]))
        );
        let before = bytes_in(dir.path());
        let repair = retake(dir.path(), &["log", "repair", "rec"]);
        assert_damaged(&repair, &["damaged where nothing can be repaired", "segment-00000.mcap: "]);
        assert!(bytes_in(dir.path()) == before, "repair changed something");
        fs::write(&file, &good).unwrap();
    }
    fs::write(&file, [&good[..], b"more"].concat()).unwrap();
    assert_damaged(&verify(dir.path(), "rec").0, &["segment-00000.mcap"]);
}

#[test]
fn a_manifest_that_does_not_agree_is_told() {
    let (dir, recording) = recorded();
    change_manifest(&recording, |manifest| manifest.segments[0].messages += 1);
    assert_damaged(&verify(dir.path(), "rec").0, &["segment-00000.mcap", "the manifest says", "messages"]);
    change_manifest(&recording, |manifest| manifest.segments[0].messages -= 1);
    assert!(verify(dir.path(), "rec").0.status.success());
    let first = fs::read(segment(&recording, 0)).unwrap();
    fs::remove_file(segment(&recording, 0)).unwrap();
    let (text, json) = verify(dir.path(), "rec");
    assert_damaged(&text, &["segment-00000.mcap is missing"]);
    assert!(json["recordings"][0]["problems"][0].as_str().unwrap().contains("segment-00000.mcap"));
    fs::write(segment(&recording, 0), first).unwrap();
    fs::write(recording.join("recording.json"), "{ not json").unwrap();
    assert_damaged(&verify(dir.path(), "rec").0, &["recording.json is damaged"]);
    retake(dir.path(), &["log", "repair", "rec"]).assert_refused(&["recording.json"]);
    fs::remove_file(recording.join("recording.json")).unwrap();
    assert_damaged(&verify(dir.path(), "rec").0, &["recording.json is missing"]);
}

#[test]
fn a_recording_of_a_later_version_is_not_touched() {
    let (dir, recording) = recorded();
    cut(&recording, 1_000);
    change_manifest(&recording, |manifest| manifest.format = 2);
    let before = bytes_in(dir.path());
    retake(dir.path(), &["log", "repair", "rec"]).assert_refused(&["recording.json", "format 2"]);
    assert!(bytes_in(dir.path()) == before);
}

#[test]
fn a_recording_in_use_is_not_repaired() {
    let dir = TempDir::new().unwrap();
    let mut demo = vec!["demo", "--lockstep", "--operator", "none", "--no-cameras", "--record", "rec"];
    demo.extend(["--policy", "expert", "--episodes", "100000"]);
    let running = Running::start(dir.path(), &demo);
    let recording = wait_for("a recording", || recording_in(&dir.path().join("rec")));
    wait_for("recorded ticks", || (told(&recording).info.ticks > 0).then_some(()));
    retake(dir.path(), &["log", "repair", "rec"]).assert_refused(&["being recorded by another process"]);
    let live = retake(dir.path(), &["log", "verify", "rec"]);
    assert_damaged(&live, &["being recorded", "not finished yet"]);
    running.signal(Signal::KILL);
    assert!(!running.end().status.success());
    let repair = retake(dir.path(), &["log", "repair", "rec"]);
    assert!(repair.status.success(), "{repair:?}");
    assert!(verify(dir.path(), "rec").0.status.success());
}

#[test]
fn what_is_not_ours_is_never_written_over() {
    let (dir, recording) = recorded();
    let bytes = fs::read(segment(&recording, 0)).unwrap();
    fs::create_dir(dir.path().join("other")).unwrap();
    // The magic of an MCAP file, and then somebody else's.
    fs::write(dir.path().join("other/theirs.mcap"), [&bytes[..8], &[7; 500]].concat()).unwrap();
    let before = bytes_in(dir.path());
    retake(dir.path(), &["log", "repair", "other/theirs.mcap"]).assert_refused(&["theirs.mcap"]);
    assert!(bytes_in(dir.path()) == before);

    cut(&recording, 1_000);
    let beside = segment(&recording, 1).with_extension("mcap.repair");
    fs::write(&beside, "my notes").unwrap();
    let before = bytes_in(dir.path());
    retake(dir.path(), &["log", "repair", "rec"]).assert_refused(&["segment-00001.mcap.repair", "not ours"]);
    assert!(bytes_in(dir.path()) == before, "something was written");
    fs::remove_file(&beside).unwrap();
    fs::write(dir.path().join("precious"), "precious").unwrap();
    symlink(dir.path().join("precious"), &beside).unwrap();
    retake(dir.path(), &["log", "repair", "rec"]).assert_refused(&["segment-00001.mcap.repair"]);
    assert_eq!(fs::read_to_string(dir.path().join("precious")).unwrap(), "precious");
    fs::remove_file(&beside).unwrap();
    // What an earlier repair left when it was killed is ours.
    fs::write(&beside, &bytes[..300]).unwrap();
    assert!(retake(dir.path(), &["log", "repair", "rec"]).status.success());
}

#[test]
fn what_is_no_recording_cannot_be_verified() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("empty.mcap"), "").unwrap();
    fs::write(dir.path().join("garbage.mcap"), [0x5a; 10_000]).unwrap();
    fs::write(dir.path().join("notes.txt"), "not a recording").unwrap();
    fs::create_dir(dir.path().join("nothing")).unwrap();
    let before = names_in(dir.path());
    for path in ["missing", "missing.mcap", "empty.mcap", "garbage.mcap", "notes.txt", "nothing"] {
        for command in ["verify", "repair"] {
            for json in [&[][..], &["--json"]] {
                let arguments = [&["log", command, path], json].concat();
                let ended = retake(dir.path(), &arguments);
                ended.assert_refused(&[path]);
                assert_eq!(ended.status.code(), Some(1), "{ended:?}");
            }
        }
    }
    assert_eq!(names_in(dir.path()), before);
}

#[test]
fn of_several_recordings_the_good_ones_are_told_and_the_others_named() {
    let (dir, recording) = recorded();
    let other = dir.path().join("rec/other");
    fs::create_dir(&other).unwrap();
    fs::copy(segment(&recording, 0), segment(&other, 0)).unwrap();
    // A folder in its place cannot be read as a file.
    fs::create_dir(segment(&other, 1)).unwrap();
    let (text, json) = verify(dir.path(), "rec");
    assert_eq!(text.status.code(), Some(1), "{text:?}");
    assert!(text.err.contains("1 of 2 recordings") && text.err.contains("segment-00001.mcap"), "{text:?}");
    assert_eq!(json["recordings"].as_array().unwrap().len(), 1);
    assert!(json["unreadable"][0]["path"].as_str().unwrap().contains("other"));
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_retake"));
    let ended = command
        .args(["log", "verify", "rec/other/segment-00000.mcap"])
        .current_dir(dir.path())
        .stdout(writer);
    assert!(ended.status().unwrap().success(), "who has seen enough is no error");
}
