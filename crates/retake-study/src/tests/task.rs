//! The world.

use proptest::prelude::*;

use crate::task::{BACK_OFF, HORIZON, Insertion, PASSAGE, Stage};

proptest! {
    #[test]
    fn walls_hold_and_snapshots_are_exact(
        seed in 0_u64..1000,
        actions in prop::collection::vec(prop::array::uniform2(-3.0..3.0_f64), 1..HORIZON),
        at in 0_usize..HORIZON,
    ) {
        let mut world = Insertion::new(seed, 0, 0);
        let mut snapshot = None;
        for (index, action) in actions.iter().enumerate() {
            if index == at {
                snapshot = Some(world.clone());
            }
            let before = world.clone();
            world.step(*action);
            let moved = [0, 1].map(|axis| (world.tool()[axis] - before.tool()[axis]).abs());
            prop_assert!(moved.iter().all(|moved| *moved <= 0.03), "{moved:?}: bounded, noise included");
            let ahead = world.ahead();
            prop_assert!(ahead.gap >= 0.0 || ahead.offset.abs() <= ahead.tolerance + 1e-12, "in a wall: {ahead:?}");
            // Past the gate only through it.
            let crossed = before.stage() == Stage::Gate && world.stage() == Stage::Hole;
            prop_assert!(!crossed || before.ahead().gap < 0.0, "through the wall");
            if before.jammed() {
                prop_assert_eq!(world.tool()[1], before.tool()[1]);
                prop_assert!(world.tool()[0] <= before.tool()[0]);
            }
        }
        if let Some(mut again) = snapshot {
            actions[at..].iter().for_each(|action| again.step(*action));
            prop_assert_eq!(again, world);
        }
    }
}

#[test]
fn a_jam_needs_backing_off() {
    let mut world = Insertion::new(1, 0, 0);
    while !world.jammed() {
        world.step([1.0, 0.9]);
    }
    let at = world.tool();
    assert_eq!(world.ahead().gap, 0.0, "it sticks to the wall");
    (0..20).for_each(|_| world.step([1.0, -1.0]));
    assert!(world.jammed() && (world.tool()[0] - at[0]).abs() < 0.02, "pushing and shifting frees nothing");
    let mut steps = 0;
    while world.jammed() {
        world.step([-0.5, 0.0]);
        steps += 1;
    }
    assert!(world.ahead().gap >= BACK_OFF - 1e-12 && steps >= 2);
    assert_eq!(world.observe()[6], 0.0);
}

#[test]
fn what_is_no_number_moves_nothing_much() {
    let mut world = Insertion::new(1, 0, 0);
    let before = world.tool();
    world.step([f64::NAN, f64::INFINITY]);
    assert!((world.tool()[0] - before[0]).abs() < 0.006 && (world.tool()[1] - before[1]).abs() < 0.03);
}

#[test]
fn scenes_are_named() {
    let scene = |seed, part, episode| Insertion::new(seed, part, episode).observe();
    assert_eq!(scene(1, 2, 3), scene(1, 2, 3));
    assert!([scene(2, 2, 3), scene(1, 3, 3), scene(1, 2, 4)].iter().all(|other| *other != scene(1, 2, 3)));
    let world = Insertion::new(1, 2, 3);
    assert!(world.ahead().gap > PASSAGE && world.stage() == Stage::Gate && !world.succeeded());
}
