//! Whole studies, with a learner that is quick: it does as the nearest recorded step did.

use std::sync::atomic::{AtomicUsize, Ordering};

use retake_weights::Application;

use crate::learner::{Drive, Learner, Lesson};
use crate::task::{ACTIONS, OBSERVATIONS};
use crate::{Continue, Results, Study, StudyError, run_with, so_far};

/// Does as the nearest of the recorded steps that weigh something.
struct Nearest;

struct Memory {
    steps: Vec<([f32; OBSERVATIONS], [f32; ACTIONS])>,
}

impl Learner for Nearest {
    type Policy = Memory;

    fn learn(
        &self,
        lesson: &Lesson,
        _: Application,
        seed: u64,
        from: Option<&Memory>,
    ) -> Result<(Memory, f64), StudyError> {
        let (observations, actions) = (lesson.observations.as_chunks().0, lesson.actions.as_chunks().0);
        assert!(observations.len() == lesson.weights.len() && actions.len() == lesson.episodes.len());
        let weighed =
            observations.iter().zip(actions).zip(&lesson.weights).filter(|(_, weight)| **weight > 0.0);
        // Thinned by the seed, so that it is not without effect.
        let mut steps: Vec<_> = weighed
            .map(|((seen, done), _)| (*seen, *done))
            .enumerate()
            .filter(|(index, _)| (index + usize::try_from(seed % 3).unwrap()) % 3 == 0)
            .map(|(_, step)| step)
            .collect();
        steps.extend(from.iter().flat_map(|from| from.steps.first()));
        let loss = 1.0 / steps.len() as f64 + 0.1;
        Ok((Memory { steps }, loss))
    }
}

impl Drive for Memory {
    fn act_batch(&self, observations: &[f32]) -> Result<Vec<f32>, StudyError> {
        let far = |a: &[f32; OBSERVATIONS], b: &[f32; OBSERVATIONS]| -> f32 {
            a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
        };
        let (seen, _) = observations.as_chunks();
        let nearest = |seen| {
            let near = self.steps.iter().min_by(|a, b| far(&a.0, seen).total_cmp(&far(&b.0, seen)));
            near.map_or([0.0; ACTIONS], |step| step.1)
        };
        Ok(seen.iter().flat_map(nearest).collect())
    }
}

const PLAN: &str = r#"
name = "small"
seeds = 2
rounds = 2
demonstrations = 3
evaluations = 20
most_episodes = 30

[[operator]]
name = "fast"
delay = "400ms"

[[operator]]
name = "slow"
delay = "1s"

[[method]]
name = "sirius"
scheme = "sirius"

[[method]]
name = "uniform"
scheme = "uniform"
data = "sirius"
window = "250ms"
memory = { keep = "most-intervened", share = 0.15 }

[[method]]
name = "rac"
scheme = "rac"
rules = "rac"
rewind = true

[[method]]
name = "demonstrations"
scheme = "uniform"
rules = "demonstrate"

[[compare]]
better = "sirius"
than = "uniform"
primary = true
"#;

fn plan() -> Study {
    Study::from_toml(PLAN).unwrap()
}

fn whole(threads: usize) -> (tempfile::TempDir, Results) {
    let folder = tempfile::tempdir().unwrap();
    let results = run_with(&plan(), &Nearest, folder.path(), threads, &|_| Continue::Yes).unwrap();
    (folder, results)
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let (one, results) = whole(1);
    let (four, others) = whole(4);
    assert_eq!(results, others);
    for file in ["results.json", "results.csv", "results.md"] {
        let read = |folder: &tempfile::TempDir| std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert_eq!(read(&one), read(&four), "{file}");
        assert!(read(&one).len() > 500);
    }
}

#[test]
fn an_interrupted_study_finishes_to_the_same() {
    let (_, results) = whole(2);
    let folder = tempfile::tempdir().unwrap();
    let stop = |progress: &crate::Progress| if progress.done == 5 { Continue::No } else { Continue::Yes };
    let stopped = run_with(&plan(), &Nearest, folder.path(), 1, &stop);
    assert!(matches!(stopped, Err(StudyError::Stopped { done: 5, of: 12 })), "{stopped:?}");
    assert!(!folder.path().join("results.json").exists());
    let partial = so_far(&plan(), folder.path()).unwrap();
    assert_eq!((partial.done, partial.of), (5, 12));
    assert!(
        partial.to_markdown().contains("Unfinished: 5 of 12")
            && !results.to_markdown().contains("Unfinished")
    );
    assert!(partial.rows.iter().all(|row| results.rows.contains(row)));
    // And the power fails while the sixth is written.
    let file = folder.path().join("cells.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}{{\"cell\":5,\"ro")).unwrap();
    let made = AtomicUsize::new(0);
    let count = |_: &crate::Progress| {
        made.fetch_add(1, Ordering::Relaxed);
        Continue::Yes
    };
    let resumed = run_with(&plan(), &Nearest, folder.path(), 2, &count).unwrap();
    assert_eq!(made.load(Ordering::Relaxed), 7, "only what was not yet there");
    assert_eq!(resumed, results);
    let again = run_with(&plan(), &Nearest, folder.path(), 2, &|_| panic!("there is nothing to do")).unwrap();
    assert_eq!(again, results);
}

#[test]
fn two_runs_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let within = |_: &crate::Progress| {
        let second = run_with(&plan(), &Nearest, folder.path(), 1, &|_| Continue::Yes);
        assert!(matches!(second, Err(StudyError::Busy(_))), "{second:?}");
        Continue::No
    };
    assert!(run_with(&plan(), &Nearest, folder.path(), 1, &within).is_err());
}

#[test]
fn another_study_is_not_mixed_in() {
    let (folder, _) = whole(2);
    let text = std::fs::read_to_string(folder.path().join("cells.jsonl")).unwrap();
    let mut other = plan();
    other.demonstrations += 1;
    let refused = run_with(&other, &Nearest, folder.path(), 1, &|_| Continue::Yes);
    assert!(matches!(refused, Err(StudyError::Other(_))), "{refused:?}");
    assert_eq!(
        std::fs::read_to_string(folder.path().join("cells.jsonl")).unwrap(),
        text,
        "nothing was touched"
    );
    let damaged = text.replacen("\"cell\":", "\"cel\":", 1);
    std::fs::write(folder.path().join("cells.jsonl"), &damaged).unwrap();
    let refused = run_with(&plan(), &Nearest, folder.path(), 1, &|_| Continue::Yes);
    assert!(matches!(refused, Err(StudyError::Damaged { line: 2, .. })), "{refused:?}");
    std::fs::write(folder.path().join("cells.jsonl"), "a letter to my aunt").unwrap();
    let refused = run_with(&plan(), &Nearest, folder.path(), 1, &|_| Continue::Yes);
    assert!(matches!(refused, Err(StudyError::Other(_))), "{refused:?}");
}

#[test]
fn the_figures_hang_together() {
    let (_, results) = whole(2);
    let plan = plan();
    assert_eq!(
        results.rows.len(),
        4 * 2 * 2 * 3,
        "methods, operators, seeds, rounds and what is before them"
    );
    for row in &results.rows {
        let of = &row.collected;
        assert!(
            row.successes <= row.evaluations && of.completed <= of.episodes && of.human_steps <= of.steps
        );
        let learnt: u64 = row.learnt.values().sum();
        assert!(row.effective > 0.0 && row.effective <= learnt as f64 * (1.0 + 1e-9));
        if row.round == 0 {
            assert_eq!((of.episodes, of.human_steps, of.takeovers), (3, of.steps, 0));
        }
    }
    let of = |method: &'static str, round| {
        results.rows.iter().filter(move |row| row.method == method && row.round == round)
    };
    for (own, other) in of("sirius", 2).zip(of("uniform", 2)) {
        assert_eq!(own.collected, other.collected, "it learns on the same recordings");
        assert!(other.learnt.values().sum::<u64>() < own.learnt.values().sum(), "and remembers less of them");
    }
    for (own, demonstrations) in of("sirius", 0).zip(of("demonstrations", 0)) {
        assert_eq!(own.successes, demonstrations.successes, "all begin with the same");
    }
    for row in of("demonstrations", 1) {
        let budget =
            of("demonstrations", 0).find(|base| base.seed == row.seed).unwrap().collected.human_steps as f64;
        let spent = row.collected.human_steps as f64;
        assert!(spent >= budget / 3.0 && spent < budget / 3.0 + 200.0, "{spent} of {budget}");
        assert_eq!(row.collected.human_steps, row.collected.steps);
    }
    assert_eq!(results.differences.len(), 2 * 2);
    let primary: Vec<_> = results.differences.iter().filter(|difference| difference.primary).collect();
    assert!(primary.len() == 2 && primary.iter().all(|difference| difference.round == 2));
    // One of them by hand.
    let shares = |method: &'static str| -> Vec<f64> {
        let rows = of(method, 2).filter(|row| row.operator == "slow");
        rows.map(|row| f64::from(row.successes) / f64::from(row.evaluations)).collect()
    };
    let (better, than) = (shares("sirius"), shares("uniform"));
    let mean = (better[0] - than[0] + better[1] - than[1]) / 2.0;
    assert!((primary[1].success.unwrap().mean - mean).abs() < 1e-12);
    let markdown = results.to_markdown();
    assert!(
        plan.methods.iter().all(|method| markdown.contains(&method.name)) && markdown.contains("(primary)")
    );
    let csv = results.to_csv();
    let columns: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert!(columns.len() == 49 && columns.iter().all(|count| *count == columns[0]));
}

#[test]
fn what_cannot_be_done_is_refused_with_a_word() {
    let changed = |from: &str, to: &str| {
        assert!(PLAN.contains(from), "{from}");
        let refused = Study::from_toml(&PLAN.replacen(from, to, 1));
        refused.map(|_| format!("{to} was taken")).unwrap_or_else(|error| error.to_string())
    };
    for (from, to, word) in [
        ("seeds = 2", "seeds = 0", "seeds"),
        ("seeds = 2", "seeds = 2000000", "seeds"),
        ("seeds = 2", "sedes = 2", "sedes"),
        ("seeds = 2", "seeds = 2\nfirst_seed = 4294967295", "first_seed"),
        ("demonstrations = 3", "demonstrations = 0", "demonstrations"),
        ("evaluations = 20", "evaluations = 0", "evaluations"),
        ("rounds = 2", "rounds = 2\nbudget = nan", "budget"),
        ("rounds = 2", "rounds = 2\nhand_noise = -1.0", "hand_noise"),
        ("rounds = 2", "rounds = 2\nlearning = { steps = 10, modes = 0 }", "modes"),
        ("rounds = 2", "rounds = 2\nlearning = { seed = 3 }", "seed"),
        ("\"400ms\"", "\"420ms\"", "multiple of 50ms"),
        ("\"400ms\"", "8", "delay"),
        ("name = \"slow\"", "name = \"fast\"", "two"),
        ("data = \"sirius\"", "data = \"sirus\"", "sirus"),
        ("data = \"sirius\"", "data = \"uniform\"", "deploys nothing"),
        ("window = \"250ms\"", "rewind = true", "set rules and rewind there"),
        ("window = \"250ms\"", "window = \"2h\"", "window"),
        ("share = 0.15", "share = 1.5", "share"),
        ("scheme = \"rac\"", "scheme = \"rca\"", "rca"),
        ("rules = \"demonstrate\"", "rules = \"demonstrate\"\nrewind = true", "nothing to rewind"),
        ("than = \"uniform\"", "than = \"sirius\"", "itself"),
        ("than = \"uniform\"", "than = \"nobody\"", "nobody"),
    ] {
        let message = changed(from, to);
        assert!(message.contains(word), "{from} → {to}: {message}");
    }
}

#[test]
fn the_bundled_plans_can_be_done() {
    let study = Study::from_toml(include_str!("../../../../sim/studies/study-a.toml")).unwrap();
    assert!(study.seeds >= 10 && study.comparisons.iter().any(|comparison| comparison.primary));
    Study::from_toml(include_str!("../../../../sim/studies/study-a-ablations.toml")).unwrap();
    Study::from_toml(include_str!("../../../../sim/studies/study-a-why.toml")).unwrap();
}

/// The real learner, small: the whole way from a plan to results, twice.
#[test]
fn networks_learn_the_same_twice() {
    let text =
        PLAN.replacen("seeds = 2", "seeds = 1\nstart = \"last\"", 1).replacen("rounds = 2", "rounds = 1", 1);
    let mut study = Study::from_toml(&text).unwrap();
    study.learning =
        crate::Learning { hidden: vec![16], batch: 32, steps: 150, ..crate::Learning::default() };
    let results = |threads| {
        let folder = tempfile::tempdir().unwrap();
        crate::run(&study, folder.path(), threads, &|_| Continue::Yes).unwrap()
    };
    let (one, three) = (results(1), results(3));
    assert_eq!(one, three);
    assert!(one.rows.iter().all(|row| row.loss.is_finite()));
    let loss =
        |method: &str| one.rows.iter().find(|row| row.method == method && row.round == 1).unwrap().loss;
    assert!((loss("sirius") - loss("uniform")).abs() > 1e-6, "the weights do something");
}
