use std::time::Duration;

use proptest::prelude::*;
use retake_units::MonoTime;

use crate::{Autonomy, AutonomyConfig, Level, Situation};

const CONFIG: AutonomyConfig = AutonomyConfig {
    slow_above: 0.5,
    hold_above: 0.9,
    release: 0.5,
    dwell: Duration::from_millis(500),
    silence: Duration::from_millis(1000),
    budget: 0.05,
};

const WATCHED: Situation = Situation { driving: true, attended: true };
const ALONE: Situation = Situation { driving: true, attended: false };

fn at(millis: u64) -> MonoTime {
    MonoTime::from_nanos(millis * 1_000_000)
}

/// Says `need` every 20 ms from `from` to `to`; the levels in turn.
fn say(autonomy: &mut Autonomy, need: f64, from: u64, to: u64) -> Vec<Level> {
    (from..to)
        .step_by(20)
        .map(|millis| {
            autonomy.heard("policy", "unsure", need, at(millis));
            autonomy.step(WATCHED, at(millis))
        })
        .collect()
}

#[test]
fn need_slows_then_holds_within_one_tick() {
    let mut autonomy = Autonomy::new(CONFIG);
    assert_eq!(say(&mut autonomy, 0.49, 0, 20), [Level::Full]);
    assert_eq!(say(&mut autonomy, 0.5, 20, 40), [Level::Slowed]);
    assert_eq!(say(&mut autonomy, 0.9, 40, 60), [Level::Hold]);
    assert_eq!(autonomy.calls(), 1);
    let calls = autonomy.calling(at(60));
    assert_eq!(
        (calls.len(), calls[0].source.as_str(), calls[0].lasting),
        (1, "policy", Duration::from_millis(40))
    );
}

#[test]
fn calm_must_last_and_hold_needs_the_operator() {
    let mut autonomy = Autonomy::new(CONFIG);
    say(&mut autonomy, 0.6, 0, 20);
    assert!(say(&mut autonomy, 0.3, 20, 2000).iter().all(|level| *level == Level::Slowed), "not calm enough");
    let levels = say(&mut autonomy, 0.2, 2000, 2600);
    assert_eq!(levels.iter().filter(|level| **level == Level::Slowed).count(), 25);
    assert_eq!(levels.last(), Some(&Level::Full));
    say(&mut autonomy, 0.95, 2600, 2620);
    assert!(say(&mut autonomy, 0.0, 2620, 9000).iter().all(|level| *level == Level::Hold));
    autonomy.acknowledge(at(9000));
    assert_eq!(say(&mut autonomy, 0.0, 9000, 9020), [Level::Full]);
}

#[test]
fn what_the_operator_has_seen_counts_again_once_it_was_low() {
    let mut autonomy = Autonomy::new(CONFIG);
    say(&mut autonomy, 0.95, 0, 20);
    autonomy.acknowledge(at(20));
    assert_eq!(say(&mut autonomy, 0.95, 20, 40), [Level::Full], "the operator knows");
    assert!(autonomy.calling(at(40)).is_empty());
    say(&mut autonomy, 0.1, 40, 60);
    assert_eq!(say(&mut autonomy, 0.95, 60, 80), [Level::Hold]);
    autonomy.heard("critic", "off the path", 0.95, at(80));
    autonomy.acknowledge(at(80));
    assert_eq!(autonomy.step(WATCHED, at(80)), Level::Hold, "this call has not been shown yet");
}

#[test]
fn no_number_and_silence_are_the_worst() {
    for need in [f64::NAN, f64::INFINITY, 7.0] {
        assert_eq!(say(&mut Autonomy::new(CONFIG), need, 0, 20), [Level::Hold], "{need}");
    }
    let mut autonomy = Autonomy::new(CONFIG);
    say(&mut autonomy, 0.0, 0, 20);
    assert_eq!(autonomy.step(WATCHED, at(999)), Level::Full);
    assert_eq!(autonomy.step(WATCHED, at(1000)), Level::Hold);
    assert_eq!(autonomy.calling(at(1000))[0].text, "has gone silent");
    autonomy.acknowledge(at(1000));
    assert_eq!(autonomy.step(WATCHED, at(5000)), Level::Full, "who is silent and seen is forgotten");
    assert_eq!(say(&mut Autonomy::new(CONFIG), f64::NEG_INFINITY, 0, 20), [Level::Full]);
}

#[test]
fn an_operator_who_is_not_there_is_not_waited_for() {
    let mut autonomy = Autonomy::new(CONFIG);
    autonomy.heard("policy", "unsure", 0.6, at(0));
    assert_eq!(autonomy.step(ALONE, at(0)), Level::Hold);
}

/// A need that changes from sample to sample, uniform in 0 to `top`.
fn uniform(i: u64, top: f64) -> f64 {
    let mixed = i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    top * f64::from(u32::try_from(mixed).unwrap()) / f64::from(1u32 << 24)
}

#[test]
fn a_budget_slows_for_the_highest_share_only_and_never_for_less_than_hold() {
    let mut autonomy = Autonomy::new(CONFIG);
    let mut above = 0;
    for i in 0..20_000 {
        let need = uniform(i, 0.85);
        autonomy.heard("policy", "", need, at(i * 100));
        above += u64::from(autonomy.wanted_now(need) == Level::Slowed && i >= 2000);
        autonomy.step(WATCHED, at(i * 100));
    }
    let share = above as f64 / 18_000.0;
    assert!((0.025..0.1).contains(&share), "{share} of the time for a budget of 0.05");
    assert!(autonomy.suppressed() > 1000);
    autonomy.heard("policy", "", 0.9, at(2_000_100));
    assert_eq!(autonomy.step(WATCHED, at(2_000_100)), Level::Hold);
}

#[test]
fn a_new_episode_begins_in_full() {
    let mut autonomy = Autonomy::new(CONFIG);
    say(&mut autonomy, 1.0, 0, 20);
    autonomy.begin();
    assert_eq!(autonomy.step(WATCHED, at(5000)), Level::Full);
}

#[test]
fn sources_are_bounded() {
    let mut autonomy = Autonomy::new(CONFIG);
    for i in 0..100 {
        autonomy.heard(&format!("source {i}"), "x", 0.6, at(i));
    }
    autonomy.step(WATCHED, at(100));
    assert_eq!(autonomy.calling(at(100)).len(), 16);
}

proptest! {
    #[test]
    fn the_level_rises_only_after_calm_or_by_the_operator(needs in proptest::collection::vec((0.0f64..1.1, any::<bool>(), 0u8..40), 1..300)) {
        let mut autonomy = Autonomy::new(CONFIG);
        let (mut last, mut calm_from) = (Level::Full, None);
        for (i, (need, attended, luck)) in needs.into_iter().enumerate() {
            let now = at(i as u64 * 20);
            if luck == 0 {
                autonomy.acknowledge(now);
                last = Level::Full;
            }
            autonomy.heard("policy", "", need, now);
            let level = autonomy.step(Situation { driving: true, attended }, now);
            calm_from = if need < 0.25 { calm_from.or(Some(now)) } else { None };
            if level < last {
                prop_assert!(last == Level::Slowed && calm_from.is_some_and(|from| now.since(from) >= CONFIG.dwell));
            }
            last = level;
        }
    }
}
