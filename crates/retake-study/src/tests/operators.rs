//! The expert and the supervisor.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use retake_labels::{Class, Rule};
use retake_wire::pb::SegmentKind;

use crate::attempt::{Ending, Rules, Running, Supervision, demonstrate};
use crate::expert::{lead, unsteady};
use crate::random::Key;
use crate::supervisor::{PATIENCE, Supervisor};
use crate::task::{ACTIONS, HORIZON, Insertion};

const NOISE: f64 = 0.15;

fn key(episode: u64) -> Key {
    Key { seed: 1, part: 99, episode }
}

/// Goes on from any state; the time that is left is a whole episode's.
fn solves(mut world: Insertion, hand: &mut ChaCha8Rng) -> bool {
    for _ in 0..HORIZON {
        if world.succeeded() {
            return true;
        }
        let action = unsteady(lead(&world), NOISE, hand);
        world.step(action);
    }
    world.succeeded()
}

/// A state that a bad policy could leave: wandered anywhere, and mostly jammed.
fn troubled(episode: u64, random: &mut ChaCha8Rng) -> Insertion {
    let mut world = Insertion::of(key(episode));
    let sideways = random.random_range(-0.6..0.6);
    for _ in 0..random.random_range(10..120) {
        let guided = lead(&world);
        let wild = [1.0, sideways];
        let share = if episode.is_multiple_of(2) { 0.0 } else { 0.7 };
        world.step([0, 1].map(|axis| share * guided[axis] + (1.0 - share) * wild[axis]));
    }
    world
}

#[test]
fn the_expert_succeeds_from_anywhere() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut jammed = 0;
    let (mut plain, mut perturbed, mut stuck) = (0, 0, 0);
    for episode in 0..400 {
        plain += u32::from(solves(Insertion::of(key(episode)), &mut random));
        let world = troubled(episode, &mut random);
        perturbed += u32::from(solves(world.perturbed(0.1, &mut random), &mut random));
        if world.jammed() {
            jammed += 1;
            stuck += u32::from(solves(world, &mut random));
        }
    }
    println!("plain {plain}/400, perturbed {perturbed}/400, jammed {stuck}/{jammed}");
    assert!(jammed >= 100, "only {jammed} of 400 states were jammed");
    assert!(plain * 100 >= 97 * 400, "{plain} of 400");
    assert!(perturbed * 100 >= 97 * 400, "{perturbed} of 400 perturbed");
    assert!(stuck * 100 >= 97 * jammed, "{stuck} of {jammed} jammed");
}

#[test]
fn demonstrations_succeed_and_are_demonstrations() {
    let attempts: Vec<_> = (0..200).map(|episode| demonstrate(key(episode), NOISE)).collect();
    let succeeded = attempts.iter().filter(|attempt| attempt.ending == Ending::Success).count();
    let steps: usize = attempts.iter().map(|attempt| attempt.steps.len()).sum();
    println!("{succeeded}/200, {} steps each", steps as f64 / 200.0);
    assert!(succeeded >= 194, "{succeeded} of 200");
    assert!(attempts.iter().all(|a| a.steps.iter().all(|step| step.kind == SegmentKind::Demo)));
}

fn supervised(
    episode: u64,
    supervision: Supervision,
    policy: impl Fn(&[f32; 8]) -> [f64; ACTIONS],
) -> crate::attempt::Attempt {
    let mut running = Running::supervised(key(episode), supervision);
    while let Some(seen) = running.sees() {
        running.step(policy(&seen));
    }
    running.over().unwrap()
}

/// Straight on: it jams at the gate, unless luck has it.
const fn blind(_: &[f32; 8]) -> [f64; ACTIONS] {
    [0.7, 0.0]
}

fn kinds(attempt: &crate::attempt::Attempt) -> Vec<SegmentKind> {
    let mut kinds: Vec<_> = attempt.steps.iter().map(|step| step.kind).collect();
    kinds.dedup();
    kinds
}

#[test]
fn a_supervisor_saves_what_a_blind_policy_cannot() {
    use SegmentKind::{Correction, Policy, Recovery, Rewind};
    let how = |rules, rewind| Supervision { delay: 8, rules, rewind, noise: NOISE };
    let alone = (0..100).filter(|episode| {
        let mut world = Insertion::of(key(*episode));
        (0..HORIZON).for_each(|_| world.step(blind(&[0.0; 8])));
        world.succeeded()
    });
    assert!(alone.count() < 5);
    let free: Vec<_> = (0..100).map(|episode| supervised(episode, how(Rules::Free, false), blind)).collect();
    let saved = free.iter().filter(|attempt| attempt.ending == Ending::Success).count();
    assert!(saved >= 97, "{saved} of 100");
    for attempt in &free {
        assert!(
            kinds(attempt).iter().all(|kind| [Policy, Correction].contains(kind)),
            "{:?}",
            kinds(attempt)
        );
    }
    let rewound: Vec<_> =
        (0..100).map(|episode| supervised(episode, how(Rules::Free, true), blind)).collect();
    let saved = rewound.iter().filter(|attempt| attempt.ending == Ending::Success).count();
    assert!(saved >= 97, "{saved} of 100 after a rewind");
    let with_rewind =
        rewound.iter().filter(|attempt| kinds(attempt).starts_with(&[Policy, Rewind, Correction]));
    assert!(with_rewind.count() >= 90);
    let rac: Vec<_> = (0..100).map(|episode| supervised(episode, how(Rules::Rac, false), blind)).collect();
    let ended = rac.iter().filter(|attempt| attempt.ending == Ending::Corrected);
    assert!(ended.clone().count() >= 80);
    for attempt in ended {
        assert_eq!(kinds(attempt), [Policy, Recovery, Correction], "recovered, corrected, and over");
    }
    let both = supervised(0, how(Rules::Rac, true), blind);
    assert_eq!(kinds(&both), [Policy, Rewind, Correction], "the rewind has recovered it");
}

#[test]
fn a_rewind_ends_before_the_bottleneck_whatever_way_the_tool_came() {
    let how = Supervision { delay: 8, rules: Rules::Free, rewind: true, noise: NOISE };
    for (episode, sideways) in (0..60).flat_map(|episode| [-0.9, -0.4, 0.4, 0.9].map(|side| (episode, side)))
    {
        let attempt = supervised(episode, how, |_| [0.7, sideways]);
        let rewinds =
            attempt.steps.chunk_by(|a, b| a.kind == b.kind).filter(|run| run[0].kind == SegmentKind::Rewind);
        for rewind in rewinds {
            assert!(rewind.len() <= 12, "{} steps back in episode {episode}", rewind.len());
        }
    }
}

#[test]
fn trouble_must_last_for_the_operators_delay() {
    for delay in [0, 8, 20] {
        let mut world = Insertion::of(key(3));
        let mut supervisor = Supervisor::new(delay, &world);
        let mut jammed = 0;
        while !supervisor.watch(&world) {
            world.step([1.0, 0.9]);
            jammed += usize::from(world.jammed());
            assert!(world.steps() < HORIZON, "never took over");
        }
        // It sees the last steps before touching, too.
        let expected = delay.saturating_sub(4)..=delay;
        assert!(expected.contains(&jammed), "{jammed} jammed steps with a delay of {delay}");
    }
}

#[test]
fn standing_still_is_trouble_too() {
    let mut world = Insertion::of(key(4));
    let mut supervisor = Supervisor::new(8, &world);
    while !supervisor.watch(&world) {
        world.step([0.0, 0.0]);
    }
    assert!((PATIENCE + 8..PATIENCE + 30).contains(&world.steps()), "{} steps", world.steps());
}

#[test]
fn labels_are_the_labellers() {
    let how = Supervision { delay: 8, rules: Rules::Free, rewind: true, noise: NOISE };
    let attempt =
        (0..).map(|episode| supervised(episode, how, blind)).find(|a| a.ending == Ending::Success).unwrap();
    let labels = attempt.labels(&Rule::default());
    let count = |class| labels.iter().filter(|label| label.class == class).count();
    let takeovers = labels.iter().map(|label| label.intervention).max().unwrap();
    assert!(takeovers >= 1);
    assert_eq!(
        count(Class::PreIntervention),
        15 * usize::try_from(takeovers).unwrap(),
        "15 steps before each"
    );
    let by_hand = count(Class::Rewind) + count(Class::Correction);
    assert_eq!(u64::try_from(by_hand).unwrap(), attempt.human_steps());
    assert!(!attempt.untouched_success());
}
