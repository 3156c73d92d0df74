//! `retake suggest`: the last state from which the policy still succeeds.

use std::path::Path;

use retake_log::{Anchor, Entry, LocalDisk, RecordingWriter, WriterConfig};
use retake_sim::{CONTROL_HZ, World, descriptor};
use retake_tasks::{Expert, Phase as Step, Task};
use retake_units::{MonoTime, WallTime};
use retake_wire::{
    Message,
    pb::{EpisodeRecord, GroupTick, Owner, Phase, SimState, TickRecord, Verdict, Workspace},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::process::retake;

const PERIOD: f64 = 0.02;
const PERIOD_NANOS: u64 = 20_000_000;
/// Ticks from one recorded state to the next.
const SPACING: u64 = 25;

/// An attempt that is recorded tick by tick.
struct Attempt {
    world: World,
    writer: RecordingWriter,
    tick: u64,
}

impl Attempt {
    fn new(dir: &Path, task: &Task) -> Self {
        let anchor = Anchor::new(MonoTime::ZERO, WallTime::from_nanos(1_795_442_702_000_000_000));
        let config = WriterConfig::new(dir.to_owned(), "rec".into(), "arm".parse().unwrap(), 7, anchor);
        let writer = RecordingWriter::create(config, Box::new(LocalDisk)).unwrap();
        let mut attempt = Self { world: World::new(task, 3).unwrap(), writer, tick: 0 };
        let mut robot = descriptor("arm", task, CONTROL_HZ).unwrap();
        // So that the robot may go beyond the table, and come back.
        robot.workspace =
            Some(Workspace { min_x: -1.0, min_y: -1.0, max_y: 1.0, ..robot.workspace.unwrap() });
        attempt.write(robot);
        attempt
    }

    fn now(&self) -> MonoTime {
        MonoTime::from_nanos(self.tick * PERIOD_NANOS)
    }

    fn write(&mut self, message: impl Into<Message>) {
        let entry = Entry::new(&message.into(), self.now());
        self.writer.append(&entry).unwrap();
    }

    fn tick(&mut self, phase: Phase) {
        self.tick += 1;
        if self.tick % SPACING == 1 {
            let state = self.world.snapshot().unwrap().as_bytes().to_vec();
            let task = self.world.task().name.clone();
            self.write(SimState {
                observation_seq: self.tick,
                resets: 1,
                task,
                state,
                ..SimState::default()
            });
        }
        let group = GroupTick { owner: Owner::Policy.into(), ..GroupTick::default() };
        self.write(TickRecord {
            tick: self.tick,
            at_nanos: self.now().wire_nanos(),
            episode: 1,
            phase: phase.into(),
            groups: vec![group],
            observation_seq: self.tick,
            policy_version: "expert-1".into(),
            ..TickRecord::default()
        });
    }

    fn go(&mut self, q: &[f64], width: f64) {
        self.world.set_command(q, width).unwrap();
        self.world.step(PERIOD).unwrap();
        self.tick(Phase::Running);
    }

    fn close(mut self) {
        self.tick(Phase::Ended);
        self.write(EpisodeRecord {
            episode: 1,
            phase: Phase::Ended.into(),
            verdict: Verdict::Failure.into(),
            ..EpisodeRecord::default()
        });
        self.writer.commit(self.now()).unwrap();
        self.writer.close().unwrap();
    }
}

/// The nut is taken, swung out beside the table, and let go there. It can be brought back until the hand opens, and not from the
/// floor. Returns the tick at which the hand begins to open.
fn let_fall(dir: &Path) -> u64 {
    let task = Task::by_name("nut-on-peg").unwrap();
    let (expert, mut attempt) = (Expert::new(&task), Attempt::new(dir, &task));
    let chain = attempt.world.model().chain("tool").unwrap();
    attempt.tick(Phase::Running);
    while expert.goal(&attempt.world.scene()).phase != Step::Carry {
        assert!(attempt.tick < 1000);
        for step in expert.plan(&attempt.world.scene(), &attempt.world.command(), &chain, 8, PERIOD) {
            attempt.go(&step.q, step.width);
        }
    }
    let mut q = attempt.world.command();
    while q[0] < 1.5 {
        q[0] += 0.015;
        attempt.go(&q, 0.0);
    }
    for _ in 0..40 {
        attempt.go(&q, 0.0);
    }
    let opened = attempt.tick;
    for _ in 0..200 {
        attempt.go(&q, 0.08);
    }
    assert!(attempt.world.state().objects[0].translation.z < -0.5, "it is on the floor");
    attempt.close();
    opened
}

#[test]
fn the_point_of_no_return_is_found_within_the_spacing_of_the_states() {
    let dir = TempDir::new().unwrap();
    let opened = let_fall(dir.path());
    let ended = retake(dir.path(), &["suggest", "rec", "--episode", "1", "--rollouts", "2", "--json"]);
    let answer = ended.json();
    let target = answer["rewind_to"]["tick"].as_u64().unwrap();
    assert!(target <= opened && target + SPACING > opened, "it opened at {opened}: {answer}");
    assert_eq!((&answer["monotone"], &answer["verdict"]), (&Value::from(true), &Value::from("failure")));
    assert_eq!((&answer["end"], &answer["policy"]), (&Value::from("end"), &Value::from("expert-1")));
    let probes = answer["probes"].as_array().unwrap();
    for probe in probes {
        let (tick, successes) = (probe["tick"].as_u64().unwrap(), probe["successes"].as_u64().unwrap());
        assert_eq!(successes, if tick <= opened { 2 } else { 0 }, "{answer}");
    }
    assert!((4..=12).contains(&probes.len()), "{answer}");

    let ended = retake(dir.path(), &["suggest", "rec", "--episode", "1", "--rollouts", "1"]);
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.out.contains(&format!("rewind to tick {target}, ")), "{ended:?}");
    assert!(ended.out.contains("before the end") && !ended.out.contains("warning"), "{ended:?}");

    let nan =
        ["suggest", "rec", "--episode", "1", "--rollouts", "1", "--policy", "expert:bias=0.2", "--json"];
    let answer = retake(dir.path(), &nan).json();
    assert_eq!((&answer["rewind_to"], &answer["policy"]), (&Value::Null, &Value::from("expert-1+bias")));
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let dir = TempDir::new().unwrap();
    let demo = [
        "demo",
        "--lockstep",
        "--json",
        "--no-cameras",
        "--operator",
        "none",
        "--policy",
        "expert",
        "--task",
        "lift",
        "--episodes",
        "1",
        "--record",
        "rec",
    ];
    let recording = retake(dir.path(), &demo).json()["recording"].as_str().unwrap().to_owned();
    for (arguments, words) in [
        (&["suggest", &recording, "--episode", "1"][..], &["episode 1", "succeeded"][..]),
        (&["suggest", &recording, "--episode", "7"], &["no episode 7"]),
        (&["suggest", &recording], &["--episode"]),
        (&["suggest", &recording, "--episode", "1", "--rollouts", "0"], &["rollouts", "0"]),
        (&["suggest", "missing", "--episode", "1"], &["missing"]),
    ] {
        retake(dir.path(), arguments).assert_refused(words);
    }
}
