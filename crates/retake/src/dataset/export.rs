use std::{cell::RefCell, collections::BTreeMap, fs, num::NonZeroUsize, path::Path};

use anyhow::{Context as _, bail};
use retake_dataset::{Episode, Key, Source, Split, Standing, select};
use retake_labels::Class;
use retake_lerobot::{Pictures, usual};
use retake_robomimic as robomimic;

use super::{
    options::{Export, Format, PictureOption},
    weigh::Weighing,
};
use crate::{log::print, progress::Progress};

pub(super) fn run(options: &Export) -> anyhow::Result<()> {
    let sources = select(&options.paths)?;
    match options.format {
        Format::LerobotV3 => lerobot(options, &sources),
        Format::Robomimic => hdf5(options, &sources),
    }
}

/// Which attempts, as the command line says.
fn chooser(options: &Export) -> impl Fn(&Episode, &Standing) -> Result<(), String> {
    let (verdict, wanted, unwanted) =
        (options.verdict.clone(), options.tag.clone(), options.without_tag.clone());
    move |episode, standing| {
        usual(episode, standing)?;
        if let Some(verdict) = verdict.as_ref().filter(|verdict| **verdict != standing.verdict) {
            return Err(format!("its verdict is not {verdict}"));
        }
        if let Some(tag) = wanted.iter().find(|tag| !standing.tags.contains(*tag)) {
            return Err(format!("it has not the tag {tag}"));
        }
        match unwanted.iter().find(|tag| standing.tags.contains(*tag)) {
            Some(tag) => Err(format!("it has the tag {tag}")),
            None => Ok(()),
        }
    }
}

fn chosen(options: &Export) -> String {
    let mut words = vec!["usual".to_owned()];
    words.extend(options.verdict.iter().map(|verdict| format!("verdict {verdict}")));
    words.extend(options.tag.iter().map(|tag| format!("tag {tag}")));
    words.extend(options.without_tag.iter().map(|tag| format!("no tag {tag}")));
    words.join(", ")
}

fn lerobot_options<'a>(
    options: &'a Export,
    choose: &'a dyn Fn(&Episode, &Standing) -> Result<(), String>,
) -> retake_lerobot::Options<'a> {
    retake_lerobot::Options {
        choose,
        every: options.every,
        pictures: match options.pictures.unwrap_or(PictureOption::Video) {
            PictureOption::Video => Pictures::Video,
            PictureOption::Image => Pictures::Image,
            PictureOption::None => Pictures::None,
        },
        twin: options.twin,
        round: options.round,
        task: options.task.as_deref(),
        robot_type: options.robot_type.as_deref(),
        rule: options.rule.rule(),
        ..retake_lerobot::Options::default()
    }
}

/// What weighs the steps, if anything does.
fn weighing(options: &Export, sources: &[Source]) -> anyhow::Result<Option<Weighing>> {
    let Some(scheme) = &options.weigh else { return Ok(None) };
    Weighing::new(sources, (&options.rule.rule(), scheme), chooser(options)).map(Some)
}

fn lerobot(options: &Export, sources: &[Source]) -> anyhow::Result<()> {
    let (choose, name) = (chooser(options), chosen(options));
    let weighing = weighing(options, sources)?;
    let weigh = weighing.as_ref().map(|weighing| |key: &Key, row: usize| weighing.of(key, row));
    let scheme = options.weigh.as_ref().map(ToString::to_string).unwrap_or_default();
    let weights = weigh.as_ref().map(|of| retake_lerobot::Weights { name: &scheme, of });
    if let Some(dir) = &options.expected {
        retake_lerobot::expected(
            sources,
            &retake_lerobot::Options { weights, ..lerobot_options(options, &choose) },
            dir,
        )?;
    }
    let given = retake_lerobot::Options { chosen: &name, weights, ..lerobot_options(options, &choose) };
    let progress = Progress::new("exporting", 0);
    let done = retake_lerobot::export(sources, &given, &options.out, |rows, all| progress.of(rows, all))?;
    drop(progress);
    if let Some(chunk) = options.progress {
        retake_lerobot::write_progress(&options.out, chunk)?;
    }
    let mut text = String::new();
    if let Some(why) = &done.begun_anew {
        text += &format!("an interrupted export was begun anew: {why}\n");
    } else if done.resumed_rows > 0 {
        text += &format!("gone on after {} rows of an interrupted export\n", done.resumed_rows);
    }
    for (key, why) in &done.left_out.told {
        text += &format!("left out: {key}: {why}\n");
    }
    let found = &done.verified;
    let size = found.bytes as f64 / 1e6;
    text += &format!(
        "{}: {} attempts, {} rows, {} video frames, {size:.1} MB, read again and found sound; {} attempts left out\n",
        options.out.display(),
        found.episodes,
        found.rows,
        found.frames,
        done.left_out.count
    );
    if let Some(chunk) = options.progress {
        text += &format!(
            "weights for LeRobot's own training: lerobot-train --use_rabc=true, with a policy whose chunk_size is {chunk}\n"
        );
    }
    print(text)
}

fn hdf5(options: &Export, sources: &[Source]) -> anyhow::Result<()> {
    let split = options.split.as_deref().map(read_split).transpose()?;
    let choose = chooser(options);
    // The exporter says nothing of what this refuses.
    let refused: RefCell<BTreeMap<String, String>> = RefCell::default();
    let take = |episode: &Episode, standing: &Standing| match choose(episode, standing) {
        Ok(()) => true,
        Err(why) => {
            refused.borrow_mut().insert(episode.key.to_string(), why);
            false
        }
    };
    let Some(every) = usize::try_from(options.every).ok().and_then(NonZeroUsize::new) else {
        bail!("--every must be at least 1")
    };
    if options.progress.is_some() {
        bail!("--progress is for --format lerobot-v3; robomimic takes weights from --segments")
    }
    let weighing = weighing(options, sources)?;
    let weigh = weighing.as_ref().map(|weighing| |key: &Key, row: usize| weighing.of(key, row));
    let given = robomimic::Options {
        choose: robomimic::Choose::Where(&take),
        every,
        pictures: match options.pictures.unwrap_or(PictureOption::None) {
            PictureOption::Image => robomimic::Pictures::Observed,
            PictureOption::None => robomimic::Pictures::Off,
            PictureOption::Video => bail!("HDF5 has no video: choose --pictures image or none"),
        },
        actions: if options.plain_actions { robomimic::Actions::Plain } else { robomimic::Actions::Scaled },
        rule: options.rule.rule(),
        segments: options.segments,
        split: split.as_ref(),
        weights: weigh.as_ref().map(|of| of as robomimic::Weigh<'_>),
        ..robomimic::Options::new(&options.out)
    };
    if let Some(dir) = &options.expected {
        robomimic::expected(sources, &given, dir)?;
        // Asked again by the exporter.
        refused.take();
    }
    let progress = Progress::new("exporting", 0);
    let done = robomimic::export(sources, &given, |at| match at {
        robomimic::Progress::Scanning { recording, .. } => progress.say(recording),
        robomimic::Progress::Written { key, .. } => progress.say(&key.to_string()),
        robomimic::Progress::Verifying { demos, of } => progress.of(*demos as u64, *of as u64),
    })?;
    drop(progress);
    let classes: BTreeMap<Class, u64> = done.classes.clone();
    let classes: Vec<String> =
        classes.iter().map(|(class, steps)| format!("{} {steps}", class.name())).collect();
    let mut text = String::new();
    let mut left_out = refused.take();
    left_out.extend(done.skipped.iter().map(|skipped| (skipped.key.to_string(), skipped.why.clone())));
    for (key, why) in left_out.iter().take(20) {
        text += &format!("left out: {key}: {why}\n");
    }
    text += &format!(
        "{}: {} attempts, {} segments, {} steps ({}), {:.1} MB, read again and found sound; {} attempts left out\n",
        options.out.display(),
        done.episodes,
        done.segments,
        done.steps,
        classes.join(", "),
        done.bytes as f64 / 1e6,
        left_out.len()
    );
    if let Some(weights) = &done.weights {
        text += &format!("weights for train.data: {}\n", weights.display());
    }
    print(text)
}

fn read_split(path: &Path) -> anyhow::Result<Split> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is not what `retake dataset split` writes", path.display()))
}
