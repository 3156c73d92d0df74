//! `retake train`.

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use retake_bus::StopFlag;
use retake_examples::{Examples, Plan, Survey, gather};
use retake_learn::{
    About, End, Keep, Manifest, Network, Policy, Resume, Samples, Shape, Start, TrainConfig, Trained, Use,
    train,
};
use retake_policy::{Store, about};
use retake_viz::{Curve, View, Viz};
use retake_weights::Application;
use serde::Serialize;
use serde_json::json;

use super::{
    ExamplesOptions,
    options::{ApplyOption, FitOptions, NetworkOption, TrainOptions},
    weights_text,
};
use crate::{log::print, progress::Progress};

/// Least standard deviation of a Gaussian, as robomimic has it.
const MIN_STD: f64 = 1e-4;
/// Euler steps from noise to a chunk, as in RaC.
const INTEGRATION: usize = 10;
const VALIDATE_EVERY: u64 = 250;

/// What a training came to.
#[derive(Serialize)]
struct Report<'a> {
    checkpoint: &'a Path,
    attempts: usize,
    examples: usize,
    left_out: retake_examples::Left,
    weights: &'a Plan,
    manifest: &'a Manifest,
}

/// What is trained on.
pub(super) struct Lesson {
    pub(super) survey: Survey,
    pub(super) plan: Plan,
    samples: Samples,
    left: retake_examples::Left,
}

/// Trains a policy on recordings.
pub(crate) fn run(options: &TrainOptions) -> anyhow::Result<()> {
    let config = config(&options.fit, &options.examples)?;
    check_plot(options.plot.as_deref())?;
    let start = match (&options.from, options.resume) {
        (_, true) => Start::Resume(Box::new(Resume::load(&options.out)?)),
        (Some(dir), false) => Start::From(Box::new(Policy::load(dir)?.0)),
        (None, false) => Start::Scratch,
    };
    let lesson = Lesson::new(options.examples.weighed(&options.data)?)?;
    if !options.json {
        print(weights_text(&lesson.survey, &lesson.plan))?;
    }
    let stop = StopFlag::on_signals().context("cannot listen for Ctrl-C")?;
    let trained = lesson.fit(&config, start, &stop)?;
    let stopped = trained.record().end == End::Stopped;
    let keep = if stopped { Keep::Training } else { Keep::Policy };
    let manifest = trained.save(&options.out, &lesson.described(&options.examples)?, keep)?;
    let report = Report {
        checkpoint: &options.out,
        attempts: lesson.survey.attempts().count(),
        examples: lesson.samples.len(),
        left_out: lesson.left,
        weights: &lesson.plan,
        manifest: &manifest,
    };
    write_reports(options, &report, &weights_text(&lesson.survey, &lesson.plan))?;
    if options.json {
        print(serde_json::to_string_pretty(&report)? + "\n")?
    } else {
        print(summary(&report))?
    }
    if stopped {
        bail!(
            "stopped after {} steps, and saved; the same command with --resume goes on",
            manifest.record.step
        );
    }
    if options.announce {
        announce(&options.out)?;
    }
    Ok(())
}

/// How to train, as the command line says.
pub(super) fn config(options: &FitOptions, examples: &ExamplesOptions) -> anyhow::Result<TrainConfig> {
    let network = match options.network {
        NetworkOption::Mixture => {
            Network::Mixture { hidden: options.hidden.clone(), modes: options.modes, min_std: MIN_STD }
        }
        NetworkOption::Chunk => Network::Chunk {
            hidden: options.hidden.clone(),
            horizon: options.horizon,
            integration: INTEGRATION,
        },
    };
    let weights = match (options.apply, examples.scheme()?.application()) {
        (Some(ApplyOption::Loss), _) | (None, Application::Loss) => Use::Loss,
        (Some(ApplyOption::Sampling), _) | (None, Application::Sampling) => Use::Sampling,
    };
    let config = TrainConfig {
        network,
        learning_rate: options.learning_rate,
        batch: options.batch,
        steps: options.steps,
        seed: options.seed,
        weights,
        validation: options.validation,
        validate_every: VALIDATE_EVERY.min(options.steps.max(1)),
        patience: options.patience,
        ..TrainConfig::default()
    };
    config.check()?;
    Ok(config)
}

impl Lesson {
    pub(super) fn new((survey, plan): (Survey, Plan)) -> anyhow::Result<Self> {
        let progress = Progress::new("gathering", survey.steps() as u64);
        let Examples { observations, actions, weights, episodes, left, .. } =
            gather(&survey, &plan, |read| progress.at(read, "gathering"))?;
        drop(progress);
        let (space, features) = retake_features::Actions::new(&survey.robot)?;
        let shape = Shape { observations: features.width(), groups: space.sizes().to_vec() };
        let samples = Samples::new(shape, observations, actions, weights, episodes)?;
        Ok(Self { survey, plan, samples, left })
    }

    /// Trains with a bar, until it is done or told to stop.
    pub(super) fn fit(&self, config: &TrainConfig, start: Start, stop: &StopFlag) -> anyhow::Result<Trained> {
        let progress = Progress::new("training", config.steps);
        let mut validation = String::new();
        Ok(train(&self.samples, config, start, &mut |at| {
            if let Some(loss) = at.validation {
                validation = format!(", held out {loss:.3}");
            }
            if at.step % 25 == 0 || at.validation.is_some() {
                progress.at(at.step, &format!("training: loss {:.3}{validation}", at.loss));
            }
            if stop.is_set() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?)
    }

    /// What a checkpoint is to say of itself.
    pub(super) fn described(&self, options: &ExamplesOptions) -> anyhow::Result<About> {
        let mut described = about(&self.survey.robot)?;
        described.insert("scheme".into(), json!(options.scheme()?));
        described.insert("weights".into(), json!(self.plan));
        described.insert("memory".into(), json!(options.memory()?));
        let labels = json!({ "version": retake_labels::VERSION, "rule": options.rule.rule() });
        described.insert("labels".into(), labels);
        described.insert("attempts".into(), json!(self.survey.attempts().count()));
        Ok(described)
    }
}

#[expect(clippy::print_stderr, reason = "what becomes of the policy")]
fn announce(out: &Path) -> anyhow::Result<()> {
    let name =
        out.file_name().context("the checkpoint has no name to announce")?.to_string_lossy().into_owned();
    Store::of(out).announce(&name)?;
    eprintln!("announced: served from the next episode on");
    Ok(())
}

fn check_plot(plot: Option<&Path>) -> anyhow::Result<()> {
    match plot {
        Some(path) if path.extension().is_none_or(|extension| extension != "rrd") => {
            bail!("{} does not end in .rrd, by which Rerun knows its files", path.display())
        }
        Some(_) | None => Ok(()),
    }
}

/// Beside the checkpoint, which holds nothing but itself.
fn write_reports(options: &TrainOptions, report: &Report<'_>, weights: &str) -> anyhow::Result<()> {
    let beside = |ending: &str| -> PathBuf {
        let mut name = options.out.file_name().unwrap_or_default().to_owned();
        name.push(ending);
        options.out.with_file_name(name)
    };
    let write = |ending: &str, text: String| {
        let path = beside(ending);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    write(".json", serde_json::to_string_pretty(report)? + "\n")?;
    write(".md", markdown(report, weights))?;
    if let Some(path) = &options.plot {
        let history = &report.manifest.record.history;
        let curve =
            |name: &str, points: Vec<(i64, f64)>| Curve { chart: "loss".into(), name: name.into(), points };
        let step = |step: u64| i64::try_from(step).unwrap_or(i64::MAX);
        let curves = [
            curve("training", history.iter().map(|point| (step(point.step), point.loss)).collect()),
            curve(
                "held out",
                history.iter().filter_map(|point| Some((step(point.step), point.validation?))).collect(),
            ),
        ];
        Viz::open(&View::File(path.clone()), "retake train")?.draw("step", &curves)?;
    }
    Ok(())
}

fn summary(report: &Report<'_>) -> String {
    let record = &report.manifest.record;
    let why = match record.end {
        End::Steps => "all steps done",
        End::Patience => "no longer getting better",
        End::Stopped => "stopped",
    };
    let last = record.history.last();
    let loss = last.map_or_else(String::new, |point| format!(", loss {:.3}", point.loss));
    let best = record.best.map_or_else(String::new, |best| {
        format!(", held out {:.3} at step {}, which is kept", best.loss, best.step)
    });
    let left = report.left_out;
    format!(
        "{} examples; left out: {} that the scheme does not learn from, {} forgotten, {} unusable, {} with nothing after them\n\
         {}: {} steps ({why}){loss}{best}\n",
        report.examples,
        left.unlearnt,
        left.forgotten,
        left.unusable,
        left.last,
        report.checkpoint.display(),
        record.step,
    )
}

fn markdown(report: &Report<'_>, weights: &str) -> String {
    let mut text = format!(
        "# {}\n\n```\n{weights}```\n\n```\n{}```\n\n| step | loss | held out |\n|---:|---:|---:|\n",
        report.checkpoint.file_name().unwrap_or_default().to_string_lossy(),
        summary(report)
    );
    for point in &report.manifest.record.history {
        let validation = point.validation.map_or_else(|| "-".to_owned(), |loss| format!("{loss:.4}"));
        text += &format!("| {} | {:.4} | {validation} |\n", point.step, point.loss);
    }
    text
}
