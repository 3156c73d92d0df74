//! How the task is solved, from any state: what a practised operator would do, before the hand's unsteadiness.

use rand_chacha::ChaCha8Rng;

use crate::random::normal_pair;
use crate::task::{ACTIONS, Insertion, SPEED};

/// Where the operator waits until the tool is in line with what comes next, metres before it.
pub const STAND_OFF: f64 = 0.06;

/// Speed with nothing ahead, as a share of the tool's.
const CRUISE: f64 = 0.7;
/// Speed within a bottleneck.
const CAREFUL: f64 = 0.3;

/// The action that leads on, without noise. It knows nothing of what was done before, so it goes on from any state.
pub fn lead(world: &Insertion) -> [f64; ACTIONS] {
    if world.jammed() {
        return [-0.8, 0.0];
    }
    let ahead = world.ahead();
    let side = (0.5 * ahead.offset / SPEED).clamp(-CRUISE, CRUISE);
    if ahead.gap < 0.0 {
        return [CAREFUL, side];
    }
    // 0 in line, 1 where it would touch.
    let astray = ((ahead.offset.abs() / ahead.tolerance - 0.3) / 0.4).clamp(0.0, 1.0);
    let onward = CAREFUL + (CRUISE - CAREFUL) * (ahead.gap / 0.15).min(1.0);
    let wait = onward * ((ahead.gap - STAND_OFF) / 0.03).clamp(-1.0, 1.0);
    [(1.0 - astray) * onward + astray * wait, side]
}

/// The action that takes the tool back to where it waits, in line: what RaC calls recovery.
pub fn recover(world: &Insertion) -> [f64; ACTIONS] {
    let ahead = world.ahead();
    if world.jammed() || ahead.gap < 0.0 {
        return [-0.8, 0.0];
    }
    [-0.6, (0.5 * ahead.offset / SPEED).clamp(-CRUISE, CRUISE)]
}

/// The tool is where [`recover`] leads.
pub fn recovered(world: &Insertion) -> bool {
    !world.jammed() && world.ahead().gap >= STAND_OFF
}

/// `action` as an unsteady hand does it: with noise of standard deviation `noise`, within -1..1.
pub(crate) fn unsteady(action: [f64; ACTIONS], noise: f64, hand: &mut ChaCha8Rng) -> [f64; ACTIONS] {
    let shake = normal_pair(hand);
    [(action[0] + noise * shake[0]).clamp(-1.0, 1.0), (action[1] + noise * shake[1]).clamp(-1.0, 1.0)]
}
