//! The node put back to where it was: everything, exactly, or nothing.

use retake_kinematics::Chain;
use retake_node::{Node, Outbox};
use retake_tasks::{Expert, Scene, Task};
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Applied, Command, GroupValues, Header, Notice, Observation, Outcome, Reset, SimState},
};

use crate::{CONTROL_HZ, SNAPSHOT_LIMIT, SimNode, Snapshot, StartState, World, descriptor};

const PERIOD_NANOS: u64 = 20_000_000;
const CHUNK: usize = 8;

/// Where the robot is sent in one period.
type Target = (Vec<f64>, f64);

/// A node, and somebody who commands it each period.
struct Bench {
    node: SimNode,
    expert: Expert,
    chain: Chain,
    now: MonoTime,
    seq: u64,
    resets: u64,
    observations: Vec<Observation>,
    /// What was commanded after each observation.
    targets: Vec<Target>,
    plan: Vec<Target>,
    applied: Option<Applied>,
    states: Vec<SimState>,
    notices: Vec<Notice>,
}

impl Bench {
    fn new(task: &str, states: &[StartState]) -> Self {
        let task = Task::by_name(task).unwrap();
        let descriptor = descriptor("arm", &task, CONTROL_HZ).unwrap();
        let node = SimNode::new(descriptor, &task, states, 1, MonoTime::ZERO).unwrap();
        let chain = World::new(&task, 0).unwrap().model().chain("tool").unwrap();
        Self {
            node,
            expert: Expert::new(&task),
            chain,
            now: MonoTime::ZERO,
            seq: 0,
            resets: 0,
            observations: Vec::new(),
            targets: Vec::new(),
            plan: Vec::new(),
            applied: None,
            states: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// A bench whose robot has been at the task for so many periods.
    fn at_work(task: &str, periods: usize) -> Self {
        let mut bench = Self::new(task, &[]);
        bench.ask(Reset { seed: 3, ..Reset::default() });
        bench.work(periods);
        bench
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the node has declared no others")]
    fn hear(&mut self, mut out: Outbox) {
        for message in out.drain() {
            match message {
                Message::Observation(observation) => self.observations.push(observation),
                Message::Applied(applied) => self.applied = Some(applied),
                Message::SimState(state) => self.states.push(state),
                Message::Notice(notice) => self.notices.push(notice),
                Message::Descriptor(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn say(&mut self, message: impl Into<Message>) {
        let mut out = Outbox::default();
        self.node.receive(self.now, &message.into(), &mut out);
        self.hear(out);
    }

    /// Asks with the next number.
    fn ask(&mut self, reset: Reset) {
        self.resets += 1;
        self.say(Reset { resets: self.resets, ..reset });
    }

    fn pass(&mut self) -> Observation {
        self.now = MonoTime::from_nanos(self.now.nanos() + PERIOD_NANOS);
        let mut out = Outbox::default();
        self.node.wake(self.now, &mut out);
        self.hear(out);
        self.observations.last().unwrap().clone()
    }

    /// Says the next command, which must be applied.
    fn command(&mut self, command: Command) {
        self.seq += 1;
        let driver_beacon = self.observations.last().map_or(0, |seen| seen.driver_beacon);
        let header = Header { epoch: 1, seq: self.seq, session: 7, ..Header::default() };
        self.say(Command { header: Some(header), driver_beacon, ..command });
        assert_eq!(self.applied.clone().unwrap().outcome(), Outcome::Applied);
    }

    /// Commands, and lets a period pass.
    fn go(&mut self, (q, width): &Target) -> Observation {
        if self.seq == 0 {
            self.command(Command { stop: true, ..Command::default() });
        }
        let position = vec![GroupValues { values: q.clone() }, GroupValues { values: vec![*width] }];
        self.command(Command { position, ..Command::default() });
        self.targets.push((q.clone(), *width));
        self.pass()
    }

    fn seq(&self) -> u64 {
        self.observations.last().and_then(|seen| seen.header).unwrap().seq
    }

    /// Lets the expert command for so many periods.
    fn work(&mut self, periods: usize) {
        if self.observations.is_empty() {
            self.pass();
            self.targets.push((Vec::new(), 0.0));
        }
        for _ in 0..periods {
            if self.plan.is_empty() {
                let seen = self.observations.last().unwrap();
                let scene = Scene::observed(self.expert.task(), seen).unwrap();
                let start = self.node.world.command();
                let plan = self.expert.plan(&scene, &start, &self.chain, CHUNK, 0.02);
                self.plan = plan.into_iter().rev().map(|step| (step.q, step.width)).collect();
            }
            let (q, width) = self.plan.pop().unwrap();
            // No faster than the gate lets the gripper move.
            let from = self.node.world.width_command();
            let width = from + (width.clamp(0.0, 0.08) - from).clamp(-0.005, 0.005);
            self.go(&(q, width));
        }
    }

    fn until_success(&mut self) {
        while !self.observations.last().is_some_and(|seen| seen.success) {
            assert!(self.observations.len() < 2000);
            self.work(1);
        }
    }
}

/// All that the world has a part in.
fn shown(observation: &Observation) -> Vec<u8> {
    let bare =
        Observation { header: None, captured_nanos: 0, driver_beacon: 0, resets: 0, ..observation.clone() };
    Message::from(bare).encode()
}

/// From the reach, from the middle of carrying, and while success is not yet old enough to count.
#[test]
fn put_back_the_same_commands_give_the_same_observations_to_the_bit() {
    for task in ["lift", "nut-on-peg"] {
        let mut bench = Bench::at_work(task, 1);
        bench.until_success();
        bench.work(30);
        let (first, targets) = (bench.observations.clone(), bench.targets.clone());
        let success = first.iter().position(|seen| seen.success).unwrap() as u64 + 1;
        // The first observation has number 1 and the first snapshot is of it.
        for back in [success - 20, success / 2, 20, 1] {
            let seq = (back - 1) / 10 * 10 + 1;
            bench.ask(Reset { restore_seq: seq + 4, ..Reset::default() });
            let index = usize::try_from(seq).unwrap();
            for (target, before) in targets[index..].iter().zip(&first[index..]) {
                let again = bench.go(target);
                assert_eq!(shown(&again), shown(before), "{task}: back at {seq}, then {:?}", before.header);
                assert_eq!(again.resets, bench.resets);
            }
        }
        assert_eq!(bench.notices, []);
    }
}

#[test]
fn what_was_held_is_held_and_the_commander_is_told_from_where() {
    let mut bench = Bench::at_work("nut-on-peg", 160);
    let held = bench.observations.last().unwrap().clone();
    assert!(held.grip_force > 20.0 && held.objects[0].z > 0.05, "{held:?}");
    let seq = bench.seq();
    bench.work(150);
    bench.ask(Reset { restore_seq: seq, ..Reset::default() });
    let applied = bench.applied.clone().unwrap();
    let width = applied.position[1].values[0];
    assert!(
        width < held.position[1].values[0] - 0.005,
        "commanded shut, not as wide as what it holds: {width}"
    );
    let rest = (applied.position[0].values.clone(), width);
    for _ in 0..100 {
        bench.go(&rest);
    }
    let after = bench.observations.last().unwrap();
    assert!(after.grip_force > 20.0, "{}", after.grip_force);
    assert!((after.objects[0].z - held.objects[0].z).abs() < 0.02, "{:?}", after.objects[0]);
}

#[test]
fn what_is_not_remembered_is_refused_in_words_and_changes_nothing() {
    let mut bench = Bench::at_work("lift", 60);
    let before = bench.node.world.digest();
    let (seq, resets) = (bench.seq(), bench.node.resets);
    for (reset, words) in [
        (Reset { restore_seq: seq + 1, ..Reset::default() }, vec![format!("{}", seq + 1), format!("{seq}")]),
        (Reset { start_state: "nowhere".into(), ..Reset::default() }, vec!["nowhere".into(), "none".into()]),
        (Reset { save_as: "../x".into(), ..Reset::default() }, vec!["../x".into(), "letters".into()]),
    ] {
        bench.ask(reset.clone());
        let asked = bench.resets;
        bench.say(Reset { resets: asked, ..reset });
        let notice = bench.notices.pop().unwrap();
        assert!(words.iter().all(|word| notice.text.contains(word)), "{notice:?}");
        assert_eq!((bench.node.world.digest(), bench.node.resets), (before, resets));
    }
    assert_eq!(
        bench.notices.len(),
        1,
        "a request that is repeated is refused in words once: {:?}",
        bench.notices
    );
    bench.node.past = crate::past::Past::new(100_000);
    bench.work(100);
    let oldest = bench.node.past.oldest().unwrap();
    let before = bench.node.world.digest();
    bench.ask(Reset { restore_seq: oldest - 1, ..Reset::default() });
    let notice = bench.notices.pop().unwrap();
    assert!(notice.text.contains(&format!("{oldest} to {}", bench.seq())), "{notice:?}");
    assert_eq!(bench.node.world.digest(), before);
}

/// Going back is possible only within what one scene led to: the first observation of each scene is kept.
#[test]
fn an_observation_of_the_scene_before_is_still_there_and_not_taken_for_this_one() {
    let mut bench = Bench::at_work("lift", 34);
    let (old, before) = (bench.seq(), shown(bench.observations.last().unwrap()));
    bench.ask(Reset { seed: 9, ..Reset::default() });
    let fresh = shown(&bench.pass());
    bench.ask(Reset { restore_seq: old + 1, ..Reset::default() });
    let snapshot = bench.node.world.snapshot().unwrap();
    assert_eq!(bench.node.past.at(old + 1), Some(&snapshot), "the first of the new scene");
    assert_ne!(before, fresh);
    bench.ask(Reset { restore_seq: old, ..Reset::default() });
    assert_eq!(bench.node.past.at(old - 3), Some(&bench.node.world.snapshot().unwrap()));
    assert_eq!(bench.notices, []);
}

#[test]
fn a_state_that_was_saved_can_be_started_in_here_and_elsewhere() {
    let mut bench = Bench::at_work("nut-on-peg", 160);
    let resets = bench.node.resets;
    bench.states.clear();
    bench.say(Reset { save_as: "held".into(), ..Reset::default() });
    let saved = bench.states.pop().unwrap();
    assert_eq!((saved.name.as_str(), saved.observation_seq, saved.resets), ("held", bench.seq(), resets));
    assert_eq!((saved.task.as_str(), bench.node.resets), ("nut-on-peg", resets));
    let digest = bench.node.world.digest();
    bench.work(100);
    bench.ask(Reset { start_state: "held".into(), ..Reset::default() });
    assert_eq!((bench.node.world.digest(), bench.node.resets), (digest, bench.resets));

    let snapshot = Snapshot::from_bytes(&saved.state).unwrap();
    let state = StartState { name: "as-there".into(), snapshot };
    let mut other = Bench::new("nut-on-peg", std::slice::from_ref(&state));
    other.ask(Reset { start_state: "as-there".into(), ..Reset::default() });
    assert_eq!(other.node.world.digest(), digest);

    let task = Task::by_name("lift").unwrap();
    let descriptor = descriptor("arm", &task, CONTROL_HZ).unwrap();
    let refused = SimNode::new(descriptor, &task, &[state], 1, MonoTime::ZERO).unwrap_err().to_string();
    for word in ["as-there", "nut-on-peg", "lift"] {
        assert!(refused.contains(word), "{refused}");
    }
}

#[test]
fn a_state_is_published_at_each_start_and_then_each_second() {
    let mut bench = Bench::at_work("lift", 500);
    let seqs: Vec<u64> = bench.states.iter().map(|state| state.observation_seq).collect();
    assert_eq!(seqs, (0..=10).map(|second| 1 + 50 * second).collect::<Vec<_>>());
    bench.states.clear();
    bench.ask(Reset { restore_seq: 100, ..Reset::default() });
    bench.pass();
    assert_eq!(bench.states.len(), 0, "nobody goes on from it yet");
    let from = bench.seq();
    let target = bench.targets[100].clone();
    bench.go(&target);
    assert_eq!(bench.states.len(), 1);
    assert_eq!((bench.states[0].observation_seq, bench.states[0].resets), (from, bench.resets));
}

#[test]
fn a_hundred_times_back_costs_no_more_than_once() {
    let mut bench = Bench::at_work("nut-on-peg", 161);
    let size = bench.node.world.snapshot().unwrap().as_bytes().len();
    let back = shown(&bench.observations[151]);
    for _ in 0..100 {
        bench.ask(Reset { restore_seq: 151, ..Reset::default() });
        let target = bench.targets[151].clone();
        assert_eq!(shown(&bench.go(&target)), back);
        bench.plan.clear();
        bench.work(5);
    }
    let now = bench.node.world.snapshot().unwrap().as_bytes().len();
    assert!(now < size + size / 4 && now < SNAPSHOT_LIMIT / 16, "{size} bytes became {now}");
    assert_eq!(bench.notices, []);
}
