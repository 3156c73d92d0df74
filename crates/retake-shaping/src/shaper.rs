//! The limit chain.
//!
//! The same stages, in the same order, for policy, human and rewind:
//!
//! 1. **finite**: nothing after it can reason about what is not a number;
//! 2. **range**: a pose can only be computed for joints that exist;
//! 3. **workspace**: how far the target may go is known only for a target in range;
//! 4. **keep-out**: after the workspace, because it bends a way around a ball instead of ending it, and a way that ends at the wall
//!    must be known before it is bent. It only ever shortens the part of the way that leads into a ball;
//! 5. **rate** (velocity, acceleration, jerk): last, because only what has passed it is continuous, and anything that changed the
//!    command after it would undo that;
//! 6. **again**: the rate limits come after the barriers, and so a command may be carried where its target was not. If it could not
//!    stop where the tool may be, it is replaced by braking, which is always within the rate limits.
//!
//! Stages 2 to 4 act on the *target*, so that the generator slows down before a limit instead of hitting it. Braking from any
//! command leads where the command before it already was found to lead: that is why stage 6 may always fall back on it.
//!
//! **Profile** and **sector** ([`crate::Sector`]) come between finite and workspace, where an operator's deflection becomes a wish.
//! They say what a person means by a deflection, so there is nothing in a policy's or a rewind's target for them to act on. The
//! sector bounds the wish, not the motion: with a rate limit after it, a gain within bounds at every tick is not to be had.

use crate::{Clamps, Motion, Reach, Tracker, ValueLimits};

/// What the owner of a group wants for the coming period.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Be at these positions at the period's end, moving with these velocities.
    Follow {
        /// Positions, one per value.
        position: Vec<f64>,
        /// Velocities, one per value.
        velocity: Vec<f64>,
    },
    /// Come to rest.
    Rest,
}

/// Lag behind a moving target that counts as a rate limit in action, in units of one period at full speed.
const RATE_LAG: f64 = 1.0;
/// How far outside the workspace, or inside a ball, a command may lead before it is taken back, metres.
const SLACK: f64 = 0.002;
/// Places looked at on the way to rest. An arm at full speed comes to rest within a few centimetres, so that between two of them it
/// can stray by a millimetre at most; the tests bound the sum at six.
const LOOKS: u32 = 8;
/// The smallest share of its speed a group may be slowed down to: slower, it could not follow anything.
const SLOWEST: f64 = 0.01;

/// One group's limit chain and command.
#[derive(Debug)]
pub struct Shaper {
    trackers: Vec<Tracker>,
    /// Where the tool may be, for groups that move it.
    reach: Option<Reach>,
    period_s: f64,
    /// How far out the command leads if it brakes, metres.
    leads: f64,
    /// Where the last wish led after the stages that act on the target.
    limited: Vec<f64>,
}

impl Shaper {
    /// A group at rest at `position`; `reach` for a group that moves the tool.
    pub fn new(limits: &[ValueLimits], reach: Option<Reach>, period_s: f64, position: &[f64]) -> Self {
        let at = |index: usize, limits: &ValueLimits| position.get(index).copied().unwrap_or(limits.lower);
        let trackers = limits.iter().enumerate().map(|(i, l)| Tracker::new(*l, period_s, at(i, l))).collect();
        let mut shaper = Self { trackers, reach, period_s, leads: 0.0, limited: Vec::new() };
        shaper.leads = shaper.look_ahead();
        shaper
    }

    /// Commanded positions.
    pub fn position(&self) -> Vec<f64> {
        self.trackers.iter().map(|tracker| tracker.motion().position).collect()
    }

    /// Commanded positions, velocities and accelerations.
    pub fn motion(&self) -> impl Iterator<Item = Motion> + '_ {
        self.trackers.iter().map(Tracker::motion)
    }

    /// The command is at rest.
    pub fn at_rest(&self) -> bool {
        self.motion().all(|motion| motion.velocity == 0.0)
    }

    /// Puts the command at rest at `position`: only where the robot has come to rest by other means, and is held there.
    pub fn rest_at(&mut self, position: &[f64]) {
        for (tracker, position) in self.trackers.iter_mut().zip(position) {
            tracker.rest_at(*position);
        }
        self.leads = self.look_ahead();
    }

    /// Uses only this share of the speed limits from now on, above 0 to 1, whoever drives. What moves faster slows down within
    /// acceleration and jerk. What is no such share changes nothing.
    pub fn set_speed(&mut self, share: f64) {
        if share > 0.0 && share <= 1.0 {
            self.trackers.iter_mut().for_each(|tracker| tracker.set_speed(share.max(SLOWEST)));
        }
    }

    /// Where the last wish led after every stage that acts on the target; empty if there was none to follow. A goal that is carried on
    /// from tick to tick carries on from here, or it would wind up behind a limit and have to come all the way back.
    pub fn limited(&self) -> &[f64] {
        &self.limited
    }

    /// Advances the command by one period, and says which limits acted.
    pub fn step(&mut self, wish: &Wish) -> Clamps {
        self.limited.clear();
        let Wish::Follow { position, velocity } = wish else {
            self.brake();
            return Clamps::default();
        };
        let whole = position.len() == self.trackers.len() && velocity.len() == self.trackers.len();
        if !whole || position.iter().chain(velocity).any(|value| !value.is_finite()) {
            self.brake();
            return Clamps::NOT_FINITE;
        }
        let (mut position, mut velocity) = (position.clone(), velocity.clone());
        let clamps = self.limit_range(&mut position, &mut velocity);
        let clamps = clamps.and(self.limit_workspace(&mut position, &mut velocity));
        let clamps = clamps.and(self.limit_keep_out(&mut position, &mut velocity));
        let before: Vec<Motion> = self.motion().collect();
        for ((tracker, position), velocity) in self.trackers.iter_mut().zip(&position).zip(&velocity) {
            tracker.follow(*position, *velocity);
        }
        let clamps = clamps.and(self.lag(&position));
        self.limited = position;
        let leads = self.look_ahead();
        if leads > SLACK && leads > self.leads {
            self.restore(&before);
            self.brake();
            return clamps.and(Clamps::RECHECKED);
        }
        self.leads = leads;
        clamps
    }

    fn brake(&mut self) {
        self.trackers.iter_mut().for_each(|tracker| {
            tracker.brake();
        });
        self.leads = self.look_ahead();
    }

    fn limit_range(&self, position: &mut [f64], velocity: &mut [f64]) -> Clamps {
        let mut clamps = Clamps::default();
        for ((tracker, position), velocity) in self.trackers.iter().zip(position).zip(velocity) {
            let limits = tracker.limits();
            let clamped = position.clamp(limits.lower, limits.upper);
            if clamped != *position {
                (*position, *velocity, clamps) = (clamped, 0.0, Clamps::RANGE);
            }
        }
        clamps
    }

    /// Shortens the way from command to target so that it ends at the wall.
    fn limit_workspace(&self, position: &mut Vec<f64>, velocity: &mut [f64]) -> Clamps {
        let Some(reach) = &self.reach else { return Clamps::default() };
        let command = self.position();
        let target = reach.outside(position);
        if target <= 0.0 || target < reach.outside(&command) {
            return Clamps::default();
        }
        let along = |share: f64| -> Vec<f64> {
            command.iter().zip(position.iter()).map(|(from, to)| from + share * (to - from)).collect()
        };
        let (mut inside, mut outside) = (0.0, 1.0);
        for _ in 0..12 {
            let middle = 0.5 * (inside + outside);
            if reach.outside(&along(middle)) <= 0.0 { inside = middle } else { outside = middle }
        }
        *position = along(inside);
        velocity.iter_mut().for_each(|v| *v = 0.0);
        Clamps::WORKSPACE
    }

    /// Bends the way from command to target around the balls.
    fn limit_keep_out(&self, position: &mut Vec<f64>, velocity: &mut [f64]) -> Clamps {
        let Some(around) = self.reach.as_ref().and_then(|reach| reach.around(&self.position(), position))
        else {
            return Clamps::default();
        };
        *position = around;
        self.limit_range(position, velocity);
        velocity.iter_mut().for_each(|v| *v = 0.0);
        Clamps::KEEP_OUT
    }

    /// How far out the command is, or comes to be if it brakes, metres. Joints that stop at different times may lead the tool out and
    /// back in again, so that looking at the place of rest alone is not enough.
    fn look_ahead(&mut self) -> f64 {
        let Some(reach) = &self.reach else { return f64::NEG_INFINITY };
        let now: Vec<f64> = self.trackers.iter().map(|tracker| tracker.motion().position).collect();
        let here = reach.excess(&now);
        let moves = |motion: Motion| motion.velocity != 0.0 || motion.acceleration != 0.0;
        if !self.trackers.iter().any(|tracker| moves(tracker.motion())) {
            return here;
        }
        let longest = self.trackers.iter_mut().map(Tracker::plan_braking).fold(0.0, f64::max);
        let look = |step: u32| -> f64 {
            let seconds = longest * f64::from(step) / f64::from(LOOKS);
            let q: Vec<f64> = self.trackers.iter().map(|tracker| tracker.braked_position(seconds)).collect();
            reach.excess(&q)
        };
        (1..=LOOKS).map(look).fold(here, f64::max)
    }

    fn restore(&mut self, before: &[Motion]) {
        for (tracker, motion) in self.trackers.iter_mut().zip(before) {
            tracker.set(*motion);
        }
    }

    fn lag(&self, target: &[f64]) -> Clamps {
        let lags = self.trackers.iter().zip(target).any(|(tracker, target)| {
            (tracker.motion().position - target).abs() > RATE_LAG * tracker.limits().velocity * self.period_s
        });
        if lags { Clamps::RATE } else { Clamps::default() }
    }
}
