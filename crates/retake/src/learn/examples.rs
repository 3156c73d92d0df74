//! Which steps teach, and how much.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use retake_dataset::{Key, Split, select};
use retake_examples::{Memory, Plan, Survey, survey};
use retake_weights::{Keep, Scheme};

use crate::{dataset::RuleOptions, progress::Progress};

/// Which attempts are learnt from, and how their steps are weighted.
#[derive(Debug, Args)]
pub(crate) struct ExamplesOptions {
    /// How steps are weighted: uniform, sirius, sirius:ratio=0.5,pre=0.002, iwr, hg-dagger, rac, or table:demo=1,correction=4,… with
    /// a weight for each class (policy, pre-intervention, recovery, correction, demo).
    #[arg(long, default_value = "sirius")]
    pub(crate) scheme: Scheme,
    /// Weights of classes from a TOML file with lines such as `correction = 4.0`, instead of a scheme.
    #[arg(long, value_name = "FILE", conflicts_with = "scheme")]
    pub(crate) table: Option<PathBuf>,
    /// Keep this share of the policy's own steps only, 0 to 1; what humans did is always kept.
    #[arg(long, value_name = "SHARE")]
    pub(crate) memory: Option<f64>,
    /// Which of them: newest, oldest, most-intervened, least-intervened, random.
    #[arg(long, value_name = "WHICH", default_value_t = Keep::MostIntervened, requires = "memory")]
    pub(crate) keep: Keep,
    /// Only attempts to train with, as `retake dataset split` drew them.
    #[arg(long, value_name = "FILE")]
    pub(crate) split: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) rule: RuleOptions,
}

impl ExamplesOptions {
    /// The scheme, from wherever it is given.
    pub(crate) fn scheme(&self) -> anyhow::Result<Scheme> {
        let Some(path) = &self.table else { return Ok(self.scheme.clone()) };
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let table: BTreeMap<String, f64> =
            toml::from_str(&text).with_context(|| format!("{} is no table of weights", path.display()))?;
        Scheme::table(&table).with_context(|| path.display().to_string())
    }

    pub(crate) fn memory(&self) -> anyhow::Result<Option<Memory>> {
        match self.memory {
            Some(share) if !(0.0..=1.0).contains(&share) => {
                bail!("--memory is a share between 0 and 1, and {share} is none")
            }
            Some(share) => Ok(Some(Memory { keep: self.keep, share, seed: 1 })),
            None => Ok(None),
        }
    }

    /// Reads what there is, and weighs it.
    pub(crate) fn weighed(&self, paths: &[PathBuf]) -> anyhow::Result<(Survey, Plan)> {
        let (scheme, memory) = (self.scheme()?, self.memory()?);
        let wanted: Option<Vec<Key>> = match &self.split {
            None => None,
            Some(path) => {
                let text =
                    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
                let split: Split = serde_json::from_str(&text).with_context(|| {
                    format!("{} was not written by `retake dataset split`", path.display())
                })?;
                Some(split.train)
            }
        };
        let sources = select(paths)?;
        let progress = Progress::new("reading", sources.len() as u64);
        let mut done = 0;
        let wanted = |key: &Key| wanted.as_ref().is_none_or(|keys| keys.contains(key));
        let mut survey = survey(sources, &self.rule.rule(), wanted, |name| {
            progress.at(done, name);
            done += 1;
        })?;
        drop(progress);
        let plan = survey.weigh(&scheme, memory)?;
        Ok((survey, plan))
    }
}

/// A table of what each class weighs, for people.
pub(crate) fn weights_text(survey: &Survey, plan: &Plan) -> String {
    let mut text = String::new();
    let attempts = survey.attempts().count();
    text += &format!("{attempts} attempts, {} steps", survey.steps());
    if survey.discarded > 0 {
        text += &format!("; {} discarded attempts left out", survey.discarded);
    }
    let (all, kept) = plan.policy_steps;
    if kept < all {
        text += &format!("; {kept} of {all} steps of the policy kept");
    }
    text += "\n";
    let mut rows = Vec::new();
    for (group, solution) in &plan.groups {
        for (class, of) in &solution.classes {
            rows.push([
                group.clone(),
                class.name().to_owned(),
                of.count.to_string(),
                format!("{:.1} %", 100.0 * of.share),
                format!("{:.1} %", 100.0 * of.target),
                format!("{:.1} %", 100.0 * of.mass),
                format!("{:.3}", of.weight),
            ]);
        }
    }
    retake_log::table(
        &mut text,
        ["group", "class", "steps", "share", "wanted", "of the loss", "weight"],
        rows,
    );
    for (group, solution) in &plan.groups {
        let total: u64 = solution.classes.values().map(|of| of.count).sum();
        text += &format!(
            "{group}: {} by {}; worth {:.0} of {total} steps of equal weight\n",
            solution.scheme,
            match solution.scheme.application() {
                retake_weights::Application::Loss => "weights of the loss",
                retake_weights::Application::Sampling => "how often steps are drawn",
            },
            solution.effective
        );
        for note in &solution.notes {
            text += &format!("  {note}\n");
        }
    }
    text
}
