//! Exports that are interrupted, refused or damaged.

use std::{cell::Cell, fs, path::Path};

use retake_dataset::Key;
use retake_lerobot::{LerobotError, Limits, Options, Pictures, Weights, export, verify};

use crate::made::{Making, ROWS, files, recording};

const LIMITS: Limits =
    Limits { data_bytes: 100 << 20, video_bytes: 200 << 20, video_seconds: 1000, episodes: 1 };

fn weighted(of: &dyn Fn(&Key, usize) -> f32) -> Options<'_> {
    Options { weights: Some(Weights { name: "by hand", of }), limits: LIMITS, ..Options::default() }
}

#[test]
fn an_interrupted_export_goes_on_and_ends_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let sources = recording(dir.path(), "first", Making::default());
    let fails = Cell::new(true);
    let weight = |key: &Key, row: usize| {
        let here = (key.episode, row) == (3, 20);
        if here && fails.get() { f32::NAN } else { 0.5 }
    };
    let options = weighted(&weight);
    let out = dir.path().join("out");
    let refused = export(&sources, &options, &out, |_, _| {}).unwrap_err().to_string();
    assert!(refused.contains("first/3: row 20 has the weight NaN"), "{refused}");
    assert!(!out.exists());
    fails.set(false);
    let exported = export(&sources, &options, &out, |_, _| {}).unwrap();
    assert_eq!((exported.resumed_rows, exported.verified.sets), (2 * ROWS, 3));
    let whole = dir.path().join("whole");
    assert_eq!(export(&sources, &options, &whole, |_, _| {}).unwrap().resumed_rows, 0);
    assert!(files(&out) == files(&whole), "what was gone on with differs");
}

#[test]
fn what_an_interrupted_export_left_is_not_used_if_it_is_damaged_or_of_something_else() {
    let dir = tempfile::tempdir().unwrap();
    let sources = recording(dir.path(), "first", Making::default());
    let fails = Cell::new(true);
    let weight = |key: &Key, _| if key.episode == 3 && fails.get() { f32::NAN } else { 1.0 };
    let (out, part) = (dir.path().join("out"), dir.path().join("out.partial"));
    let interrupt = |options: &Options<'_>| {
        fails.set(true);
        export(&sources, options, &out, |_, _| {}).unwrap_err();
        fails.set(false);
    };
    interrupt(&weighted(&weight));
    let exported =
        export(&sources, &Options { task: Some("other"), ..weighted(&weight) }, &out, |_, _| {}).unwrap();
    assert!(exported.begun_anew.unwrap().contains("other attempts or options"));
    fs::remove_dir_all(&out).unwrap();
    interrupt(&weighted(&weight));
    let data = part.join("data/chunk-000/file-001.parquet");
    let bytes = fs::read(&data).unwrap();
    fs::write(&data, &bytes[..bytes.len() - 9]).unwrap();
    let exported = export(&sources, &weighted(&weight), &out, |_, _| {}).unwrap();
    assert!(exported.begun_anew.unwrap().contains("file-001.parquet"));
    assert_eq!((exported.resumed_rows, exported.verified.rows), (0, 3 * ROWS));
}

#[test]
fn nothing_is_ever_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let sources = recording(dir.path(), "first", Making::default());
    let out = dir.path().join("out");
    fs::write(&out, "mine").unwrap();
    let refused = export(&sources, &Options::default(), &out, |_, _| {}).unwrap_err();
    assert!(matches!(refused, LerobotError::Exists { .. }), "{refused}");
    assert_eq!(fs::read(&out).unwrap(), b"mine");
    let other = dir.path().join("other");
    fs::create_dir(dir.path().join("other.partial")).unwrap();
    fs::write(dir.path().join("other.partial/mine"), "mine").unwrap();
    let refused = export(&sources, &Options::default(), &other, |_, _| {}).unwrap_err().to_string();
    assert!(refused.contains("no interrupted export"), "{refused}");
    assert_eq!(fs::read(dir.path().join("other.partial/mine")).unwrap(), b"mine");
}

#[test]
fn what_is_missing_in_a_recording_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let lost = Making { lost: Some((2, 7)), ..Making::default() };
    let sources = recording(dir.path(), "first", lost);
    let refused = export(&sources, &Options::default(), &dir.path().join("out"), |_, _| {}).unwrap_err();
    assert_eq!(refused.to_string(), "first/2: row 7 has no observation; leave the attempt out");
    let nothing = Options { choose: &|_, _| Err("not wanted".into()), ..Options::default() };
    let refused = export(&sources, &nothing, &dir.path().join("none"), |_, _| {}).unwrap_err().to_string();
    assert!(refused.contains("3 were left out, the first of them first/1: not wanted"), "{refused}");
}

#[test]
fn pictures_of_two_sizes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut sources = recording(dir.path(), "first", Making::default());
    sources.extend(recording(dir.path(), "second", Making { side: 96, ..Making::default() }));
    let refused = export(&sources, &Options::default(), &dir.path().join("out"), |_, _| {}).unwrap_err();
    let refused = refused.to_string();
    assert!(refused.contains("second/1") && refused.contains("96×96"), "{refused}");
}

/// Changes one file of a whole export, and expects that this is found.
fn damage(out: &Path, file: &str, change: impl Fn(&mut Vec<u8>)) -> String {
    let path = out.join(file);
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    change(&mut bad);
    fs::write(&path, bad).unwrap();
    let found = verify(out).unwrap_err().to_string();
    fs::write(&path, good).unwrap();
    verify(out).unwrap();
    found
}

#[test]
fn damage_is_found_and_the_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let sources = recording(dir.path(), "first", Making::default());
    let out = dir.path().join("out");
    export(&sources, &Options { limits: LIMITS, ..Options::default() }, &out, |_, _| {}).unwrap();
    let video = "videos/observation.images.scene/chunk-000/file-001.mp4";
    let data = "data/chunk-000/file-002.parquet";
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
    assert!(damage(&out, video, cut).contains("file-001.mp4: it is cut off"));
    assert!(damage(&out, data, cut).contains("file-002.parquet"));
    assert!(damage(&out, "meta/info.json", cut).contains("info.json"));
    let fewer = |bytes: &mut Vec<u8>| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        *bytes = text.replace("\"total_frames\": 180", "\"total_frames\": 179").into_bytes();
    };
    assert!(damage(&out, "meta/info.json", fewer).contains("how many rows"));
    // A video of other times: its tables say 25 frames a second.
    let slower = |bytes: &mut Vec<u8>| {
        let at = bytes.windows(4).position(|four| four == b"stts").unwrap();
        bytes[at + 12..at + 16].copy_from_slice(&512u32.to_be_bytes());
    };
    assert!(damage(&out, video, slower).contains("its times are not those of 60 frames at 50 a second"));
    fs::remove_file(out.join("meta/stats.json")).unwrap();
    assert!(verify(&out).unwrap_err().to_string().contains("stats.json"));
}

#[test]
fn a_video_has_a_frame_for_each_row() {
    let dir = tempfile::tempdir().unwrap();
    let sources = recording(dir.path(), "first", Making::default());
    let out = dir.path().join("out");
    let (long, short) = (dir.path().join("long"), dir.path().join("short"));
    export(&sources, &Options::default(), &long, |_, _| {}).unwrap();
    export(&sources, &Options { limits: LIMITS, ..Options::default() }, &short, |_, _| {}).unwrap();
    // However many files there are, statistics are those of all rows.
    let stats = |dir: &Path| fs::read(dir.join("meta/stats.json")).unwrap();
    assert_eq!(stats(&long), stats(&short));
    fs::rename(&long, &out).unwrap();
    let video = "videos/observation.images.scene/chunk-000/file-000.mp4";
    fs::copy(short.join(video), out.join(video)).unwrap();
    let found = verify(&out).unwrap_err().to_string();
    assert!(found.contains("it has 60 frames, and there are 180 rows"), "{found}");
    let images = Options { pictures: Pictures::Image, ..Options::default() };
    export(&sources, &images, &dir.path().join("images"), |_, _| {}).unwrap();
}
