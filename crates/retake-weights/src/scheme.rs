//! Ways of weighting, by name.

use std::{collections::BTreeMap, fmt, str::FromStr};

use retake_labels::Class;
use serde::{Deserialize, Serialize};

/// How steps are weighted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String")]
#[serde(try_from = "String")]
pub enum Scheme {
    /// Everything that somebody drove counts alike: plain behavioural cloning.
    Uniform,
    /// Sirius (Liu et al., 2022): interventions make up a fixed share of the loss, demonstrations keep theirs, what led to an
    /// intervention has next to none, and the policy's own steps have the rest.
    Sirius {
        /// Share of interventions; 0.5 in the paper.
        ratio: f64,
        /// Share of the steps before interventions: 0 in the paper, 0.002 in the code that was published with it.
        pre: f64,
    },
    /// Intervention weighted regression (Mandlekar et al., 2020): half of the draws are interventions, half everything else.
    Iwr,
    /// HG-DAgger (Kelly et al., 2018): only what humans did, all of it alike.
    HgDagger,
    /// RaC (2025): demonstrations, recoveries and corrections alike; the policy's steps only from successes that no human touched.
    Rac,
    /// A weight for each class, relative to each other; classes that are not named weigh nothing.
    Table(BTreeMap<Class, f64>),
}

/// What a trainer does with the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Application {
    /// Every step is drawn alike, and its loss multiplied.
    Loss,
    /// Steps are drawn, with replacement, as often as their weights say.
    Sampling,
}

/// A scheme that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no weighting scheme: {why}; use uniform, sirius, sirius:ratio=0.5,pre=0.002, iwr, hg-dagger, rac, or a table"
)]
pub struct SchemeError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub why: String,
}

impl Scheme {
    /// Sirius as in its paper.
    pub const SIRIUS: Self = Self::Sirius { ratio: 0.5, pre: 0.0 };

    /// What its inventors do with the weights.
    pub const fn application(&self) -> Application {
        match self {
            Self::Iwr => Application::Sampling,
            Self::Uniform | Self::Sirius { .. } | Self::HgDagger | Self::Rac | Self::Table(_) => {
                Application::Loss
            }
        }
    }

    /// Whether a step may teach at all, and so counts among those that the weights are about. Nothing is ever learnt from standing
    /// still and from going back by rewind.
    pub fn learns(&self, class: Class, untouched_success: bool) -> bool {
        let (policy, pre) = match self {
            Self::Uniform | Self::Sirius { .. } | Self::Iwr => (true, true),
            Self::HgDagger => (false, false),
            Self::Rac => (untouched_success, false),
            Self::Table(table) => return table.contains_key(&class),
        };
        match class {
            Class::Idle | Class::Rewind => false,
            Class::Policy => policy,
            Class::PreIntervention => pre,
            Class::Recovery | Class::Correction | Class::Demo => true,
        }
    }

    /// A table of weights by the names of classes.
    ///
    /// # Errors
    /// If a name is no class, a weight is negative or no number, or all are nothing.
    pub fn table(weights: &BTreeMap<String, f64>) -> Result<Self, SchemeError> {
        let wrong = |why: String| SchemeError { text: "table".into(), why };
        let mut table = BTreeMap::new();
        for (name, weight) in weights {
            let class = Class::ALL.into_iter().find(|class| class.name() == name);
            let class = class.ok_or_else(|| {
                wrong(format!("{name:?} is no class; classes are {}", Class::ALL.map(Class::name).join(", ")))
            })?;
            if matches!(class, Class::Idle | Class::Rewind) {
                return Err(wrong(format!("nothing is to be learnt from steps of {name}: leave it out")));
            }
            if !(weight.is_finite() && *weight >= 0.0) {
                return Err(wrong(format!(
                    "the weight of {name} is {weight}; it must be a number, and not negative"
                )));
            }
            table.insert(class, *weight);
        }
        if table.values().any(|weight| *weight > 0.0) {
            Ok(Self::Table(table))
        } else {
            Err(wrong("no class weighs anything".into()))
        }
    }

    fn sirius(options: &str) -> Result<Self, String> {
        let (mut ratio, mut pre) = (0.5, 0.0);
        for option in options.split(',').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').ok_or(format!("{option:?} has no value"))?;
            let value: f64 = value.parse().map_err(|_error| format!("{value:?} is no number"))?;
            match name {
                "ratio" if value > 0.0 && value < 1.0 => ratio = value,
                "pre" if (0.0..1.0).contains(&value) => pre = value,
                "ratio" | "pre" => return Err(format!("{name} must be a share, and {value} is none")),
                _ => return Err(format!("it has ratio and pre, but no {name:?}")),
            }
        }
        if ratio + pre < 1.0 {
            Ok(Self::Sirius { ratio, pre })
        } else {
            Err("ratio and pre leave nothing for the policy".into())
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Sirius { .. } if *self == Self::SIRIUS => f.write_str("sirius"),
            Self::Sirius { ratio, pre } => write!(f, "sirius:ratio={ratio},pre={pre}"),
            Self::Iwr => f.write_str("iwr"),
            Self::HgDagger => f.write_str("hg-dagger"),
            Self::Rac => f.write_str("rac"),
            Self::Table(table) => {
                let entries: Vec<_> =
                    table.iter().map(|(class, weight)| format!("{}={weight}", class.name())).collect();
                write!(f, "table:{}", entries.join(","))
            }
        }
    }
}

impl FromStr for Scheme {
    type Err = SchemeError;

    fn from_str(text: &str) -> Result<Self, SchemeError> {
        let wrong = |why: String| SchemeError { text: text.to_owned(), why };
        let (name, options) = text.split_once(':').unwrap_or((text, ""));
        let plain = |scheme: Self| {
            if options.is_empty() { Ok(scheme) } else { Err(wrong(format!("{name} has no options"))) }
        };
        match name {
            "uniform" => plain(Self::Uniform),
            "sirius" => Self::sirius(options).map_err(wrong),
            "iwr" => plain(Self::Iwr),
            "hg-dagger" => plain(Self::HgDagger),
            "rac" => plain(Self::Rac),
            "table" => {
                let entry = |entry: &str| {
                    let (name, value) =
                        entry.split_once('=').ok_or(wrong(format!("{entry:?} has no value")))?;
                    let value = value.parse().map_err(|_error| wrong(format!("{value:?} is no number")))?;
                    Ok((name.to_owned(), value))
                };
                Self::table(&options.split(',').map(entry).collect::<Result<_, SchemeError>>()?)
            }
            _ => Err(wrong("there is none of that name".into())),
        }
    }
}

impl From<Scheme> for String {
    fn from(scheme: Scheme) -> Self {
        scheme.to_string()
    }
}

impl TryFrom<String> for Scheme {
    type Error = SchemeError;

    fn try_from(text: String) -> Result<Self, SchemeError> {
        text.parse()
    }
}
