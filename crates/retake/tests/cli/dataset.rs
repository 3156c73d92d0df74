//! Recordings as a dataset: listed, labelled, counted, split, merged, and found wanting.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{names_in, retake};

/// A folder with two rescued attempts and two that went well alone.
fn recorded() -> TempDir {
    let dir = TempDir::new().unwrap();
    let common = ["demo", "--lockstep", "--json", "--no-cameras", "--episodes", "2"];
    for more in [
        ["--policy", "expert:wrong-turn", "--operator", "scripted:supervisor", "--seed", "1"],
        ["--policy", "expert", "--operator", "none", "--seed", "7"],
    ] {
        let arguments: Vec<&str> = common.iter().chain(&more).copied().collect();
        retake(dir.path(), &arguments).json();
    }
    dir
}

fn dataset(dir: &Path, arguments: &[&str]) -> Value {
    let all: Vec<&str> = ["dataset"].iter().chain(arguments).copied().collect();
    retake(dir, &all).json()
}

fn said(dir: &Path, arguments: &[&str]) -> String {
    let all: Vec<&str> = ["dataset"].iter().chain(arguments).copied().collect();
    let ended = retake(dir, &all);
    assert!(ended.status.success(), "{ended:?}");
    ended.out
}

const RESCUED: &str = "nut-on-peg-expert-1+wrong-turn-seed1";
const ALONE: &str = "nut-on-peg-expert-1-seed7";

#[test]
fn attempts_are_listed_labelled_and_counted_as_people_say() {
    let dir = recorded();
    let dir = dir.path();
    let listed = dataset(dir, &["ls", "recordings", "--json"]);
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|one| one["attempt"].as_str().unwrap()).collect();
    let expected =
        [(RESCUED, 1), (RESCUED, 2), (ALONE, 1), (ALONE, 2)].map(|(name, n)| format!("{name}/{n}"));
    assert_eq!(names, expected);
    assert_eq!((&listed[0]["takeovers"], &listed[0]["operator"]), (&2.into(), &"supervisor".into()));

    let first = format!("{ALONE}/1");
    said(dir, &["label", "recordings", &first, "--verdict", "failure", "--tag", "slow", "--note", "dithers"]);
    said(dir, &["label", &format!("recordings/{RESCUED}"), "2", "--discard", "--by", "ann"]);
    said(dir, &["label", &format!("recordings/{RESCUED}"), "--round", "4"]);
    let report = dataset(dir, &["report", "recordings", "--json"]);
    let groups = report.as_array().unwrap();
    assert_eq!(groups.len(), 2);
    let (alone, rescued) = (&groups[0], &groups[1]);
    assert_eq!((&alone["round"], &alone["successes"], &alone["failures"]), (&1.into(), &1.into(), &1.into()));
    assert_eq!((&alone["human_seconds"], &alone["autonomous_rate"]), (&0.0.into(), &0.5.into()));
    assert_eq!((&rescued["round"], &rescued["discarded"]), (&4.into(), &1.into()));
    assert_eq!((&rescued["takeovers_per_episode"], &rescued["autonomous_rate"]), (&2.0.into(), &0.0.into()));
    let human = rescued["human_seconds"].as_f64().unwrap();
    assert!((human - listed[0]["human_seconds"].as_f64().unwrap()).abs() < 1e-9);

    said(dir, &["label", "recordings", &format!("{RESCUED}/2"), "--undiscard", "--verdict", "success"]);
    let again = dataset(dir, &["ls", "recordings", "--json"]);
    assert_eq!((&again[1]["discarded"], &again[2]["tags"][0]), (&false.into(), &"slow".into()));
    let shown = said(dir, &["show", "recordings", &first]);
    for word in ["dithers", "failure", "slow", "policy"] {
        assert!(shown.contains(word), "{shown}");
    }
    let stretches = dataset(dir, &["show", "recordings", &format!("{RESCUED}/1"), "--json"]);
    let classes: Vec<&str> =
        stretches["stretches"].as_array().unwrap().iter().map(|one| one["class"].as_str().unwrap()).collect();
    assert_eq!(classes[..3], ["policy", "pre-intervention", "rewind"]);
}

#[test]
fn a_split_depends_on_the_seed_alone_and_a_merge_leaves_the_originals() {
    let dir = recorded();
    let dir = dir.path();
    let seven = dataset(dir, &["split", "recordings", "--valid", "0.5", "--seed", "7"]);
    assert_eq!((seven["train"].as_array().unwrap().len(), seven["valid"].as_array().unwrap().len()), (2, 2));
    let both = [format!("recordings/{ALONE}"), format!("recordings/{RESCUED}")];
    assert_eq!(dataset(dir, &["split", &both[0], &both[1], "--valid", "0.5", "--seed", "7"]), seven);
    said(dir, &["label", "recordings", &format!("{ALONE}/1"), "--discard"]);
    said(dir, &["merge", "all", "recordings"]);
    assert_eq!(dataset(dir, &["ls", "all", "--json"]), dataset(dir, &["ls", "recordings", "--json"]));
    said(dir, &["label", "all", &format!("{ALONE}/1"), "--undiscard"]);
    assert_eq!(
        dataset(dir, &["ls", "recordings", "--json"])[2]["discarded"],
        true,
        "what is said of one copy"
    );
    retake(dir, &["dataset", "merge", "all", "recordings"]).assert_refused(&["already", RESCUED]);
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_said() {
    let dir = recorded();
    let dir = dir.path();
    let before = names_in(dir);
    for (arguments, words) in [
        (&["label", "recordings", "1", "--discard"][..], &["RECORDING/1"][..]),
        (&["label", "recordings", "nowhere/1", "--discard"], &["no attempt", "nowhere/1"]),
        (&["label", &format!("recordings/{ALONE}"), "1", "--tag", "funny"], &["funny", "grasp-failed"]),
        (&["label", &format!("recordings/{ALONE}"), "1", "--verdict", "great"], &["great", "success"]),
        (&["label", &format!("recordings/{ALONE}"), "1"], &["nothing to say", "--verdict"]),
        (&["show", "recordings", "nonsense"], &["nonsense", "RECORDING"]),
        (&["ls", "nowhere"], &["nowhere"]),
        (&["split", "recordings", "--valid", "2"], &["between 0 and 1"]),
        (&["split", "recordings", "--valid", "0.01"], &["4 attempts", "cannot be split"]),
    ] {
        let all: Vec<&str> = ["dataset"].iter().chain(arguments).copied().collect();
        retake(dir, &all).assert_refused(words);
        assert_eq!(names_in(dir), before, "left behind by {arguments:?}");
    }
    fs::create_dir(dir.join("empty")).unwrap();
    retake(dir, &["dataset", "ls", "empty"]).assert_refused(&["empty", "no recordings"]);
}

#[test]
fn damage_is_found_and_told_by_the_exit_code() {
    let dir = recorded();
    let dir = dir.path();
    assert!(retake(dir, &["dataset", "validate", "recordings"]).status.success());
    let inside = fs::read_dir(dir.join("recordings").join(ALONE)).unwrap();
    let mcap = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "mcap");
    let segment = inside.map(|entry| entry.unwrap().path()).find(mcap).unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&segment, bytes).unwrap();
    let ended = retake(dir, &["dataset", "validate", "recordings", "--json"]);
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    let found: Value = serde_json::from_str(&ended.out).unwrap();
    let serious = |finding: &&Value| {
        finding["serious"] == true && finding["about"].as_str().unwrap().starts_with(ALONE)
    };
    assert!(found.as_array().unwrap().iter().any(|finding| serious(&finding)), "{found}");
    assert!(
        found
            .as_array()
            .unwrap()
            .iter()
            .all(|finding| !finding["about"].as_str().unwrap().starts_with(RESCUED))
    );
}
