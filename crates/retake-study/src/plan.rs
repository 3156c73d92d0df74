//! What a study is to do, as it stands in `STUDY.toml`.

use std::collections::BTreeSet;
use std::time::Duration;

use retake_labels::Rule;
use retake_weights::{Keep, Scheme};
use serde::{Deserialize, Serialize};

use crate::StudyError;
use crate::attempt::Rules;
use crate::task::RATE;

/// Most of anything that a plan may ask for, so that a slip of the finger does not ask for a year.
const MOST: u32 = 100_000;

/// A whole study: methods × operators × seeds, in rounds of deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Its name.
    pub name: String,
    /// Repetitions.
    #[serde(default = "ten")]
    pub seeds: u32,
    /// Number of the first repetition: another gives another study of the same plan.
    #[serde(default)]
    pub first_seed: u32,
    /// Rounds of deployment after the demonstrations.
    #[serde(default = "three")]
    pub rounds: u32,
    /// Demonstrations before the first round. To be chosen so that the policy learnt from them alone succeeds in 35 to 65 % of
    /// its episodes.
    pub demonstrations: u32,
    /// Episodes in which each policy is judged, driving alone: the same scenes for all.
    #[serde(default = "four_hundred")]
    pub evaluations: u32,
    /// A round ends when humans have driven for this share of the steps of the demonstrations.
    #[serde(default = "third")]
    pub budget: f64,
    /// A round ends after this many episodes, too, however little help the policy needed.
    #[serde(default = "four_hundred")]
    pub most_episodes: u32,
    /// Standard deviation of the noise of a human's hand, as a share of full speed.
    #[serde(default = "noise")]
    pub hand_noise: f64,
    /// What the training of each round begins with.
    #[serde(default)]
    pub start: Start,
    /// How policies learn.
    #[serde(default)]
    pub learning: crate::networks::Learning,
    /// Who supervises.
    #[serde(rename = "operator")]
    pub operators: Vec<Operator>,
    /// What is compared.
    #[serde(rename = "method")]
    pub methods: Vec<Method>,
    /// Which differences are reported.
    #[serde(default, rename = "compare")]
    pub comparisons: Vec<Comparison>,
}

/// What the training of a round begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// New random weights.
    #[default]
    Scratch,
    /// The method's policy of the round before.
    Last,
}

/// A scripted supervisor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// Its name.
    pub name: String,
    /// How long trouble lasts before it acts: whole steps of 50 ms.
    #[serde(with = "humantime_serde")]
    pub delay: Duration,
}

/// A way from recordings to a policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// How steps are weighted.
    pub scheme: Scheme,
    /// The method on whose deployments this one learns; without, it deploys its own policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// How far back of an intervention the policy's steps count as what led to it.
    #[serde(default = "window", with = "humantime_serde")]
    pub window: Duration,
    /// Which of the policy's steps are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// What the operator does after a takeover.
    #[serde(default)]
    pub rules: Rules,
    /// Whether the robot first goes back along its path.
    #[serde(default)]
    pub rewind: bool,
}

/// A bounded memory. What humans did is never dropped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Which of the policy's steps are kept.
    pub keep: Keep,
    /// How many of them, as a share of all so far.
    pub share: f64,
}

/// A difference to report: success of `better` minus that of `than`, of the same seed, operator and round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// A method.
    pub better: String,
    /// The method it is compared with.
    pub than: String,
    /// Its last round is what the study was made for, decided before it was run.
    #[serde(default)]
    pub primary: bool,
}

impl Study {
    /// Reads and checks a plan.
    ///
    /// # Errors
    /// If the text is no plan, or asks for what cannot be done.
    pub fn from_toml(text: &str) -> Result<Self, StudyError> {
        let study: Self = toml::from_str(text).map_err(|error| StudyError::Plan(error.to_string()))?;
        study.check()?;
        Ok(study)
    }

    /// Whether it can be done.
    ///
    /// # Errors
    /// What cannot be done, and what to change.
    pub fn check(&self) -> Result<(), StudyError> {
        let bounded = [
            ("seeds", self.seeds, 1),
            ("first_seed", self.first_seed, 0),
            ("rounds", self.rounds, 0),
            ("demonstrations", self.demonstrations, 1),
            ("evaluations", self.evaluations, 1),
            ("most_episodes", self.most_episodes, 1),
        ];
        for (name, value, least) in bounded {
            demand((least..=MOST).contains(&value), || {
                format!("{name} is {value}; it must be {least} to {MOST}")
            })?;
        }
        demand(self.budget > 0.0 && self.budget <= 100.0, || {
            format!("budget is {}; it must be above 0 and at most 100", self.budget)
        })?;
        demand((0.0..=1.0).contains(&self.hand_noise), || {
            format!("hand_noise is {}; it must be 0 to 1", self.hand_noise)
        })?;
        distinct("operator", self.operators.iter().map(|operator| &operator.name))?;
        distinct("method", self.methods.iter().map(|method| &method.name))?;
        self.learning.check()?;
        self.operators.iter().try_for_each(|operator| operator.steps().map(|_| ()))?;
        self.methods.iter().try_for_each(|method| self.check_method(method))?;
        self.comparisons.iter().try_for_each(|comparison| self.check_comparison(comparison))
    }

    fn check_method(&self, method: &Method) -> Result<(), StudyError> {
        let name = &method.name;
        if let Some(source) = &method.data {
            let own = self.method(source)?.data.is_none();
            demand(own, || format!("{name} learns on {source}'s data, but {source} deploys nothing itself"))?;
            demand(method.rules == Rules::Free && !method.rewind, || {
                format!("{name} learns on {source}'s data: set rules and rewind there")
            })?;
        }
        demand(!(method.rules == Rules::Demonstrate && method.rewind), || {
            format!("{name} only demonstrates: there is nothing to rewind")
        })?;
        demand(method.window <= Duration::from_secs(60), || format!("{name}: a window of at most 60s"))?;
        let share = method.memory.map_or(1.0, |memory| memory.share);
        demand((0.0..=1.0).contains(&share), || format!("{name}: memory.share is {share}; it must be 0 to 1"))
    }

    fn check_comparison(&self, comparison: &Comparison) -> Result<(), StudyError> {
        self.method(&comparison.better)?;
        self.method(&comparison.than)?;
        demand(comparison.better != comparison.than, || {
            format!("{} is compared with itself", comparison.than)
        })
    }

    /// The method of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn method(&self, name: &str) -> Result<&Method, StudyError> {
        let found = self.methods.iter().find(|method| method.name == name);
        found.ok_or_else(|| {
            let known: Vec<_> = self.methods.iter().map(|method| method.name.as_str()).collect();
            StudyError::Plan(format!("there is no method {name:?}; there are {}", known.join(", ")))
        })
    }
}

impl Operator {
    /// Its delay in steps.
    ///
    /// # Errors
    /// If it is not a whole number of them, or too long.
    pub fn steps(&self) -> Result<usize, StudyError> {
        let period = Duration::from_secs(1) / RATE;
        let whole =
            self.delay.as_nanos().is_multiple_of(period.as_nanos()) && self.delay <= Duration::from_secs(60);
        demand(whole, || {
            format!("operator {}: its delay must be a multiple of 50ms and at most 60s", self.name)
        })?;
        usize::try_from(self.delay.as_nanos() / period.as_nanos())
            .map_err(|error| StudyError::Plan(error.to_string()))
    }
}

impl Method {
    /// How its steps are labelled.
    pub(crate) fn rule(&self) -> Rule {
        Rule { pre_intervention: self.window, ..Rule::default() }
    }
}

fn demand(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), StudyError> {
    if holds { Ok(()) } else { Err(StudyError::Plan(otherwise())) }
}

fn distinct<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<(), StudyError> {
    let mut seen = BTreeSet::new();
    for name in names {
        demand(!name.is_empty() && name.len() <= 100 && !name.contains(['\n', '|', '"', ',']), || {
            format!("{name:?} is no name for a {what}: 1 to 100 characters, without quotes, commas and bars")
        })?;
        demand(seen.insert(name), || format!("there are two of the {what} {name:?}"))?;
    }
    demand(!seen.is_empty(), || format!("there must be a [[{what}]]"))
}

fn ten() -> u32 {
    10
}
fn three() -> u32 {
    3
}
fn four_hundred() -> u32 {
    400
}
fn third() -> f64 {
    1.0 / 3.0
}
fn noise() -> f64 {
    0.15
}
fn window() -> Duration {
    Rule::default().pre_intervention
}
