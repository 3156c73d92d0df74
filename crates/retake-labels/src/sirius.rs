//! How often steps of each class are to be learnt from: the weighting of Sirius (Liu et al., 2022).

use std::collections::BTreeMap;

use crate::Class;

/// How often steps of each class are to be drawn, as Sirius has it, from how many there are: half of all draws are interventions,
/// demonstrations keep their share, the policy has the rest, and what led to an intervention, going back and standing still none.
///
/// Without interventions, or without the policy's steps and demonstrations, all are drawn alike. Where demonstrations are more
/// than half, they take what is left and the policy's steps a thousandth. Classes that are not drawn are not in it; the others add
/// up to one.
pub fn shares(counts: &BTreeMap<Class, u64>) -> BTreeMap<Class, f64> {
    const INTERVENTIONS: f64 = 0.5;
    const LEAST: f64 = 0.001;
    let learnt = [Class::Policy, Class::Recovery, Class::Correction, Class::Demo];
    let count = |class: &Class| counts.get(class).copied().unwrap_or(0) as f64;
    let all: f64 = learnt.iter().map(count).sum();
    let by_hand = count(&Class::Recovery) + count(&Class::Correction);
    let (policy, demo) = (count(&Class::Policy), count(&Class::Demo));
    let alike = by_hand == 0.0 || policy + demo == 0.0;
    let rest = 1.0 - INTERVENTIONS;
    let demos = if policy == 0.0 {
        rest
    } else if demo == 0.0 {
        0.0
    } else {
        (demo / all).min(rest - LEAST)
    };
    let share = |class: &Class| match class {
        _ if alike => count(class) / all,
        Class::Demo => demos,
        Class::Policy => rest - demos,
        Class::Recovery | Class::Correction => INTERVENTIONS * count(class) / by_hand,
        Class::Idle | Class::PreIntervention | Class::Rewind => 0.0,
    };
    learnt.into_iter().filter(|class| count(class) > 0.0).map(|class| (class, share(&class))).collect()
}

/// Weight of a step of each class, so that classes have their [`shares`] and the mean over all steps is 1. Classes that are not learnt
/// from weigh 0.
pub fn weights(counts: &BTreeMap<Class, u64>) -> BTreeMap<Class, f64> {
    let (shares, all) = (shares(counts), counts.values().sum::<u64>() as f64);
    let weight = |(class, count): (&Class, &u64)| {
        let share = shares.get(class).copied().unwrap_or(0.0);
        (*class, if *count == 0 { 0.0 } else { share * all / *count as f64 })
    };
    counts.iter().map(weight).collect()
}
