//! From recordings to a policy that drives, by command.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{Ended, names_in, retake};

/// Demonstrations and rescued attempts.
fn recorded(dir: &Path) {
    for (operator, policy, episodes) in
        [("scripted:demonstrator", "expert", "2"), ("scripted:supervisor", "expert:wrong-turn", "2")]
    {
        let demo = ["demo", "--lockstep", "--json", "--no-cameras", "--task", "lift", "--episodes", episodes];
        retake(dir, &[&demo[..], &["--policy", policy, "--operator", operator]].concat()).json();
    }
}

fn train(dir: &Path, out: &str, more: &[&str]) -> Ended {
    let quick = ["train", "--data", "recordings", "--out", out, "--hidden", "32,32", "--validation", "0.3"];
    retake(dir, &[&quick[..], more].concat())
}

#[test]
fn a_policy_is_trained_served_announced_and_gone_back_from() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    recorded(dir);
    let weights: Value =
        retake(dir, &["dataset", "weights", "recordings", "--scheme", "sirius", "--json"]).json();
    let arm = &weights["groups"][0][1]["classes"];
    let mass = |class: &str| arm[class]["mass"].as_f64().unwrap_or(0.0);
    assert!((mass("correction") + mass("recovery") - 0.5).abs() < 1e-9, "{weights}");
    assert_eq!(mass("pre-intervention"), 0.0);

    let report = train(dir, "policies/first", &["--steps", "60", "--json", "--announce"]).json();
    assert!(report["examples"].as_u64().unwrap() > 500, "{report}");
    assert_eq!(report["manifest"]["record"]["step"], 60);
    for name in ["first.md", "first.json", "serving.json"] {
        assert!(dir.join("policies").join(name).is_file(), "{name}");
    }
    // The same data, options and seed: the same bytes.
    assert!(train(dir, "again/first", &["--steps", "60"]).status.success());
    let bytes = |from: &str| fs::read(dir.join(from).join("first/policy.safetensors")).unwrap();
    assert!(bytes("policies") == bytes("again"), "not reproducible");

    let drive = ["demo", "--lockstep", "--json", "--no-cameras", "--no-record", "--operator", "none"];
    let driven = |policy: &str| {
        let more = ["--task", "lift", "--policy", policy, "--episodes", "1", "--seconds", "3"];
        retake(dir, &[&drive[..], &more[..]].concat()).json()
    };
    let summary = driven("learnt:policies");
    assert!(summary["ticks"].as_u64().unwrap() > 100, "{summary}");

    assert!(train(dir, "policies/second", &["--steps", "30", "--announce"]).status.success());
    let listed = retake(dir, &["policy", "ls", "policies"]);
    let line = |name: &str| listed.out.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(line("second").contains("announced") && line("first").contains("before"), "{}", listed.out);
    assert!(retake(dir, &["policy", "back", "policies"]).out.starts_with("first"));
    retake(dir, &["policy", "back", "policies"]).assert_refused(&["nothing was announced"]);

    let eval =
        ["eval", "--policy", "learnt:policies", "expert", "--task", "lift", "--episodes", "2", "--json"];
    let evaluated = retake(dir, &eval).json();
    assert!(evaluated[0]["version"].as_str().unwrap().starts_with("first-"), "{evaluated}");
    assert_eq!(evaluated[1]["successes"], 2, "{evaluated}");
    let other = ["--parallel", "1"];
    assert_eq!(retake(dir, &[&eval[..], &other[..]].concat()).json(), evaluated, "threads must not matter");
}

#[test]
fn what_cannot_be_trained_on_or_served_is_refused() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    train(dir, "policies/none", &[]).assert_refused(&["recordings"]);
    recorded(dir);
    let before = names_in(dir);
    for (more, words) in [
        (&["--scheme", "best"][..], &["\"best\"", "sirius"][..]),
        (&["--memory", "1.5"][..], &["--memory", "1.5"][..]),
        (&["--hidden", "0"][..], &["hidden"][..]),
        (&["--resume"][..], &["policies/none"][..]),
        (&["--scheme", "table:idle=1"][..], &["idle"][..]),
        (&["--scheme", "table:recovery=1"][..], &["group arm", "learns from none"][..]),
    ] {
        train(dir, "policies/none", more).assert_refused(words);
    }
    fs::write(dir.join("weights.toml"), "expert = 1.0\n").unwrap();
    train(dir, "policies/none", &["--table", "weights.toml"]).assert_refused(&["expert", "weights.toml"]);
    fs::remove_file(dir.join("weights.toml")).unwrap();
    assert_eq!(names_in(dir), before, "nothing is left behind");
    let eval = |policy: &str, task: &str| {
        retake(dir, &["eval", "--policy", policy, "--task", task, "--episodes", "1"])
    };
    eval("learnt:nowhere", "lift").assert_refused(&["nowhere"]);

    assert!(train(dir, "policies/short", &["--steps", "5"]).status.success());
    eval("learnt:policies", "lift").assert_refused(&["no checkpoint", "announce"]);
    eval("learnt:policies/short", "nut-on-peg").assert_refused(&["another robot or task"]);
    // A checkpoint with a bit flipped is no checkpoint.
    let file = dir.join("policies/short/policy.safetensors");
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, bytes).unwrap();
    eval("learnt:policies/short", "lift").assert_refused(&["policy.safetensors"]);
    retake(dir, &["policy", "announce", "policies/short"]).assert_refused(&["policy.safetensors"]);
    assert!(!dir.join("policies/serving.json").exists());
}
