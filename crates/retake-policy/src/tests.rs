//! A trained policy as a node: what it serves, what it refuses, and when it changes.

use std::{ops::ControlFlow, path::Path};

use retake_features::Actions;
use retake_learn::{Keep, Network, Samples, Shape, Start, TrainConfig, train};
use retake_node::{Node, Outbox};
use retake_sim::{CONTROL_HZ, descriptor};
use retake_tasks::Task;
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Beacon, GroupValues, Header, Notice, Observation, Pose, Proposal, RobotDescriptor},
};

use crate::{LearntPolicy, Store, StoreError, about};

fn robot() -> RobotDescriptor {
    descriptor("arm", &Task::by_name("lift").unwrap(), CONTROL_HZ).unwrap()
}

/// A checkpoint whose policy always moves the tool with this speed along x.
fn checkpoint(dir: &Path, robot: &RobotDescriptor, network: Network, speed: f32) {
    let (actions, features) = Actions::new(robot).unwrap();
    let shape = Shape { observations: features.width(), groups: actions.sizes().to_vec() };
    let count = 8;
    let action = [&[speed, 0.0, 0.0, 0.0, 0.0, 0.0][..], &[0.0]].concat();
    let samples = Samples::new(
        shape.clone(),
        vec![0.0; count * shape.observations],
        action.repeat(count),
        vec![1.0; count * shape.groups.len()],
        vec![0; count],
    );
    let config =
        TrainConfig { network, steps: 400, learning_rate: 1e-2, validation: 0.0, ..TrainConfig::default() };
    let trained =
        train(&samples.unwrap(), &config, Start::Scratch, &mut |_| ControlFlow::Continue(())).unwrap();
    trained.save(dir, &about(robot).unwrap(), Keep::Policy).unwrap();
}

fn mixture() -> Network {
    Network::Mixture { hidden: vec![4], modes: 1, min_std: 1e-4 }
}

fn home() -> Vec<GroupValues> {
    let home = Task::by_name("lift").unwrap().home;
    vec![GroupValues { values: home.joints }, GroupValues { values: vec![home.width] }]
}

fn observation(seq: u64, resets: u64) -> Observation {
    let pose = Pose { x: 0.5, z: 0.3, qw: 1.0, ..Pose::default() };
    Observation {
        header: Some(Header { seq, ..Header::default() }),
        captured_nanos: i64::try_from(seq).unwrap() * 20_000_000,
        position: home(),
        tool: Some(pose),
        objects: vec![pose],
        resets,
        ..Observation::default()
    }
}

/// A node and what it said last.
struct Bench {
    node: LearntPolicy,
    seq: u64,
}

impl Bench {
    fn new(dir: &Path) -> Self {
        let mut bench = Self { node: LearntPolicy::new(dir, 7, MonoTime::ZERO), seq: 0 };
        bench.hear(Beacon { nonce: 5, epoch: 3, ..Beacon::default() }.into());
        bench
    }

    fn hear(&mut self, message: Message) -> (Vec<Proposal>, Vec<Notice>) {
        let mut out = Outbox::default();
        self.node.receive(MonoTime::ZERO, &message, &mut out);
        let (mut proposals, mut notices) = (Vec::new(), Vec::new());
        for said in out.drain() {
            if let Message::Proposal(proposal) = said {
                proposals.push(proposal);
            } else if let Message::Notice(notice) = said {
                notices.push(notice);
            }
        }
        (proposals, notices)
    }

    /// Steps until the next proposal, at most twenty.
    fn proposal(&mut self, resets: u64) -> (Option<Proposal>, Vec<Notice>) {
        let mut told = Vec::new();
        for _ in 0..20 {
            self.seq += 1;
            let (proposals, notices) = self.hear(observation(self.seq, resets).into());
            told.extend(notices);
            if let Some(proposal) = proposals.into_iter().next() {
                return (Some(proposal), told);
            }
        }
        (None, told)
    }
}

fn codes(notices: &[Notice]) -> Vec<&str> {
    notices.iter().map(|notice| notice.code.as_str()).collect()
}

#[test]
fn it_answers_with_a_way_that_begins_where_the_command_is() {
    for (network, steps) in
        [(mixture(), 12), (Network::Chunk { hidden: vec![4], horizon: 6, integration: 2 }, 6)]
    {
        let dir = tempfile::tempdir().unwrap();
        let (path, robot) = (dir.path().join("v1"), robot());
        checkpoint(&path, &robot, network, 0.1);
        let mut bench = Bench::new(&path);
        assert_eq!(bench.hear(robot.clone().into()), (vec![], vec![]));
        let proposal = bench.proposal(1).0.unwrap();
        assert_eq!(proposal.steps.len(), steps);
        assert_eq!(
            proposal.header.map(|header| (header.epoch, header.beacon, header.session)),
            Some((3, 5, 7))
        );
        assert_eq!((proposal.observation_seq, proposal.period_nanos), (bench.seq, 20_000_000));
        assert!(proposal.version.starts_with("v1-"), "{}", proposal.version);
        let (actions, _) = Actions::new(&robot).unwrap();
        // All it has ever seen.
        let first = actions.between(&home(), &proposal.steps[0].groups, actions.period()).unwrap();
        assert!((first[0] - 0.1).abs() < 0.03 && first[1].abs() < 0.03, "{first:?}");
    }
}

#[test]
fn it_changes_between_episodes_and_keeps_what_it_has_when_the_new_one_is_no_use() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, robot) = (dir.path(), robot());
    let other = descriptor("arm", &Task::by_name("nut-on-peg").unwrap(), CONTROL_HZ).unwrap();
    for (name, robot) in [("a", &robot), ("b", &robot), ("other", &other)] {
        checkpoint(&dir.join(name), robot, mixture(), 0.1);
    }
    let store = Store::at(dir);
    let mut bench = Bench::new(dir);
    let (_, notices) = bench.hear(robot.clone().into());
    assert_eq!(codes(&notices), ["policy_not_announced"]);
    assert_eq!(bench.proposal(1).0, None);

    store.announce("a").unwrap();
    let serves = |bench: &mut Bench, resets: u64, name: &str, told: &[&str]| {
        let (proposal, notices) = bench.proposal(resets);
        let version = proposal.unwrap().version;
        assert!(version.starts_with(&format!("{name}-")), "{version} instead of {name}");
        assert_eq!(codes(&notices), told);
    };
    serves(&mut bench, 2, "a", &[]);
    store.announce("b").unwrap();
    serves(&mut bench, 2, "a", &[]);
    serves(&mut bench, 3, "b", &["policy_changed"]);
    // Of another task; damaged; gone.
    store.announce("other").unwrap();
    serves(&mut bench, 4, "b", &["policy_refused"]);
    serves(&mut bench, 5, "b", &[]);
    assert_eq!(store.back().unwrap(), "b");
    serves(&mut bench, 6, "b", &["policy_changed"]);
    std::fs::write(dir.join("serving.json"), "{\"version\": \"../a\"}").unwrap();
    serves(&mut bench, 7, "b", &["policy_not_announced"]);
    assert!(matches!(store.announce("a"), Err(StoreError::Damaged { .. })));
    std::fs::remove_file(dir.join("serving.json")).unwrap();
    store.announce("a").unwrap();
    serves(&mut bench, 8, "a", &["policy_changed"]);
    assert!(matches!(store.back(), Err(StoreError::NoFormer(_))));
    std::fs::write(dir.join("b/policy.safetensors"), "nothing").unwrap();
    assert!(matches!(store.announce("b"), Err(StoreError::Checkpoint(_))));
    serves(&mut bench, 9, "a", &[]);
    assert_eq!(store.versions().unwrap(), ["a", "b", "other"]);
}

#[test]
fn a_robot_it_was_not_trained_for_is_told_and_not_driven() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("v1");
    checkpoint(&path, &robot(), mixture(), 0.1);
    type Spoil = fn(&mut RobotDescriptor);
    let spoilt: [(Spoil, &str); 4] = [
        (|robot| robot.control_hz = 100.0, "control_hz"),
        (|robot| robot.task = "juggle".into(), "task"),
        (|robot| robot.objects.clear(), "observation"),
        (|robot| robot.urdf.clear(), "kinematic model"),
    ];
    for (spoil, word) in spoilt {
        let mut other = robot();
        spoil(&mut other);
        let mut bench = Bench::new(&path);
        let (_, notices) = bench.hear(other.into());
        assert_eq!(codes(&notices), ["policy_refused"]);
        assert!(notices[0].text.contains(word), "{}", notices[0].text);
        assert_eq!(bench.proposal(1).0, None);
    }
}
