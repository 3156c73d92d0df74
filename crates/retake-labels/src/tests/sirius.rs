use std::collections::BTreeMap;

use crate::{
    Class::{self, Correction, Demo, Idle, Policy, PreIntervention, Recovery, Rewind},
    shares, weights,
};

fn shared(counts: &[(Class, u64)]) -> BTreeMap<Class, f64> {
    shares(&counts.iter().copied().collect())
}

fn is(counts: &[(Class, u64)], expected: &[(Class, f64)]) {
    let found = shared(counts);
    assert_eq!(
        found.keys().copied().collect::<Vec<_>>(),
        expected.iter().map(|(class, _)| *class).collect::<Vec<_>>()
    );
    let close = expected.iter().all(|(class, share)| (found[class] - share).abs() < 1e-12);
    assert!(close, "{counts:?}: {found:?}, not {expected:?}");
}

#[test]
fn shares_are_sirius_s() {
    // A tenth are demonstrations, and stay it.
    is(
        &[(Policy, 70), (Correction, 15), (Recovery, 5), (Demo, 10)],
        &[(Policy, 0.4), (Recovery, 0.125), (Correction, 0.375), (Demo, 0.1)],
    );
    // What is not learnt from changes nothing.
    is(
        &[(Policy, 6), (Correction, 2), (Idle, 50), (Rewind, 50), (PreIntervention, 50)],
        &[(Policy, 0.5), (Correction, 0.5)],
    );
    is(&[(Policy, 3), (Demo, 1)], &[(Policy, 0.75), (Demo, 0.25)]);
    is(&[(Recovery, 1), (Correction, 3)], &[(Recovery, 0.25), (Correction, 0.75)]);
    is(&[(Correction, 1), (Demo, 3)], &[(Correction, 0.5), (Demo, 0.5)]);
    is(&[(Correction, 1), (Demo, 98), (Policy, 1)], &[(Policy, 0.001), (Correction, 0.5), (Demo, 0.499)]);
    is(&[(Idle, 3)], &[]);
    is(&[], &[]);
}

#[test]
fn shares_are_shares_whatever_there_is() {
    for mut code in 0..4_u64.pow(7) {
        let mut counts = Vec::new();
        for class in Class::ALL {
            counts.push((class, [0, 1, 30, 1_000_000][usize::try_from(code % 4).unwrap()]));
            code /= 4;
        }
        let found = shared(&counts);
        assert!(found.values().all(|share| *share > 0.0), "{counts:?}: {found:?}");
        assert!(
            found.is_empty() || (found.values().sum::<f64>() - 1.0).abs() < 1e-9,
            "{counts:?}: {found:?}"
        );
    }
}

#[test]
fn weights_give_each_class_its_share_and_have_a_mean_of_one() {
    let counts = BTreeMap::from([(Policy, 70_u64), (Correction, 20), (Demo, 10), (Rewind, 100)]);
    let found = weights(&counts);
    let mass = |class: &Class| found[class] * counts[class] as f64;
    assert!((counts.keys().map(mass).sum::<f64>() - 200.0).abs() < 1e-9);
    assert!((mass(&Correction) - 100.0).abs() < 1e-9, "half of all");
    assert_eq!(found[&Rewind], 0.0);
    assert!(weights(&BTreeMap::from([(Idle, 0)])).values().all(|weight| *weight == 0.0));
}
