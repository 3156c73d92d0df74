//! `retake dataset`: recordings as a dataset.

mod export;
mod import;
mod ls;
mod options;
mod report;
mod show;
mod weigh;

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use retake_dataset::{
    Annotations, Episode, Key, Scan, Source, Standing, Validator, Word, annotate, merge, scan, select, split,
};
use retake_labels::Rule;

pub(crate) use self::options::{DatasetCommand, RuleOptions};
use crate::{Kept, learn::weights_text, log::print, progress::Progress};

pub(crate) fn run(command: &DatasetCommand) -> anyhow::Result<Kept> {
    match command {
        DatasetCommand::Ls(options) => ls::run(options),
        DatasetCommand::Show(options) => show::run(options),
        DatasetCommand::Label(options) => label(options),
        DatasetCommand::Report(options) => report::run(options),
        DatasetCommand::Validate(options) => return validate(options),
        DatasetCommand::Merge(options) => merge_all(options),
        DatasetCommand::Split(options) => split_all(options),
        DatasetCommand::Export(options) => export::run(options),
        DatasetCommand::Import(options) => import::run(options),
        DatasetCommand::Weights(options) => weights(options),
    }
    .map(|()| Kept::All)
}

/// Reads recordings one after the other, each given to `take` and forgotten.
fn each(
    paths: &[PathBuf],
    rule: &Rule,
    mut take: impl FnMut(&Source, Scan) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let sources = select(paths)?;
    let progress = Progress::new("reading", sources.len() as u64);
    for (done, source) in sources.iter().enumerate() {
        progress.at(done as u64, &source.name);
        take(source, scan(source, rule, |_| {})?)?;
    }
    Ok(())
}

/// Attempts without their rows, and how they stand.
fn attempts(paths: &[PathBuf], rule: &Rule, mut take: impl FnMut(&Episode, Standing)) -> anyhow::Result<()> {
    each(paths, rule, |source, scan| {
        let annotations = Annotations::read(source)?;
        scan.episodes.iter().for_each(|episode| take(episode, annotations.of(episode)));
        Ok(())
    })
}

/// The recording and the attempts that `names` name.
fn named(path: &PathBuf, names: &[String], rule: &Rule) -> anyhow::Result<Vec<(Source, Vec<Episode>)>> {
    let sources = select(std::slice::from_ref(path))?;
    let only = match &sources[..] {
        [only] => Some(only.name.clone()),
        _ => None,
    };
    let mut keys = Vec::new();
    for name in names {
        let text = match (&only, name.contains('/')) {
            (Some(recording), false) => format!("{recording}/{name}"),
            (None, false) => {
                bail!("{name} alone does not say in which recording: give it as RECORDING/{name}")
            }
            (_, true) => name.clone(),
        };
        keys.push(Key::try_from(text).map_err(anyhow::Error::msg)?);
    }
    let mut found = Vec::new();
    for source in sources {
        if !names.is_empty() && !keys.iter().any(|key| key.recording == source.name) {
            continue;
        }
        let mut episodes = scan(&source, rule, |_| {})?.episodes;
        episodes.retain(|episode| names.is_empty() || keys.contains(&episode.key));
        found.push((source, episodes));
    }
    let missing =
        keys.iter().find(|key| !found.iter().any(|(_, all)| all.iter().any(|one| one.key == **key)));
    match missing {
        Some(key) => Err(retake_dataset::DatasetError::NoSuchEpisode { key: key.to_string() }.into()),
        None => Ok(found),
    }
}

fn label(options: &options::Label) -> anyhow::Result<()> {
    let word = Word {
        verdict: options.verdict.clone(),
        discarded: (options.discard || options.undiscard).then_some(options.discard),
        tag: options.tag.clone(),
        untag: options.untag.clone(),
        note: options.note.clone(),
        round: options.round,
    };
    if word == Word::default() {
        bail!("nothing to say: give --verdict, --discard, --undiscard, --tag, --untag, --note or --round");
    }
    let now = retake_bus::wall_now();
    let mut count = 0;
    for (source, episodes) in named(&options.path, &options.attempts, &Rule::default())? {
        if episodes.is_empty() {
            continue;
        }
        let episodes: Vec<&Episode> = episodes.iter().collect();
        annotate(&source, &episodes, (&options.by, now), &word)?;
        count += episodes.len();
    }
    if count == 0 {
        bail!("there are no attempts in {}", options.path.display());
    }
    print(format!("said of {count} attempts\n"))
}

fn validate(options: &options::Look) -> anyhow::Result<Kept> {
    let mut validator = Validator::default();
    let (mut found, mut attempts) = (Vec::new(), 0);
    each(&options.paths, &options.rule.rule(), |source, scan| {
        attempts += scan.episodes.len();
        found.extend(validator.look(source, &scan)?);
        Ok(())
    })?;
    let serious = found.iter().filter(|finding| finding.serious).count();
    if options.json {
        print(serde_json::to_string_pretty(&found)? + "\n")?;
    } else {
        let mut text = String::new();
        let rows = found.iter().map(|finding| {
            let weight = if finding.serious { "spoils" } else { "note" };
            [weight.to_owned(), finding.about.clone(), finding.what.clone()]
        });
        retake_log::table(&mut text, ["", "where", "what"], rows.collect());
        print(format!("{text}\n{attempts} attempts, {serious} serious findings, {} in all\n", found.len()))?;
    }
    Ok(if serious == 0 { Kept::All } else { Kept::Spoilt })
}

fn merge_all(options: &options::Merge) -> anyhow::Result<()> {
    let sources = select(&options.paths)?;
    let progress = Progress::new("merging", sources.len() as u64);
    let mut done = 0;
    let merged = merge(&options.out, &sources, |name| {
        progress.at(done, name);
        done += 1;
    })?;
    drop(progress);
    print(format!(
        "{} recordings in {}: {} files linked, {} copied\n",
        merged.recordings,
        options.out.display(),
        merged.linked,
        merged.copied
    ))
}

/// What a scheme would make of the steps.
fn weights(options: &options::Weights) -> anyhow::Result<()> {
    let (survey, plan) = options.examples.weighed(&options.paths)?;
    print(if options.json {
        serde_json::to_string_pretty(&plan)? + "\n"
    } else {
        weights_text(&survey, &plan)
    })
}

fn split_all(options: &options::Split) -> anyhow::Result<()> {
    let mut keys = Vec::new();
    attempts(&options.paths, &Rule::default(), |episode, standing| {
        if !standing.discarded {
            keys.push(episode.key.clone());
        }
    })?;
    let text = serde_json::to_string_pretty(&split(&keys, options.valid, options.seed)?)? + "\n";
    match &options.out {
        None => print(text),
        Some(path) if path.exists() => bail!("{} is there already: choose another name", path.display()),
        Some(path) => fs::write(path, text).with_context(|| format!("write {}", path.display())),
    }
}
