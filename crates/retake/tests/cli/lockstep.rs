//! `retake demo --lockstep`: as fast as the machine allows, and the same every time.

use std::{fs, path::Path};

use retake_log::{Recording, decisions_digest, first_difference};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    process::{names_in, retake},
    story::{arm_segments, assert_whole, told},
};

/// A demo in lockstep, two attempts at the nut with a policy that takes the wrong turn; its summary.
fn demo(dir: &Path, operator: &str, more: &[&str]) -> Value {
    let mut arguments = vec![
        "demo",
        "--lockstep",
        "--json",
        "--no-cameras",
        "--policy",
        "expert:wrong-turn",
        "--record",
        "rec",
    ];
    arguments.extend(["--operator", operator]);
    arguments.extend(more);
    retake(dir, &arguments).json()
}

const NUT: [&str; 4] = ["--task", "nut-on-peg", "--episodes", "2"];

fn number(summary: &Value, field: &str) -> u64 {
    summary[field].as_u64().unwrap_or_else(|| panic!("{field} is no number in {summary}"))
}

#[test]
fn with_a_supervisor_a_wrong_policy_succeeds_each_time_and_without_one_never() {
    let dir = TempDir::new().unwrap();
    let summary = demo(dir.path(), "scripted:supervisor", &NUT);
    assert_eq!(summary["verdicts"]["success"], 2, "{summary}");
    for (field, least) in [("takeovers", 2), ("rewinds", 2), ("human_ticks", 50), ("ticks", 500)] {
        assert!(number(&summary, field) >= least, "{field} in {summary}");
    }
    assert_eq!((number(&summary, "episodes"), number(&summary, "late_ticks")), (2, 0));
    assert_eq!((number(&summary, "messages_lost"), number(&summary, "messages_dropped")), (0, 0));
    assert!(number(&summary, "human_ticks") < number(&summary, "ticks"));
    assert_eq!(summary["attempts"].as_array().map(Vec::len), Some(2));

    let alone = demo(dir.path(), "none", &NUT);
    assert_eq!(alone["verdicts"]["failure"], 2, "{alone}");
    for field in ["takeovers", "rewinds", "human_ticks"] {
        assert_eq!(number(&alone, field), 0, "{field} in {alone}");
    }
}

#[test]
fn the_recording_tells_who_drove_and_agrees_with_the_summary() {
    let dir = TempDir::new().unwrap();
    let summary = demo(dir.path(), "scripted:supervisor", &NUT);
    let recording = summary["recording"].as_str().unwrap();
    let shown = retake(dir.path(), &["log", "show", "--json", recording]).json();
    let kinds: Vec<&str> = shown["episodes"][0]["segments"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|segment| segment["group"] == "arm")
        .map(|segment| segment["kind"].as_str().unwrap())
        .collect();
    for kind in ["policy", "rewind", "correction", "hold"] {
        assert!(kinds.contains(&kind), "{kind} is missing in {kinds:?}");
    }
    let info = told(&dir.path().join(recording));
    assert_whole(&info.info);
    assert_eq!(info.info.ticks, number(&summary, "ticks"));
    let total = |count: fn(&retake_log::EpisodeSummary) -> u64| info.episodes.iter().map(count).sum::<u64>();
    assert_eq!(total(|episode| episode.takeovers), number(&summary, "takeovers"));
    assert_eq!(total(|episode| episode.rewinds), number(&summary, "rewinds"));
    assert_eq!(total(|episode| episode.human_ticks), number(&summary, "human_ticks"));
    for (episode, attempt) in info.episodes.iter().zip(summary["attempts"].as_array().unwrap()) {
        assert_eq!((episode.verdict.as_str(), episode.ended), ("success", true));
        assert_eq!(attempt["verdict"], "success");
        assert_eq!(attempt["seed"].as_u64(), episode.seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_decisions_and_another_seed_others() {
    let dir = TempDir::new().unwrap();
    let decided = |seed: &str| {
        let summary = demo(
            dir.path(),
            "scripted:supervisor",
            &["--task", "nut-on-peg", "--episodes", "1", "--seed", seed],
        );
        Recording::open(&dir.path().join(summary["recording"].as_str().unwrap())).unwrap()
    };
    let mut digests = Vec::new();
    let runs = [decided("7"), decided("7"), decided("8")];
    for run in &runs {
        digests.push(decisions_digest(run).unwrap());
    }
    assert_eq!(first_difference(&runs[0], &runs[1]).unwrap(), None);
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0], digests[2]);
    assert_eq!(names_in(&dir.path().join("rec")).len(), 3, "no recording is written over");
}

const SESSION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../retake-devices/testdata/takeover.jsonl");

#[test]
fn a_recorded_gamepad_takes_over_and_its_recording_does_the_same_again() {
    let dir = TempDir::new().unwrap();
    let lift = ["--task", "lift", "--episodes", "1", "--seconds", "9"];
    let first = demo(dir.path(), &format!("replay:{SESSION}"), &lift);
    let recording = first["recording"].as_str().unwrap();
    let story = arm_segments(&told(&dir.path().join(recording)));
    let story: Vec<(&str, &str)> =
        story.iter().map(|(kind, began)| (kind.as_str(), began.as_str())).collect();
    let expected = [
        ("hold", "episode_ready"),
        ("policy", "resumed"),
        ("rewind", "rewind_pressed"),
        ("hold", "rewind_released"),
        ("correction", "clutch_pressed"),
        ("hold", "clutch_released"),
        ("policy", "resumed"),
    ];
    assert_eq!(story[1..], expected);
    assert_eq!((number(&first, "takeovers"), number(&first, "rewinds")), (1, 1));

    let again = demo(dir.path(), &format!("replay:{recording}"), &lift);
    let repeated = arm_segments(&told(&dir.path().join(again["recording"].as_str().unwrap())));
    let repeated: Vec<(&str, &str)> =
        repeated.iter().map(|(kind, began)| (kind.as_str(), began.as_str())).collect();
    assert_eq!(repeated, story);
    assert_eq!((number(&again, "takeovers"), number(&again, "rewinds")), (1, 1));
}

#[test]
fn without_recording_nothing_is_written() {
    let dir = TempDir::new().unwrap();
    let arguments = [
        "demo",
        "--lockstep",
        "--no-cameras",
        "--no-record",
        "--json",
        "--seconds",
        "2",
        "--operator",
        "none",
    ];
    let summary = retake(dir.path(), &arguments).json();
    assert_eq!(summary["recording"], Value::Null);
    assert_eq!(names_in(dir.path()), Vec::<String>::new());
}

#[test]
fn without_json_the_summary_is_for_people_and_names_the_recording() {
    let dir = TempDir::new().unwrap();
    let arguments = ["demo", "--lockstep", "--seconds", "1", "--operator", "none", "--record", "rec"];
    let ended = retake(dir.path(), &arguments);
    assert!(ended.status.success(), "{ended:?}");
    let names = names_in(&dir.path().join("rec"));
    assert_eq!(names.len(), 1);
    assert!(ended.out.contains(&format!("retake log show rec/{}", names[0])), "{ended:?}");
    let info = told(&dir.path().join("rec").join(&names[0])).info;
    assert!(!info.cameras.is_empty(), "cameras are rendered unless it is asked otherwise");
    assert!(fs::metadata(dir.path().join("rec")).unwrap().is_dir());
}
