//! From counts to weights.

use std::collections::BTreeMap;

use retake_labels::Class;
use serde::{Deserialize, Serialize};

use crate::Scheme;

/// No step teaches more than this many times the average: a handful of steps must not be all that a policy learns.
pub const CAP: f64 = 20.0;
/// What the policy's own steps keep at least where there are some: they hold the new policy near the old one.
const LEAST: f64 = 0.001;
/// Who takes, in this order, what others cannot carry.
const HEIRS: [Class; 4] = [Class::Demo, Class::Policy, Class::Correction, Class::Recovery];

/// What the steps of a class come to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassWeight {
    /// Steps that may teach.
    pub count: u64,
    /// Their share of all such steps.
    pub share: f64,
    /// The share of the loss that the scheme wants for them.
    pub target: f64,
    /// The share of the loss that they get.
    pub mass: f64,
    /// Weight of each of them.
    pub weight: f64,
}

/// Weights that a scheme came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Solution {
    /// The scheme.
    pub scheme: Scheme,
    /// Per class of which there are steps that may teach.
    pub classes: BTreeMap<Class, ClassWeight>,
    /// As many steps of equal weight say as much: (Σw)²/Σw².
    pub effective: f64,
    /// Where the scheme could not be had as it is, and what was done instead.
    pub notes: Vec<String>,
}

/// No weights can be given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightError {
    /// None of the steps may teach.
    #[error("{0} learns from none of these steps: there is no step of a class that it uses")]
    Nothing(String),
}

impl Solution {
    /// Weight of a step; `untouched_success` says of its attempt that it succeeded without a human's hand.
    pub fn weight(&self, class: Class, untouched_success: bool) -> f64 {
        let known = self.classes.get(&class).filter(|_| self.scheme.learns(class, untouched_success));
        known.map_or(0.0, |class| class.weight)
    }
}

/// Weights of the steps of each class, with the mean 1 over all steps that the scheme [learns](Scheme::learns) from. `counts` are of
/// those only.
///
/// Where the scheme cannot be had: without interventions all weigh alike; a class that is missing leaves its share to
/// demonstrations, then to the policy; demonstrations leave the policy's steps at least a thousandth; what goes beyond [`CAP`]
/// goes the same way, and if nobody can carry it, the mean falls below 1. Each of it is noted.
///
/// # Errors
/// If nothing may teach.
pub fn solve(scheme: &Scheme, counts: &BTreeMap<Class, u64>) -> Result<Solution, WeightError> {
    let total: u64 = counts.values().sum();
    if total == 0 {
        return Err(WeightError::Nothing(scheme.to_string()));
    }
    let shares: Shares = counts
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(class, count)| (*class, *count as f64 / total as f64))
        .collect();
    let mut notes = Vec::new();
    let target =
        target(scheme, &shares, &mut notes).ok_or_else(|| WeightError::Nothing(scheme.to_string()))?;
    let mass = capped(target.clone(), &shares, &mut notes);
    let of = |class: &Class, from: &Shares| from.get(class).copied().unwrap_or(0.0);
    let classes: BTreeMap<Class, ClassWeight> = shares
        .iter()
        .map(|(class, share)| {
            let count = counts.get(class).copied().unwrap_or(0);
            let (target, mass) = (of(class, &target), of(class, &mass));
            (*class, ClassWeight { count, share: *share, target, mass, weight: mass / share })
        })
        .collect();
    let sum =
        |power: i32| classes.values().map(|class| class.count as f64 * class.weight.powi(power)).sum::<f64>();
    let effective = sum(1).powi(2) / sum(2);
    Ok(Solution { scheme: scheme.clone(), classes, effective, notes })
}

type Shares = BTreeMap<Class, f64>;

/// The shares of the loss that the scheme wants; none if nobody has any.
fn target(scheme: &Scheme, shares: &Shares, notes: &mut Vec<String>) -> Option<Shares> {
    let by_hand = share_of(shares, &BY_HAND);
    let wanted = match scheme {
        Scheme::Uniform | Scheme::HgDagger | Scheme::Rac => shares.clone(),
        Scheme::Table(table) => {
            let raw: Shares = shares
                .iter()
                .map(|(class, share)| (*class, share * table.get(class).unwrap_or(&0.0)))
                .collect();
            let sum: f64 = raw.values().sum();
            if sum <= 0.0 {
                return None;
            }
            raw.into_iter().map(|(class, mass)| (class, mass / sum)).collect()
        }
        Scheme::Sirius { .. } | Scheme::Iwr if by_hand == 0.0 => {
            notes.push("there are no interventions: all steps weigh alike".into());
            shares.clone()
        }
        Scheme::Sirius { ratio, pre } => sirius(shares, *ratio, *pre, notes),
        Scheme::Iwr => {
            if by_hand == 1.0 {
                notes.push("there is nothing but interventions: all weigh alike".into());
            }
            let half = |class: Class, share: f64| {
                if by_hand == 1.0 {
                    share
                } else if BY_HAND.contains(&class) {
                    0.5 * share / by_hand
                } else {
                    0.5 * share / (1.0 - by_hand)
                }
            };
            shares.iter().map(|(class, share)| (*class, half(*class, *share))).collect()
        }
    };
    Some(wanted)
}

const BY_HAND: [Class; 2] = [Class::Recovery, Class::Correction];

fn share_of(shares: &Shares, classes: &[Class]) -> f64 {
    classes.iter().filter_map(|class| shares.get(class)).sum()
}

fn sirius(shares: &Shares, ratio: f64, pre: f64, notes: &mut Vec<String>) -> Shares {
    let share = |class: Class| shares.get(&class).copied().unwrap_or(0.0);
    let (by_hand, policy, demo) = (share_of(shares, &BY_HAND), share(Class::Policy), share(Class::Demo));
    let pre = if share(Class::PreIntervention) > 0.0 { pre } else { 0.0 };
    let rest = 1.0 - ratio - pre;
    let (ratio, demos) = if policy == 0.0 && demo == 0.0 {
        notes.push("there is nothing but interventions: they have the whole loss".into());
        (1.0 - pre, 0.0)
    } else if policy == 0.0 {
        notes.push("there are no steps of the policy: demonstrations have their share".into());
        (ratio, rest)
    } else if demo > rest - LEAST {
        notes.push(format!(
            "demonstrations are {:.1} % of the steps: they get what interventions leave, {:.1} %",
            100.0 * demo,
            100.0 * rest
        ));
        (ratio, (rest - LEAST).max(0.0))
    } else {
        (ratio, demo)
    };
    let policies = if policy == 0.0 { 0.0 } else { rest - demos };
    let wanted = |class: Class, share: f64| match class {
        Class::Demo => demos,
        Class::Policy => policies,
        Class::PreIntervention => pre,
        Class::Recovery | Class::Correction => ratio * share / by_hand,
        Class::Idle | Class::Rewind => 0.0,
    };
    shares.iter().map(|(class, share)| (*class, wanted(*class, *share))).collect()
}

/// Takes from each class what would make its steps weigh more than [`CAP`], and gives it to those who can carry it.
fn capped(mut mass: Shares, shares: &Shares, notes: &mut Vec<String>) -> Shares {
    let mut left = 0.0;
    for (class, mass) in &mut mass {
        let most = CAP * shares.get(class).copied().unwrap_or(0.0);
        if *mass > most {
            notes.push(format!(
                "steps of {} would weigh {:.1} each: held at {CAP}",
                class.name(),
                CAP * *mass / most
            ));
            left += *mass - most;
            *mass = most;
        }
    }
    for class in HEIRS {
        let Some(mass) = mass.get_mut(&class) else { continue };
        let room = CAP * shares.get(&class).copied().unwrap_or(0.0) - *mass;
        // Who has nothing is not wanted, and inherits nothing.
        if *mass > 0.0 && room > 0.0 {
            let taken = left.min(room);
            *mass += taken;
            left -= taken;
        }
    }
    if left > 1e-12 {
        notes.push(format!(
            "{:.1} % of the loss could be given to nobody: the mean weight is below 1",
            100.0 * left
        ));
    }
    mass
}
