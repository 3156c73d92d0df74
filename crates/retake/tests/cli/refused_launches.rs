//! Launch files that are wrong: one clear line naming the file, nothing started, nothing written.

use std::fs;

use tempfile::TempDir;

use crate::process::{names_in, retake};

const GOOD: &str = r#"
[deployment]
robot = "arm_1"
task = "lift"
[bus]
base_port = 7700
[node.sim]
kind = "sim"
[node.camera]
kind = "camera"
[node.policy]
kind = "policy"
policy = "expert"
[node.intervention]
kind = "intervention"
episodes = 1
operator_timeout = "100ms"
[node.operator]
kind = "operator"
operator = "none"
[node.recorder]
kind = "recorder"
dir = "recordings"
"#;

/// What is wrong, what of the good file becomes what, and words of the one line that tells.
const BROKEN: &[(&str, &str, &str, &[&str])] = &[
    ("unknown key", "robot = \"arm_1\"", "robot = \"arm_1\"\nspeed = 3", &["speed", ":4:1"]),
    ("unknown key of a node", "kind = \"camera\"", "kind = \"camera\"\nfps = 30", &["fps", ":11:1"]),
    ("unknown table", "[bus]", "[buss]", &["buss"]),
    ("no TOML", "[bus]", "[bus", &[":5:"]),
    ("unknown task", "\"lift\"", "\"juggle\"", &["juggle", "nut-on-peg"]),
    ("unknown policy", "\"expert\"", "\"genius\"", &["genius", "wrong-turn"]),
    ("unknown operator", "\"none\"", "\"bob\"", &["bob", "gamepad"]),
    ("unknown script", "\"none\"", "\"scripted:bob\"", &["bob", "supervisor"]),
    ("unknown view", "[node.sim]", "[node.viz]\nkind = \"viz\"\nview = \"cinema\"\n[node.sim]", &["cinema"]),
    ("unknown kind", "\"camera\"", "\"webcam\"", &["webcam", "recorder"]),
    ("bad robot id", "arm_1", "arm/*", &["arm/*"]),
    ("two sims", "[node.camera]", "[node.sim2]\nkind = \"sim\"\n[node.camera]", &["sim and sim2"]),
    ("no sim", "[node.sim]\nkind = \"sim\"", "", &["Observation", "kind sim"]),
    (
        "no arbiter",
        "kind = \"intervention\"\nepisodes = 1\noperator_timeout = \"100ms\"",
        "kind = \"camera\"",
        &["Command"],
    ),
    (
        "wider limit",
        "[bus]",
        "[limits.arm]\nvelocity = [100.0, 1, 1, 1, 1, 1, 1]\n[bus]",
        &["velocity", "100"],
    ),
    ("wider range", "[bus]", "[limits.arm]\nupper = [100.0, 1, 1, 1, 1, 1, 1]\n[bus]", &["upper", "100"]),
    ("zero limit", "[bus]", "[limits.gripper]\nvelocity = [0.0]\n[bus]", &["velocity", "0"]),
    ("limit that is no number", "[bus]", "[limits.gripper]\nvelocity = [nan]\n[bus]", &["velocity", "NaN"]),
    ("too few limits", "[bus]", "[limits.arm]\njerk = [1.0]\n[bus]", &["jerk", "7"]),
    ("limits of nothing", "[bus]", "[limits.tail]\njerk = [1.0]\n[bus]", &["tail", "gripper"]),
    ("port zero", "7700", "0", &["port", "base_port 0"]),
    ("port too large", "7700", "70000", &["70000", ":6:"]),
    ("ports beyond the last", "7700", "65534", &["port", "65534"]),
    ("negative port", "7700", "-1", &["-1"]),
    ("one port twice", "kind = \"camera\"", "kind = \"camera\"\nport = 7700", &["sim and camera", "7700"]),
    ("time without unit", "\"100ms\"", "100", &["250ms"]),
    ("no attempts", "episodes = 1", "episodes = 0", &["episodes"]),
    ("all interfaces", "base_port = 7700", "base_port = 7700\nhost = \"0.0.0.0\"", &["loopback", "TLS"]),
    ("another host", "base_port = 7700", "base_port = 7700\nhost = \"192.168.0.7\"", &["loopback", "TLS"]),
    (
        "a name as host",
        "base_port = 7700",
        "base_port = 7700\nhost = \"robot.example\"",
        &["loopback", "TLS"],
    ),
    (
        "TLS without files",
        "base_port = 7700",
        "base_port = 7700\nhost = \"192.168.0.7\"\ntls = { ca = \"no-ca\", cert = \"c\", key = \"k\" }",
        &["no-ca"],
    ),
];

#[test]
fn the_file_that_the_others_are_made_from_is_right() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("good.toml"), GOOD).unwrap();
    let ended = retake(dir.path(), &["launch", "--check", "good.toml"]);
    assert!(ended.status.success(), "{ended:?}");
    assert!(!ended.err.contains("warning"), "{ended:?}");
}

#[test]
fn a_broken_file_is_refused_by_launch_check_and_node_alike() {
    let dir = TempDir::new().unwrap();
    for (wrong, from, to, words) in BROKEN {
        assert!(GOOD.contains(from), "{wrong}");
        fs::write(dir.path().join("broken.toml"), GOOD.replacen(from, to, 1)).unwrap();
        let words: Vec<&str> = words.iter().copied().chain(["broken.toml"]).collect();
        for arguments in [
            &["launch", "broken.toml"][..],
            &["launch", "--check", "broken.toml"],
            &["node", "recorder", "--launch", "broken.toml"],
        ] {
            let ended = retake(dir.path(), arguments);
            assert!(!ended.status.success(), "{wrong}: {arguments:?}");
            ended.assert_refused(&words);
            assert_eq!(names_in(dir.path()), ["broken.toml"], "{wrong}: {arguments:?}");
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("binary.toml"), [0xff, 0xfe, 0x00, 0x80]).unwrap();
    fs::write(dir.path().join("empty.toml"), "").unwrap();
    for (file, word) in
        [("binary.toml", "UTF-8"), ("empty.toml", "[deployment]"), ("missing.toml", "No such file")]
    {
        retake(dir.path(), &["launch", file]).assert_refused(&[file, word]);
    }
    assert_eq!(names_in(dir.path()), ["binary.toml", "empty.toml"]);
}

#[test]
fn a_node_that_the_file_does_not_have_is_refused_with_those_it_has() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("good.toml"), GOOD).unwrap();
    let ended = retake(dir.path(), &["node", "nobody", "--launch", "good.toml"]);
    ended.assert_refused(&["nobody", "good.toml", "sim, camera, policy, intervention, operator, recorder"]);
}
