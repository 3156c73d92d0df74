//! Supervision of real processes; small shell commands stand in for nodes.
#![expect(clippy::unwrap_used, reason = "a test says what went wrong by failing there")]

use std::{
    process::Command,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use retake_bus::StopFlag;
use retake_launch::{Ending, LaunchFile, NodeExit, RestartPolicy, Supervisor};

type Lines = Arc<Mutex<Vec<(String, String)>>>;

const FILE: &str = r#"
[deployment]
robot = "arm_1"
task = "t"
[node.recorder]
kind = "recorder"
dir = "d"
[node.sim]
kind = "sim"
[node.camera]
kind = "camera"
[node.arbiter]
kind = "intervention"
"#;
/// Runs until SIGTERM, says so, and leaves cleanly.
const GOOD: &str = "trap 'echo leaving; exit 0' TERM; echo ready; while :; do sleep 0.02; done";

/// Runs the deployment with a script per node, stops it when `enough` says so, and returns exits and lines.
fn run(
    script: fn(&str) -> &'static str,
    enough: impl Fn(&[(String, String)]) -> bool,
) -> (Vec<NodeExit>, Vec<(String, String)>) {
    let lines = Lines::default();
    let sink = Arc::clone(&lines);
    let mut supervisor = Supervisor::new("unused".into(), "unused".into(), move |name, line| {
        sink.lock().unwrap().push((name.to_owned(), line.to_owned()));
    });
    supervisor.command = Box::new(move |name| {
        let mut command = Command::new("sh");
        command.args(["-c", script(name)]);
        command
    });
    supervisor.patience = Duration::from_secs(2);
    supervisor.restarts =
        RestartPolicy { attempts: 2, first_pause: Duration::from_millis(20), ..RestartPolicy::default() };
    let file = LaunchFile::parse("x", FILE).unwrap();
    let stop = StopFlag::default();
    let runs = stop.clone();
    let thread = std::thread::spawn(move || supervisor.run(&file, &runs));
    let (_sender, pause) = mpsc::sync_channel::<()>(0);
    for _ in 0..4000 {
        if thread.is_finished() || enough(&lines.lock().unwrap()) {
            break;
        }
        let _ = pause.recv_timeout(Duration::from_millis(5));
    }
    stop.set();
    let exits = thread.join().unwrap();
    // The relaying threads may still be a line behind.
    let _ = pause.recv_timeout(Duration::from_millis(200));
    (exits, Arc::into_inner(lines).map_or_else(Vec::new, |lines| lines.into_inner().unwrap()))
}

fn ending(exits: &[NodeExit], name: &str) -> Ending {
    exits.iter().find(|exit| exit.name == name).unwrap().ending
}

fn count(lines: &[(String, String)], text: &str) -> usize {
    lines.iter().filter(|(_, line)| line.contains(text)).count()
}

#[test]
fn all_are_stopped_in_order_and_the_recorder_last() {
    let (exits, lines) = run(|_| GOOD, |lines| count(lines, "ready") == 4);
    assert!(exits.iter().all(|exit| exit.ending == Ending::Stopped), "{exits:?}");
    let left: Vec<_> =
        lines.iter().filter(|(_, line)| line == "leaving").map(|(name, _)| name.as_str()).collect();
    assert_eq!((left.first(), left.last(), left.len()), (Some(&"arbiter"), Some(&"recorder"), 4), "{left:?}");
}

#[test]
fn a_deaf_node_is_killed_with_its_children() {
    let script =
        |name: &str| if name == "sim" { "trap '' TERM; echo ready; sleep 3600 & wait; wait" } else { GOOD };
    let (exits, _) = run(script, |lines| count(lines, "ready") == 4);
    assert_eq!(ending(&exits, "sim"), Ending::Killed);
    assert_eq!(ending(&exits, "recorder"), Ending::Stopped);
}

#[test]
fn an_arbiter_that_crashes_ends_the_deployment_at_once() {
    let script = |name: &str| if name == "arbiter" { "echo dying >&2; exit 3" } else { GOOD };
    let (exits, lines) = run(script, |_| false);
    let arbiter = exits.iter().find(|exit| exit.name == "arbiter").unwrap();
    assert_eq!((arbiter.ending, arbiter.restarts), (Ending::Crashed, 0));
    assert_eq!(arbiter.to_string(), "arbiter: crashed (exit status: 3)");
    assert_eq!(ending(&exits, "recorder"), Ending::Stopped);
    assert!(lines.contains(&("arbiter".into(), "dying".into())), "stderr carries the node's name");
}

#[test]
fn a_recorder_that_lost_something_stopped_all_the_same() {
    const LOSSY: &str = "trap 'exit 3' TERM; echo ready; while true; do sleep 0.05; done";
    let script = |name: &str| if name == "recorder" { LOSSY } else { GOOD };
    let (exits, _) = run(script, |lines| count(lines, "ready") == 4);
    assert_eq!(ending(&exits, "recorder"), Ending::StoppedWithLoss);
    assert_eq!(ending(&exits, "sim"), Ending::Stopped);
}

#[test]
fn a_camera_is_started_again_and_then_done_without() {
    let script = |name: &str| if name == "camera" { "kill -9 $$" } else { GOOD };
    let (exits, lines) = run(script, |lines| count(lines, "is not started again") == 1);
    let camera = exits.iter().find(|exit| exit.name == "camera").unwrap();
    assert_eq!((camera.ending, camera.restarts), (Ending::Crashed, 2), "{lines:?}");
    assert_eq!(count(&lines, "starting again in"), 2);
    assert_eq!(ending(&exits, "sim"), Ending::Stopped, "the others went on until they were stopped");
}

#[test]
fn a_clean_exit_that_nobody_asked_for_finishes_the_deployment() {
    let script = |name: &str| if name == "arbiter" { "exit 0" } else { GOOD };
    let (exits, _) = run(script, |_| false);
    assert_eq!(ending(&exits, "arbiter"), Ending::Finished);
    assert!(
        exits.iter().filter(|exit| exit.name != "arbiter").all(|exit| exit.ending == Ending::Stopped),
        "{exits:?}"
    );
}

#[test]
fn a_program_that_does_not_exist_is_an_answer_not_a_panic() {
    let said = Lines::default();
    let sink = Arc::clone(&said);
    let supervisor = Supervisor::new("/nowhere/retake".into(), "x".into(), move |name, line| {
        sink.lock().unwrap().push((name.to_owned(), line.to_owned()));
    });
    let exits = supervisor.run(&LaunchFile::parse("x", FILE).unwrap(), &StopFlag::default());
    assert!(exits.iter().all(|exit| exit.ending == Ending::NotStarted));
    assert!(said.lock().unwrap().iter().all(|(_, line)| line.contains("check that the program exists")));
}

#[test]
fn a_line_without_end_arrives_in_pieces() {
    let script = |name: &str| {
        if name == "camera" {
            "head -c 100000 /dev/zero | tr '\\0' x; echo; echo ready; sleep 99"
        } else {
            GOOD
        }
    };
    let (_, lines) = run(script, |lines| count(lines, "ready") == 4);
    let pieces: Vec<usize> =
        lines.iter().filter(|(_, line)| line.starts_with('x')).map(|(_, line)| line.len()).collect();
    assert_eq!(pieces.iter().sum::<usize>(), 100_000);
    assert!(pieces.iter().all(|length| *length <= 16_384));
}
