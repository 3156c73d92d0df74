//! Recordings put together.

use std::{fs, path::Path};

use retake_units::WallTime;

use super::made::usual;
use crate::{Annotations, Word, annotate, find, merge};

fn bytes(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap()))
        .collect();
    found.sort();
    found
}

#[test]
fn originals_stay_as_they_are_and_notes_go_apart() {
    let dir = tempfile::tempdir().unwrap();
    let sources = ["a", "b"].map(|name| usual(&dir.path().join(name), name));
    let at = WallTime::from_nanos(0);
    let note = |text: &str| Word { note: Some(text.into()), ..Word::default() };
    annotate(&sources[0], &[], ("ada", at), &note("before")).unwrap();
    let before = sources.each_ref().map(|source| bytes(source.recording.path()));
    let out = dir.path().join("all");
    let mut told = Vec::new();
    let merged = merge(&out, &sources, |name| told.push(name.to_owned())).unwrap();
    let names = sources.each_ref().map(|source| source.name.clone());
    assert_eq!((merged.recordings, merged.copied, told), (2, 0, names.to_vec()));
    assert!(merged.linked >= 2);
    let copies = find(&out).unwrap();
    assert_eq!(copies.iter().map(|source| source.name.clone()).collect::<Vec<_>>(), names);
    for (copy, before) in copies.iter().zip(&before) {
        assert_eq!(&bytes(copy.recording.path()), before);
    }
    annotate(&copies[0], &[], ("ada", at), &note("after")).unwrap();
    assert_eq!(sources.each_ref().map(|source| bytes(source.recording.path())), before);
    assert_eq!(Annotations::read(&copies[0]).unwrap().all().len(), 2);
}

#[test]
fn what_is_there_or_still_written_is_refused_before_anything_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let sources = ["a", "b"].map(|name| usual(&dir.path().join(name), name));
    let out = dir.path().join("all");
    fs::create_dir_all(out.join(&sources[1].name)).unwrap();
    let error = merge(&out, &sources, |_| {}).unwrap_err().to_string();
    assert!(error.contains("there is already something of that name"), "{error}");
    assert!(!out.join(&sources[0].name).exists(), "the first is not there either");
    let manifest = sources[1].recording.path().join(retake_log::MANIFEST);
    let text = fs::read_to_string(&manifest).unwrap();
    let mut content: retake_log::Manifest = serde_json::from_str(&text).unwrap();
    content.state = retake_log::State::Recording;
    fs::write(&manifest, serde_json::to_vec(&content).unwrap()).unwrap();
    let error = merge(&dir.path().join("new"), &sources, |_| {}).unwrap_err().to_string();
    assert!(error.contains("still being recorded"), "{error}");
}
