//! The share of its speed a group may use.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn slowing_down_in_the_middle_of_a_motion_breaks_no_limit_and_is_soon_obeyed(
        moves in proptest::collection::vec((prop::array::uniform7(-1.0f64..1.0), 0.05f64..=1.0, 1usize..60), 1..12),
    ) {
        let mut shaper = shaper();
        let limits = limits(&chain());
        for (offset, share, ticks) in moves {
            shaper.set_speed(share);
            let wish: Vec<f64> = HOME.iter().zip(offset).map(|(home, offset)| home + offset).collect();
            for tick in 0..ticks {
                let before: Vec<Motion> = shaper.motion().collect();
                shaper.step(&follow(wish.clone()));
                within_limits(&before, &shaper, &limits)?;
                // From full speed to none takes a quarter of a second.
                if tick >= 15 {
                    for (motion, limit) in shaper.motion().zip(&limits) {
                        prop_assert!(motion.velocity.abs() <= share * limit.velocity * (1.0 + 1e-6));
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_no_share_changes_nothing() {
    let fastest = |shares: &[f64]| {
        let mut shaper = shaper();
        shares.iter().for_each(|share| shaper.set_speed(*share));
        let mut wish = HOME.to_vec();
        wish[0] = 2.0;
        let speeds = (0..60).map(|_| {
            shaper.step(&follow(wish.clone()));
            shaper.motion().map(|motion| motion.velocity.abs()).fold(0.0, f64::max)
        });
        speeds.fold(0.0, f64::max)
    };
    let full = fastest(&[]);
    assert!((fastest(&[0.3]) - 0.3 * full).abs() < 1e-6);
    for none in [0.0, -1.0, 1.5, f64::NAN, f64::INFINITY] {
        assert!((fastest(&[0.3, none]) - 0.3 * full).abs() < 1e-6, "{none}");
    }
    assert!((fastest(&[0.3, 1.0]) - full).abs() < 1e-6);
}
