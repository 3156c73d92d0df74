//! Episodes that begin in the middle of the task.

use retake_scripted::Script;
use retake_sim::{StartState, World};
use retake_tasks::{Expert, Phase, Task};
use retake_tests::{Deployment, Seen};
use retake_wire::pb::{EpisodeRecord, Verdict};

const PERIOD: f64 = 0.02;

/// The expert at work until it comes to `phase`.
fn state(task: &str, phase: Phase, seed: u64) -> StartState {
    let task = Task::by_name(task).unwrap();
    let (expert, mut world) = (Expert::new(&task), World::new(&task, seed).unwrap());
    let chain = world.model().chain("tool").unwrap();
    for _ in 0..200 {
        if expert.goal(&world.scene()).phase == phase {
            return StartState { name: phase.name().to_owned(), snapshot: world.snapshot().unwrap() };
        }
        for step in expert.plan(&world.scene(), &world.command(), &chain, 8, PERIOD) {
            world.set_command(&step.q, step.width).unwrap();
            world.step(PERIOD).unwrap();
        }
    }
    unreachable!("the expert never came to {phase:?}")
}

fn run(states: Vec<StartState>, episodes: u64) -> Seen {
    let deployment = Deployment::new("nut-on-peg", "expert").script(Script::Unattended);
    let mut run = deployment.episodes(episodes).start_states(states).start();
    run.to_end();
    run.finish()
}

/// Where each episode began, and in what.
fn begun(seen: &Seen) -> Vec<(u64, String)> {
    let ready = seen.episodes.iter().filter(|episode| episode.phase() == retake_wire::pb::Phase::Ready);
    ready.map(|episode: &EpisodeRecord| (episode.seed, episode.start_state.clone())).collect()
}

#[test]
fn what_was_held_is_not_dropped_when_an_episode_begins_with_it() {
    let seen = run(vec![state("nut-on-peg", Phase::Carry, 5)], 2);
    assert_eq!(seen.verdicts(), [Verdict::Success, Verdict::Success]);
    assert_eq!(begun(&seen), [(1, "carry".to_owned()), (2, "carry".to_owned())]);
    for resets in [1, 2] {
        let of = seen.observations.iter().filter(|(_, seen)| seen.resets == resets);
        let first: Vec<f64> = of.take(40).map(|(_, seen)| seen.grip_force).collect();
        assert!(first.len() == 40 && first.iter().all(|force| *force > 20.0), "{first:?}");
    }
    let ended = seen.episodes.iter().filter(|episode| episode.phase() == retake_wire::pb::Phase::Ended);
    for episode in ended {
        let seconds = (episode.end_nanos - episode.start_nanos) as f64 * 1e-9;
        assert!(seconds < 5.0, "half of the way was done already: {seconds} s");
    }
}

#[test]
fn several_states_are_gone_through_in_turn_by_seed() {
    let states = vec![state("nut-on-peg", Phase::Carry, 5), state("nut-on-peg", Phase::Reach, 6)];
    let names: Vec<String> = begun(&run(states, 4)).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["reach", "carry", "reach", "carry"]);
}
