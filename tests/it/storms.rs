//! Whole deployments in bad weather.

use retake_tests::{Met, storm};

/// `cargo xtask fuzz` goes on from here.
#[test]
fn nothing_that_must_not_happen_happens_in_a_storm() {
    let mut met = Met::default();
    for seed in 0..40 {
        match storm(seed, 500) {
            Ok(storm) => met.add(&storm),
            Err(failure) => panic!("{failure}"),
        }
    }
    assert!(met.driven.iter().all(|ticks| *ticks > 50), "storms must reach every owner: {met:?}");
    assert!(met.restarts > 10 && met.stops > 10 && met.refused > 100 && met.forged > 100, "{met:?}");
}
