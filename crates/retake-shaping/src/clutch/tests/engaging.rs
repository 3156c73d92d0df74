//! What a hand was before it engages, or engages again.

use super::*;

#[test]
fn latching_anew_moves_nothing_and_goes_on_from_there() {
    let mut bench = Bench::engaged();
    bench.moves([0.1, 0.0, 0.0], Vector3::zeros());
    let elsewhere = Isometry3::new(Vector3::new(0.3, -0.2, 0.5), Vector3::new(3.0, 0.0, 0.0));
    bench.clutch.latch_anew(&elsewhere);
    assert_eq!(bench.goal(), elsewhere);
    bench.moves([0.15, 0.0, 0.0], Vector3::zeros());
    close(
        bench.goal().translation.vector - elsewhere.translation.vector,
        Vector3::new(0.05, 0.0, 0.0),
        "way",
    );
    let mut idle = Bench::new();
    idle.clutch.latch_anew(&elsewhere);
    assert_eq!(idle.clutch.goal(), None);
}

/// A hand that moves while its clutch is up is known to move when it engages, and does not lag behind as one that was at rest.
#[test]
fn a_hand_that_moves_engages_warm() {
    let lag = |known: bool| {
        let mut bench = Bench::new();
        bench.says(1);
        let mut x = 0.0;
        for _ in 0..20 {
            x += 0.01;
            bench.frame.position[0] = x;
            bench.frame.tracked = known;
            bench.says(1);
        }
        bench.frame.tracked = true;
        bench.frame.held = true;
        bench.says(1);
        let began = x;
        for _ in 0..3 {
            x += 0.01;
            bench.frame.position[0] = x;
            bench.says(1);
        }
        x - began - (bench.goal().translation.x - home().translation.x)
    };
    let (warm, cold) = (lag(true), lag(false));
    assert!(warm > 0.0 && warm < 0.8 * cold, "{warm} m behind, and {cold} m from rest");
}

/// After a silence nothing of before counts: what follows is as from a hand that was never seen.
#[test]
fn a_hand_that_comes_back_is_a_new_one() {
    let play = |bench: &mut Bench| {
        bench.frame.position = [0.02, 0.0, 0.0];
        bench.frame.held = false;
        bench.says(1);
        bench.frame.held = true;
        bench.says(1);
        let mut goals = Vec::new();
        for step in 1..=10 {
            bench.frame.position[1] = 0.01 * f64::from(step);
            bench.says(1);
            goals.push(bench.goal());
        }
        goals
    };
    let mut seen = Bench::new();
    for step in 0..20 {
        seen.frame.position[0] = 0.02 - 0.015 * f64::from(20 - step);
        seen.says(1);
    }
    seen.at += 400;
    assert_eq!(play(&mut seen), play(&mut Bench::new()));
}

#[test]
fn silence_freezes_and_lets_go_after_its_time_and_not_at_it() {
    let mut bench = Bench::engaged();
    let after = |bench: &Bench, ms: u64| MonoTime::from_nanos((bench.at + ms) * 1_000_000);
    assert!(!bench.clutch.frozen(after(&bench, 100)));
    assert!(bench.clutch.frozen(after(&bench, 101)));
    bench.clutch.elapsed(after(&bench, 300));
    assert_eq!(bench.clutch.grip(), Grip::Engaged);
    bench.clutch.elapsed(after(&bench, 301));
    bench.barred(Doubt::Stalled);
    assert!(!bench.clutch.frozen(after(&bench, 301)));
}

/// What is made of the hand's motion may change while it drives: the change itself moves nothing, and what follows obeys it.
#[test]
fn scale_and_frame_may_change_on_the_way() {
    let way = |change: fn(&mut HandFrame)| {
        let mut bench = Bench::engaged();
        bench.moves([0.1, 0.0, 0.0], Vector3::zeros());
        let before = bench.goal();
        change(&mut bench.frame);
        bench.says(1);
        close(bench.goal().translation.vector, before.translation.vector, "the change itself");
        bench.moves([0.2, 0.0, 0.0], Vector3::zeros());
        bench.goal().translation.vector - before.translation.vector
    };
    close(way(|_| ()), Vector3::new(0.1, 0.0, 0.0), "no change");
    close(way(|frame| frame.scale = 0.5), Vector3::new(0.05, 0.0, 0.0), "half the scale");
    close(
        way(|frame| frame.in_tool_frame = true),
        home().rotation * Vector3::new(0.1, 0.0, 0.0),
        "the tool's axes",
    );
}
