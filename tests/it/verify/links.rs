use std::time::Duration;

use proptest::prelude::*;
use retake_node::Fate;

use super::*;

/// What the network does to a message, from a random number.
fn fate(number: u64, harm: u64) -> Fate {
    let span = Duration::from_micros(number / 1000 % 300_000);
    match number % 100 {
        n if n < harm => Fate::Lose,
        n if n < 2 * harm => Fate::Delay(span),
        n if n < 3 * harm => Fate::Repeat(span),
        _ => Fate::Deliver,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn a_run_over_any_links_is_repeated_to_the_bit(numbers in any::<u64>(), harm in 1_u64..25) {
        let dir = tempfile::tempdir().unwrap();
        let mut run = supervised().recorded(dir.path(), "faulty").start();
        let mut state = numbers;
        run.link(move |_, _, to| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            match fate(state >> 20, harm) {
                // The recorder is told everything, perhaps more than once.
                Fate::Lose | Fate::Delay(_) if to == "recorder" => Fate::Deliver,
                other @ (Fate::Deliver | Fate::Lose | Fate::Delay(_) | Fate::Repeat(_)) => other,
            }
        });
        run.millis(8_000);
        let seen = run.finish();
        let report = verified(&Recording::open(&dir.path().join("faulty")).unwrap());
        prop_assert_eq!(report.verdict, Verdict::Identical, "{}", report);
        prop_assert_eq!(only(report).ticks, seen.ticks.len() as u64);
    }
}
