//! `kill -9` while something is recorded: what was acknowledged is there, and the next recording repairs the last.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use retake_bus::{Bus, Clock, Endpoints, RawSubscription};
use retake_launch::LaunchFile;
use retake_wire::{Message, Topic, pb::Watermark};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    deployment::{Launched, Plan, free_ports},
    process::{Running, alone, names_in, retake, wait_for},
    story::{assert_whole, recording_in, ticks, told},
};

/// All ticks from the first to `last` are in the recording.
#[track_caller]
fn assert_complete_up_to(recording: &Path, last: u64) {
    let found: Vec<u64> = ticks(recording).iter().map(|tick| tick.tick).collect();
    let first = *found.first().unwrap();
    assert!(first < 20, "the first tick is {first}");
    assert!(found.len() as u64 > last - first, "{} ticks, acknowledged up to {last}", found.len());
    assert!(
        found.iter().zip(first..).all(|(tick, expected)| *tick == expected),
        "ticks are missing in {found:?}"
    );
}

#[test]
fn a_killed_demo_leaves_all_acknowledged_ticks_and_is_repaired_by_the_next() {
    let _alone = alone();
    let dir = TempDir::new().unwrap();
    let mut demo =
        vec!["demo", "--task", "nut-on-peg", "--policy", "expert", "--operator", "scripted:supervisor"];
    demo.extend(["--episodes", "50", "--view", "none", "--no-cameras", "--record", "rec"]);
    let mut running = Running::start(dir.path(), &demo);
    let rec = dir.path().join("rec");
    let recording = wait_for("a recording", || recording_in(&rec));
    let watermark = wait_for("a watermark", || {
        assert!(!running.has_ended(), "{}", running.err());
        let info = told(&recording).info;
        assert_eq!(info.state, "being recorded");
        info.last_watermark.filter(|(_, tick)| *tick > 80)
    });
    running.signal(Signal::KILL);
    assert!(!running.end().status.success());

    let path = recording.to_str().unwrap();
    let shown = retake(dir.path(), &["log", "show", "--json", path]).json();
    assert_eq!(shown["info"]["state"], "cut off");
    assert_eq!(shown["episodes"][0]["ended"], false, "the episode goes as far as its ticks");
    assert_complete_up_to(&recording, watermark.1);
    let before = told(&recording).info;

    let mut next = vec!["demo", "--task", "lift", "--policy", "expert", "--operator", "none"];
    next.extend(["--seconds", "1", "--view", "none", "--no-cameras", "--record", "rec"]);
    let next = retake(dir.path(), &next);
    assert!(next.status.success(), "{next:?}");
    let name = recording.file_name().unwrap().to_str().unwrap();
    assert!(next.err.lines().any(|line| line.contains("repaired") && line.contains(name)), "{next:?}");
    let after = told(&recording).info;
    assert_eq!((after.state.as_str(), after.ticks), ("recovered", before.ticks));
    assert!(after.integrity.is_whole() && after.files.iter().all(|file| file.complete), "{after:?}");
    assert_complete_up_to(&recording, watermark.1);
    assert_eq!(names_in(&rec).len(), 2);
}

#[test]
fn a_repair_in_lockstep_is_told_as_well() {
    let dir = TempDir::new().unwrap();
    let mut demo =
        vec!["demo", "--lockstep", "--policy", "expert", "--operator", "none", "--episodes", "100000"];
    demo.extend(["--no-cameras", "--record", "rec"]);
    let running = Running::start(dir.path(), &demo);
    let recording = wait_for("a recording", || recording_in(&dir.path().join("rec")));
    wait_for("recorded ticks", || (told(&recording).info.ticks > 0).then_some(()));
    running.signal(Signal::KILL);
    assert!(!running.end().status.success());
    let next = [
        "demo",
        "--lockstep",
        "--operator",
        "none",
        "--seconds",
        "1",
        "--no-cameras",
        "--record",
        "rec",
        "--json",
    ];
    let next = retake(dir.path(), &next);
    assert!(next.err.contains("repaired"), "{next:?}");
    assert_eq!(told(&recording).info.state, "recovered");
}

/// The last watermark that a deployment published, heard as any other node hears it.
struct Witness {
    heard: Arc<Mutex<Option<Watermark>>>,
    _subscription: RawSubscription,
    _bus: Bus,
}

impl Witness {
    fn of(launch_file: &Path) -> Self {
        let file = LaunchFile::read(launch_file).unwrap();
        let endpoints = Endpoints {
            listen: vec![format!("tcp/127.0.0.1:{}", free_ports())],
            connect: file.nodes.iter().map(|node| format!("tcp/127.0.0.1:{}", node.port)).collect(),
            tls: None,
        };
        let bus = Bus::open("witness", &file.robot, &endpoints).unwrap();
        let heard = Arc::new(Mutex::new(None));
        let last = Arc::clone(&heard);
        let subscription = bus
            .subscribe_raw("recorder/watermark", Clock::System, move |_, bytes, _| {
                if let Ok(Message::Watermark(watermark)) = Message::decode(Topic::Watermark, bytes) {
                    *last.lock().unwrap() = Some(watermark);
                }
            })
            .unwrap();
        Self { heard, _subscription: subscription, _bus: bus }
    }

    fn last(&self) -> Option<Watermark> {
        self.heard.lock().unwrap().clone()
    }
}

#[test]
fn a_killed_recorder_keeps_what_it_published_and_comes_back_to_a_new_recording() {
    let _alone = alone();
    let plan = Plan { task: "nut-on-peg", policy: "expert", operator: "scripted:supervisor", episodes: None };
    let mut launched = Launched::start(&plan);
    let witness = Witness::of(&launched.launch_file());
    let first = wait_for("published watermarks", || witness.last().filter(|mark| mark.tick > 80));
    launched.kill("recorder");
    let again =
        wait_for("the next recording", || witness.last().filter(|mark| mark.session != first.session));
    // The last one of the first session: it was the newest when the recorder died.
    let recordings = launched.recordings();
    let names = names_in(&recordings);
    assert_eq!(names.len(), 2, "{names:?}");
    let cut = recordings.join(&names[0]);
    assert!(again.recording && again.path.ends_with(&names[1]), "{again:?}");
    assert_eq!(told(&cut).info.state, "recovered");
    assert_complete_up_to(&cut, first.tick);
    launched.signal(Signal::INT);
    let (ended, dir) = launched.end();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.err.contains("[recorder] crashed"), "{ended:?}");
    assert_whole(&told(&dir.path().join("recordings").join(&names[1])).info);
}
