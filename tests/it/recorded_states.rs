//! States of the world in recordings: found again by episode and tick, and gone on from.

use std::path::Path;

use retake_log::{EpisodeStates, Recording, episode_states, named_state};
use retake_scripted::Script;
use retake_sim::{Snapshot, StartState, World};
use retake_tasks::Task;
use retake_tests::Deployment;
use retake_wire::pb::{Reset, Verdict};

fn recorded(dir: &Path, policy: &str, script: Script) -> Recording {
    let deployment = Deployment::new("nut-on-peg", policy).script(script).episodes(2);
    let mut run = deployment.recorded(dir, "rec").start();
    run.millis(3000);
    run.inject(Reset { save_as: "here".into(), ..Reset::default() });
    run.to_end();
    run.finish();
    Recording::open(&dir.join("rec")).unwrap()
}

/// Successes of so many attempts by the expert from a recorded state.
fn goes_on(found: &EpisodeStates, index: usize) -> usize {
    let snapshot = Snapshot::from_bytes(&found.states[index].state.state).unwrap();
    let states = vec![StartState { name: "then".into(), snapshot }];
    let deployment = Deployment::new("nut-on-peg", "expert").script(Script::Unattended).start_states(states);
    let mut run = deployment.start();
    run.to_end();
    run.finish().verdicts().iter().filter(|verdict| **verdict == Verdict::Success).count()
}

#[test]
fn each_episode_has_its_own_states_one_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let recording = recorded(dir.path(), "expert", Script::Unattended);
    let mut last = 0;
    for episode in [1, 2] {
        let found = episode_states(&recording, episode).unwrap();
        assert_eq!((found.episodes.as_slice(), found.takeover), (&[1, 2][..], None));
        assert_eq!(found.record.as_ref().unwrap().verdict(), Verdict::Success);
        assert_eq!(found.robot.as_ref().unwrap().task, "nut-on-peg");
        let kept: Vec<_> = found.states.iter().filter(|placed| placed.state.name.is_empty()).collect();
        assert_eq!(kept[0].place.tick, found.start.unwrap().tick);
        assert!(kept[0].place.tick > last);
        for pair in kept.windows(2) {
            assert_eq!(pair[1].place.tick - pair[0].place.tick, 50);
        }
        let seconds = found.start.unwrap().seconds_to(found.end);
        assert!((kept.len() as f64 - seconds).abs() < 2.0, "{} in {seconds} s", kept.len());
        assert!(kept.iter().all(|placed| placed.place.tick < found.end.tick));
        assert_eq!((goes_on(&found, 0), goes_on(&found, kept.len() - 1)), (1, 1));
        last = found.end.tick;
    }
    assert_eq!(episode_states(&recording, 3).unwrap().start, None);
    let here = named_state(&recording, "here").unwrap().unwrap();
    let world = World::new(&Task::by_name("nut-on-peg").unwrap(), 0).unwrap();
    world.check(&Snapshot::from_bytes(&here.state).unwrap()).unwrap();
    assert_eq!(named_state(&recording, "there").unwrap(), None);
}

#[test]
fn a_rescued_episode_tells_when_it_was_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let recording = recorded(dir.path(), "expert:wrong-turn", Script::Supervisor);
    let found = episode_states(&recording, 1).unwrap();
    let takeover = found.takeover.unwrap();
    assert!(found.start.unwrap().tick < takeover.tick && takeover.tick < found.end.tick, "{takeover:?}");
    assert!(found.policy.contains("wrong-turn"), "{}", found.policy);
}
