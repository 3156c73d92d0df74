//! `retake launch`: a deployment as processes, from its start to its end.

use std::{fs, net::TcpListener, path::Path};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    deployment::{Launched, Plan},
    process::{alone, names_in, retake, send, wait_for},
    story::{assert_whole, recording_in, ticks, told},
};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// All processes of a deployment's nodes. None may be left after its end; if the test fails, they go with it.
struct Nodes(Vec<u32>);

impl Nodes {
    fn of(launched: &mut Launched) -> Self {
        Self(Plan::NODES.iter().map(|node| launched.pid_of(node)).collect())
    }

    /// Those that still run.
    fn left(&self) -> Vec<u32> {
        let line = |pid: &u32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let runs = |pid: &u32| String::from_utf8_lossy(&line(pid)).replace('\0', " ").contains("retake node");
        self.0.iter().copied().filter(runs).collect()
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.left().into_iter().for_each(|pid| send(pid, Signal::KILL));
    }
}

#[test]
fn the_deployments_that_come_with_it_pass_the_check_and_the_check_writes_nothing() {
    let dir = TempDir::new().unwrap();
    let shipped = Path::new(REPOSITORY).join("launch");
    for name in names_in(&shipped).iter().filter(|name| name.ends_with(".toml")) {
        let ended = retake(dir.path(), &["launch", "--check", shipped.join(name).to_str().unwrap()]);
        assert!(ended.status.success(), "{ended:?}");
        assert!(ended.err.contains(name), "{ended:?}");
    }
    assert_eq!(names_in(dir.path()), Vec::<String>::new());
}

#[test]
fn a_deployment_of_one_attempt_ends_by_itself_with_a_closed_recording() {
    let _alone = alone();
    let plan = Plan { task: "lift", policy: "expert", operator: "scripted:supervisor", episodes: Some(1) };
    let mut launched = Launched::start(&plan);
    let nodes = Nodes::of(&mut launched);
    let (ended, dir) = launched.end();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.err.contains("intervention: finished the deployment"), "{ended:?}");
    assert_eq!(nodes.left(), Vec::<u32>::new());
    let summary = told(&recording_in(&dir.path().join("recordings")).unwrap());
    assert_whole(&summary.info);
    assert_eq!(summary.episodes.len(), 1);
    let episode = &summary.episodes[0];
    assert_eq!((episode.verdict.as_str(), episode.reason.as_str(), episode.ended), ("success", "task", true));
    assert_eq!((episode.operator.as_str(), episode.policy.as_str()), ("supervisor", "expert-1"));
    assert_eq!(names_in(&dir.path().join("recordings")).len(), 1);
}

#[test]
fn ctrl_c_stops_every_node_and_closes_the_recording() {
    let _alone = alone();
    let plan = Plan { task: "nut-on-peg", policy: "expert", operator: "scripted:supervisor", episodes: None };
    let mut launched = Launched::start(&plan);
    let nodes = Nodes::of(&mut launched);
    let recording = wait_for("a recording", || recording_in(&launched.recordings()));
    wait_for("ticks", || (ticks(&recording).len() > 50).then_some(()));
    launched.signal(Signal::INT);
    let (ended, dir) = launched.end();
    assert!(ended.status.success(), "{ended:?}");
    for node in Plan::NODES {
        assert!(ended.err.lines().any(|line| line == format!("{node}: stopped")), "{node} in {ended:?}");
    }
    assert_eq!(nodes.left(), Vec::<u32>::new());
    let summary = told(&recording);
    assert_whole(&summary.info);
    let episode = summary.episodes.last().unwrap();
    assert_eq!((episode.reason.as_str(), episode.ended), ("shutdown", true));
    drop(dir);
}

#[test]
fn nodes_of_a_supervisor_that_is_killed_do_not_stay_behind() {
    let _alone = alone();
    let plan = Plan { task: "nut-on-peg", policy: "expert", operator: "scripted:supervisor", episodes: None };
    let mut launched = Launched::start(&plan);
    let nodes = Nodes::of(&mut launched);
    let recording = wait_for("a recording", || recording_in(&launched.recordings()));
    wait_for("ticks", || (ticks(&recording).len() > 25).then_some(()));
    launched.signal(Signal::KILL);
    let (ended, dir) = launched.end();
    assert!(!ended.status.success());
    wait_for("the nodes to leave", || nodes.left().is_empty().then_some(()));
    assert_whole(&told(&recording).info);
    drop(dir);
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_started() {
    let _alone = alone();
    let dir = TempDir::new().unwrap();
    let plan = Plan { task: "lift", policy: "expert", operator: "none", episodes: Some(1) };
    let text = plan.text(&dir.path().join("recordings"));
    fs::write(dir.path().join("deployment.toml"), &text).unwrap();
    let port = text.lines().find_map(|line| line.strip_prefix("base_port = ")).unwrap();
    // That of the third node, so that two others could have begun.
    let port = port.parse::<u16>().unwrap() + 2;
    let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let ended = retake(dir.path(), &["launch", "deployment.toml"]);
    ended.assert_refused(&[&port.to_string(), "in use"]);
    assert_eq!(names_in(dir.path()), ["deployment.toml"], "{ended:?}");
}
