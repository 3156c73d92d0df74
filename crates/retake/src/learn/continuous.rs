//! `retake learn`: recordings grow, and so does the policy.

use std::{sync::mpsc, time::Duration};

use anyhow::{Context as _, bail};
use retake_bus::{Clock, StopFlag};
use retake_dataset::{Episode, scan, select};
use retake_deployment::Settings;
use retake_labels::Class;
use retake_learn::{End, Keep, Start};
use retake_policy::{PolicySpec, Store};
use retake_tasks::Task;

use super::{
    LearnOptions,
    eval::{Evaluation, evaluate},
    train::{Lesson, config},
};

/// Between two looks at the recordings.
const LOOK: Duration = Duration::from_secs(2);
/// Sirius: a round is over when humans have driven for a third of the demonstrations' steps.
const SHARE: u64 = 3;
/// Without demonstrations there is nothing to take a third of.
const LEAST: u64 = 500;

/// Steps that humans drove, in attempts that are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Driven {
    demonstrations: u64,
    all: u64,
}

/// Watches, trains, judges and announces.
pub(crate) fn run(options: &LearnOptions) -> anyhow::Result<()> {
    let config = config(&options.fit, &options.examples)?;
    let store = Store::at(&options.policies);
    std::fs::create_dir_all(&options.policies)
        .with_context(|| format!("cannot make {}", options.policies.display()))?;
    let stop = StopFlag::on_signals().context("cannot listen for Ctrl-C")?;
    let (mut learnt, mut rounds) = (None, 0);
    say(&format!("watching; policies go to {}", options.policies.display()));
    while !stop.is_set() && options.rounds.is_none_or(|most| rounds < most) {
        let driven = driven(options)?;
        if !is_due(driven, learnt, options.after) {
            pause(&stop);
            continue;
        }
        learnt = Some(driven.all);
        let began = Clock::System.now();
        let lesson = Lesson::new(options.examples.weighed(&options.data)?)?;
        let trained = lesson.fit(&config, Start::Scratch, &stop)?;
        if trained.record().end == End::Stopped {
            bail!("stopped within a training; nothing of it is kept");
        }
        let name = unused(&store, rounds)?;
        trained.save(&store.path(&name), &lesson.described(&options.examples)?, Keep::Policy)?;
        rounds += 1;
        let seconds = Clock::System.now().since(began).as_secs_f64();
        let steps = driven.all;
        say(&format!("{name}: trained in {seconds:.1} s, of {steps} steps that humans drove"));
        if worse(options, &store, &name, &lesson, &stop)? {
            say(&format!("{name} is kept, but not announced"));
        } else {
            store.announce(&name)?;
            say(&format!("{name} is announced: served from the next episode on"));
        }
    }
    Ok(())
}

/// Whether enough was driven since `learnt`; at first, whether anything can be learnt at all.
fn is_due(driven: Driven, learnt: Option<u64>, after: Option<u64>) -> bool {
    let needed = after.unwrap_or_else(|| match driven.demonstrations {
        0 => LEAST,
        steps => steps.div_ceil(SHARE),
    });
    match learnt {
        None => driven.demonstrations > 0 || driven.all >= needed,
        Some(learnt) => driven.all.saturating_sub(learnt) >= needed,
    }
}

fn driven(options: &LearnOptions) -> anyhow::Result<Driven> {
    let mut driven = Driven::default();
    // Nothing may be there yet.
    let Ok(sources) = select(&options.data) else { return Ok(driven) };
    for source in sources {
        let scanned = scan(&source, &options.examples.rule.rule(), |_| {})?;
        for episode in scanned.episodes.iter().filter(|episode| episode.ended) {
            driven.demonstrations += count(episode, |class| class == Class::Demo);
            driven.all +=
                count(episode, |class| matches!(class, Class::Demo | Class::Recovery | Class::Correction));
        }
    }
    Ok(driven)
}

fn count(episode: &Episode, is_one: impl Fn(Class) -> bool) -> u64 {
    (0..episode.len()).filter(|row| is_one(episode.class(*row))).count() as u64
}

/// Whether the new policy does worse alone than what is announced, in the same attempts.
fn worse(
    options: &LearnOptions,
    store: &Store,
    name: &str,
    lesson: &Lesson,
    stop: &StopFlag,
) -> anyhow::Result<bool> {
    let Some(attempts) = options.evaluate else { return Ok(false) };
    let task = Task::by_name(&lesson.survey.robot.task)?;
    let judge = |version: &str| -> anyhow::Result<Evaluation> {
        let policy = PolicySpec::Learnt(store.path(version));
        let settings =
            Settings { seed: options.evaluation_seed, ..Settings::simulated("arm", task.clone(), policy)? };
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let found = evaluate(&settings, attempts, threads, stop)?;
        say(&format!("{version}: {} of {} succeed alone", found.successes, found.attempts));
        Ok(found)
    };
    let new = judge(name)?;
    match store.serving()? {
        None => Ok(false),
        Some(serving) => Ok(new.successes < judge(&serving.version)?.successes),
    }
}

/// A name that no checkpoint has.
fn unused(store: &Store, rounds: u64) -> anyhow::Result<String> {
    let taken = store.versions()?;
    let name = (rounds + 1..).map(|number| format!("round-{number}")).find(|name| !taken.contains(name));
    name.context("all names are taken")
}

/// Waits until it is time to look again, or to stop.
fn pause(stop: &StopFlag) {
    // Nobody ever sends: a wait with an end.
    let (_keep, never) = mpsc::channel::<()>();
    for _ in 0..20 {
        if stop.is_set() {
            return;
        }
        let _timed_out = never.recv_timeout(LOOK / 20);
    }
}

#[expect(clippy::print_stderr, reason = "what is going on, for the person at the terminal")]
fn say(text: &str) {
    eprintln!("learn: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_when_enough_was_driven() {
        let driven = |demonstrations, all| Driven { demonstrations, all };
        // Nothing at first; then anything that was demonstrated, and of interventions alone a good many.
        assert!(!is_due(driven(0, 0), None, None));
        assert!(is_due(driven(300, 300), None, None));
        assert!(!is_due(driven(0, 0), None, Some(10)));
        assert!(!is_due(driven(0, 499), None, None));
        assert!(is_due(driven(0, 500), None, None));
        // A third of the demonstrations more, or what was asked for.
        assert!(!is_due(driven(300, 399), Some(300), None));
        assert!(is_due(driven(300, 400), Some(300), None));
        assert!(!is_due(driven(0, 799), Some(300), None));
        assert!(is_due(driven(0, 800), Some(300), None));
        assert!(is_due(driven(300, 310), Some(300), Some(10)));
        assert!(!is_due(driven(300, 309), Some(300), Some(10)));
    }
}
