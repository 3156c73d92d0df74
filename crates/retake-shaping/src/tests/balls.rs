//! Keep-out balls, whoever wishes to go where.

use super::*;
use crate::KeepOut;

/// Beside the tool at home, between it and most of the table.
const POST: KeepOut = KeepOut { centre: Point3::new(0.45, 0.2, 0.45), radius: 0.1 };
const LAMP: KeepOut = KeepOut { centre: Point3::new(0.6, -0.1, 0.3), radius: 0.06 };

pub(super) fn cluttered() -> Shaper {
    let chain = chain();
    let limits = limits(&chain);
    Shaper::new(&limits, Some(Reach { chain, walls: WALLS, keep_out: vec![POST, LAMP] }), DT, &HOME)
}

/// How deep in a ball the tool is, metres.
pub(super) fn depth(shaper: &Shaper) -> f64 {
    let tip = tool(&shaper.position());
    POST.depth(&tip).max(LAMP.depth(&tip))
}

fn joints_at(offset: [f64; 3]) -> Vec<f64> {
    let chain = chain();
    let mut target = chain.forward(&HOME);
    target.translation.vector += nalgebra::Vector3::from(offset);
    chain.inverse(&HOME, &target, &HOME).unwrap()
}

#[test]
fn a_target_behind_a_ball_is_reached_around_it() {
    let mut shaper = cluttered();
    let home = tool(&HOME);
    let behind = [0.45 - home.x, 0.42 - home.y, 0.45 - home.z];
    let wish = joints_at(behind);
    assert!(depth(&shaper) < -0.05, "the test begins outside");
    let mut seen = Clamps::default();
    for _ in 0..1500 {
        seen = seen.and(shaper.step(&follow(wish.clone())));
        assert!(depth(&shaper) <= 0.002, "{} m inside", depth(&shaper));
    }
    assert!(seen.has(Clamps::KEEP_OUT), "{seen:?}");
}

#[test]
fn a_target_in_a_ball_is_approached_and_not_entered() {
    let mut shaper = cluttered();
    let home = tool(&HOME);
    let inside = POST.centre - home;
    let wish = joints_at(inside.into());
    for _ in 0..600 {
        shaper.step(&follow(wish.clone()));
        assert!(depth(&shaper) <= 0.002, "{} m inside", depth(&shaper));
    }
    assert!(depth(&shaper) > -0.03, "it goes as far as it may: {} m away", -depth(&shaper));
    assert!(shaper.motion().all(|motion| motion.velocity.abs() < 0.02), "and comes to rest there");
}

#[test]
fn a_group_that_begins_in_a_ball_stays_until_somebody_leads_it_out() {
    let chain = chain();
    let limits = limits(&chain);
    let around_home = KeepOut { centre: tool(&HOME) - nalgebra::Vector3::z() * 0.02, radius: 0.05 };
    let reach = Reach { chain, walls: WALLS, keep_out: vec![around_home] };
    let mut shaper = Shaper::new(&limits, Some(reach), DT, &HOME);
    for _ in 0..50 {
        shaper.step(&follow(HOME.to_vec()));
    }
    assert_eq!(shaper.position(), HOME);
    let up = joints_at([0.0, 0.0, 0.1]);
    for _ in 0..200 {
        shaper.step(&follow(up.clone()));
    }
    assert!(around_home.depth(&tool(&shaper.position())) < -0.03, "out it goes");
    let mut deepest = f64::NEG_INFINITY;
    for _ in 0..200 {
        shaper.step(&follow(HOME.to_vec()));
        deepest = deepest.max(around_home.depth(&tool(&shaper.position())));
    }
    assert!(deepest <= 0.002, "and not in again: {deepest}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_target_of_anyone_leads_into_a_ball_or_out_of_the_box(
        targets in proptest::collection::vec(
            (prop::array::uniform7(-1.0f64..1.0), prop::array::uniform7(-1.0f64..1.0), 1usize..50), 1..14,
        ),
    ) {
        let mut shaper = cluttered();
        let limits = limits(&chain());
        for (offset, speed, ticks) in targets {
            // A policy's joint targets, moving or not, at full joint speed: nothing about them is careful.
            let position: Vec<f64> = HOME.iter().zip(offset).map(|(home, offset)| home + 1.5 * offset).collect();
            let velocity: Vec<f64> = speed.to_vec();
            for _ in 0..ticks {
                let before: Vec<Motion> = shaper.motion().collect();
                shaper.step(&Wish::Follow { position: position.clone(), velocity: velocity.clone() });
                within_limits(&before, &shaper, &limits)?;
                prop_assert!(depth(&shaper) <= 0.006, "{} m inside a ball", depth(&shaper));
                let excess = WALLS.excess(&tool(&shaper.position()));
                prop_assert!(excess <= 0.006, "{excess} m outside");
            }
        }
    }
}
