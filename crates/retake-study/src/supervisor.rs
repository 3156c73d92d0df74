//! When a scripted supervisor takes over, and when it lets go.
//!
//! It sees trouble where the tool is jammed, where it is about to touch, and where it has not come nearer to what is next for
//! [`PATIENCE`] steps. Trouble must last for the operator's delay before it acts: a slow operator lets more of what went wrong
//! be recorded. It lets go once the bottleneck is passed at which it took over; a hand-back before that would return the
//! tool to where the policy failed.

use crate::task::{Insertion, Stage};

/// Steps without getting nearer that count as a stall.
pub const PATIENCE: usize = 25;
/// Metres by which the tool must get nearer for the stall to begin anew.
const NEARER: f64 = 0.005;
/// Out of line this near before a bottleneck counts as about to touch, metres.
const NEAR: f64 = 0.03;
/// How far beyond the gate the policy gets the tool back, metres.
const CLEAR: f64 = 0.02;

/// Watches one episode.
#[derive(Clone, Debug)]
pub struct Supervisor {
    delay: usize,
    trouble: usize,
    stage: Stage,
    nearest: f64,
    since: usize,
}

impl Supervisor {
    /// One that acts after `delay` steps of trouble, from the beginning of an episode.
    pub fn new(delay: usize, world: &Insertion) -> Self {
        Self { delay, trouble: 0, stage: world.stage(), nearest: f64::INFINITY, since: 0 }
    }

    /// Looks at the world while the policy drives. True: it takes over now.
    pub fn watch(&mut self, world: &Insertion) -> bool {
        let ahead = world.ahead();
        let left = ahead.gap + ahead.offset.abs();
        if world.stage() != self.stage || left < self.nearest - NEARER {
            (self.stage, self.nearest, self.since) = (world.stage(), left, 0);
        } else {
            self.since += 1;
        }
        let about_to_touch = (0.0..NEAR).contains(&ahead.gap) && ahead.offset.abs() > ahead.tolerance;
        let trouble = world.jammed() || about_to_touch || self.since >= PATIENCE;
        self.trouble = if trouble { self.trouble + 1 } else { 0 };
        self.trouble > self.delay
    }

    /// The policy drives again: what was before is forgotten.
    pub fn resume(&mut self, world: &Insertion) {
        (self.trouble, self.since, self.nearest, self.stage) = (0, 0, f64::INFINITY, world.stage());
    }
}

/// The bottleneck at which the operator took over is passed, and the tool clear of it.
pub fn passed(stage: Stage, world: &Insertion) -> bool {
    match stage {
        Stage::Gate => world.beyond_gate() >= CLEAR,
        Stage::Hole => world.succeeded(),
    }
}
