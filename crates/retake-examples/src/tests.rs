use std::sync::Arc;

use retake_dataset::{Episode, Key};
use retake_features::Actions;
use retake_labels::{Class, Label};
use retake_sim::{CONTROL_HZ, descriptor};
use retake_tasks::Task;
use retake_weights::{Keep, Scheme};
use retake_wire::pb::{EpisodeRecord, GroupValues, RobotDescriptor};

use crate::{Attempt, Examples, ExamplesError, Memory, Survey, gather::Step};

const PERIOD: f64 = 0.02;

fn robot() -> Arc<RobotDescriptor> {
    Arc::new(descriptor("arm", &Task::by_name("lift").unwrap(), CONTROL_HZ).unwrap())
}

/// An attempt with these classes of the arm's steps and the gripper's.
fn attempt(arm: &[Class], gripper: &[Class], untouched_success: bool) -> Attempt {
    let label = |class: &Class| Label { class: *class, edge: false, intervention: 0 };
    let labels = vec![arm.iter().map(label).collect(), gripper.iter().map(label).collect()];
    let episode = Episode {
        key: Key { recording: "r".into(), run: 0, episode: 1 },
        robot: robot(),
        record: EpisodeRecord::default(),
        ended: true,
        ticks: (0..).take(arm.len()).collect(),
        at_nanos: vec![0; arm.len()],
        labels,
        missing_ticks: 0,
        frames_dropped: 0,
        messages_lost: 0,
        handover_step: 0.0,
        problems: Vec::new(),
    };
    Attempt { kept: vec![true; episode.len()], episode, untouched_success }
}

fn survey(attempts: Vec<Attempt>) -> Survey {
    let mut survey = Survey { robot: robot(), recordings: Vec::new(), discarded: 0 };
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("r.mcap"), b"\x89MCAP0\r\n").unwrap();
    let source = retake_dataset::find(&dir.path().join("r.mcap")).unwrap().remove(0);
    survey.recordings.push((source, attempts));
    survey
}

/// Steps in which the gripper opens by a millimetre a tick.
fn steps(ticks: &[u64]) -> Vec<Step> {
    let home = Task::by_name("lift").unwrap().home;
    let step = |(row, tick): (usize, &u64)| Step {
        tick: *tick,
        row,
        seen: Some(vec![*tick as f32]),
        command: vec![
            GroupValues { values: home.joints.clone() },
            GroupValues { values: vec![0.001 * *tick as f64] },
        ],
    };
    ticks.iter().enumerate().map(step).collect()
}

fn gathered(survey: &mut Survey, scheme: &Scheme, memory: Option<Memory>, steps: &[Step]) -> Examples {
    let plan = survey.weigh(scheme, memory).unwrap();
    let (actions, _) = Actions::new(&survey.robot).unwrap();
    let mut examples = Examples::default();
    for (index, attempt) in survey.attempts().enumerate() {
        examples.add(index, attempt, steps, (&actions, &plan));
    }
    examples
}

#[test]
fn an_action_looks_a_tenth_of_a_second_ahead_and_not_beyond_a_change_of_author_or_a_gap() {
    use Class::{Correction as C, Policy as P};
    let classes = [P, P, P, C, C, C, C, C, C, C, C, C];
    let mut all = survey(vec![attempt(&classes, &classes, false)]);
    // Tick 9 is missing: the last two rows are ticks 10 and 11 … of twelve.
    let ticks = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12];
    let examples = gathered(&mut all, &Scheme::Uniform, None, &steps(&ticks));
    // The last step of each stretch has nothing after it: rows 2, 8 and 11.
    assert_eq!(examples.left.last, 3);
    let seen: Vec<f32> = examples.observations.clone();
    assert_eq!(seen, [0.0, 1.0, 3.0, 4.0, 5.0, 6.0, 7.0, 10.0, 11.0]);
    // What is left out, and the missing tick, end a stretch: a chunk must not be cut across them.
    assert_eq!(examples.episodes, [0, 0, 1, 1, 1, 1, 1, 2, 2]);
    // However far each looked ahead, the gripper's rate is what it was: 0.001 m in 0.02 s.
    for action in examples.actions.chunks(7) {
        assert!(
            action[..6].iter().all(|twist| twist.abs() < 1e-6) && (action[6] - 0.05).abs() < 1e-6,
            "{action:?}"
        );
    }
    assert_eq!(PERIOD * 5.0, 0.1);
}

#[test]
fn each_group_learns_from_its_own_author() {
    use Class::{Correction as C, Policy as P};
    // The arm is taken over, and the gripper stays with the policy.
    let mut all = survey(vec![attempt(&[P, P, P, P, C, C], &[P; 6], false)]);
    let examples = gathered(&mut all, &Scheme::SIRIUS, None, &steps(&[0, 1, 2, 3, 4, 5]));
    let weights: Vec<(f32, f32)> = examples.weights.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    // Arm: half of the loss to a third of the steps. Gripper: no interventions, so all alike.
    assert_eq!(weights, [(0.75, 1.0), (0.75, 1.0), (0.75, 1.0), (1.5, 1.0)]);
}

#[test]
fn a_group_that_no_human_drove_cannot_learn_from_humans_alone() {
    use Class::{Correction as C, Policy as P};
    let mut all = survey(vec![attempt(&[P, P, C, C], &[P; 4], false)]);
    assert!(
        matches!(all.weigh(&Scheme::HgDagger, None), Err(ExamplesError::Weights { group, .. }) if group == "gripper")
    );
}

#[test]
fn what_is_forgotten_is_counted_and_weights_are_of_what_is_kept() {
    use Class::{Correction as C, Policy as P};
    let classes = [P, P, P, P, P, P, P, P, C, C];
    let mut all = survey(vec![attempt(&classes, &classes, false)]);
    let memory = Memory { keep: Keep::Oldest, share: 0.25, seed: 1 };
    let examples = gathered(&mut all, &Scheme::SIRIUS, Some(memory), &steps(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    assert_eq!((examples.left.forgotten, examples.len()), (6, 3));
    assert_eq!(examples.episodes, [0, 0, 1], "what is forgotten ends a stretch");
    // Two kept steps of the policy and two of a human: half of the loss is theirs already.
    assert!(examples.weights.iter().all(|weight| (*weight - 1.0).abs() < 1e-6), "{:?}", examples.weights);
}

#[test]
fn what_is_not_recorded_is_left_out_and_counted() {
    use Class::Demo as D;
    let mut all = survey(vec![attempt(&[D; 4], &[D; 4], false)]);
    let mut spoilt = steps(&[0, 1, 2, 3]);
    spoilt[0].seen = None;
    spoilt[2].command[1].values[0] = f64::NAN;
    let examples = gathered(&mut all, &Scheme::Uniform, None, &spoilt);
    assert_eq!((examples.left.unusable, examples.left.last, examples.len()), (2, 1, 1));
}
