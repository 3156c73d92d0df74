//! The limit chain.
//!
//! The order, and why: **finite** first, because nothing after it can reason about NaN; **range** before **workspace**,
//! because a pose can only be computed for joints that exist; both act on the *target*, so that the generator slows down
//! before a limit instead of hitting it; **rate** (velocity, acceleration, jerk) last, because only what has passed it is
//! continuous. After it the workspace is looked at once more: a command that could not stop inside is replaced by braking.

use nalgebra::Point3;
use retake_kinematics::Chain;

use crate::{Motion, Tracker, ValueLimits, Workspace};

/// Which stages of the chain acted, as the bits of `GroupTick.limits`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clamps(pub u32);

impl Clamps {
    /// The target was not a number; the group brakes.
    pub const NOT_FINITE: Self = Self(1);
    /// The target was outside the position limits.
    pub const RANGE: Self = Self(2);
    /// The target, or the command, was outside the workspace.
    pub const WORKSPACE: Self = Self(4);
    /// The target moved faster than the rate limits allow.
    pub const RATE: Self = Self(8);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

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
/// How far outside the workspace a command may come to rest before it is taken back, metres. Joints do not brake in step, so the
/// tool may stray a few millimetres further on its way to rest; the tests bound the sum at six.
const WORKSPACE_SLACK: f64 = 0.002;

/// One group's limit chain and command.
#[derive(Debug)]
pub struct Shaper {
    trackers: Vec<Tracker>,
    /// Kinematics of the group and the box its tip must stay in, for groups that move a tip.
    reach: Option<(Chain, Workspace)>,
    period_s: f64,
}

impl Shaper {
    /// A group at rest at `position`; `reach` for a group that moves the tool.
    pub fn new(
        limits: &[ValueLimits],
        reach: Option<(Chain, Workspace)>,
        period_s: f64,
        position: &[f64],
    ) -> Self {
        let at = |index: usize, limits: &ValueLimits| position.get(index).copied().unwrap_or(limits.lower);
        let trackers = limits.iter().enumerate().map(|(i, l)| Tracker::new(*l, period_s, at(i, l))).collect();
        Self { trackers, reach, period_s }
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

    /// Puts the command at rest at measured positions: only after a reset or a trip, when the robot is at rest there.
    pub fn rest_at(&mut self, position: &[f64]) {
        for (tracker, position) in self.trackers.iter_mut().zip(position) {
            tracker.rest_at(*position);
        }
    }

    /// Advances the command by one period, and says which limits acted.
    pub fn step(&mut self, wish: &Wish) -> Clamps {
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
        let (before, rest_before): (Vec<Motion>, _) = (self.motion().collect(), self.rest_position());
        for ((tracker, position), velocity) in self.trackers.iter_mut().zip(&position).zip(&velocity) {
            tracker.follow(*position, *velocity);
        }
        let clamps = clamps.and(self.lag(&position));
        if self.leaves_workspace(&before, &rest_before) {
            self.restore(&before);
            self.brake();
            return clamps.and(Clamps::WORKSPACE);
        }
        clamps
    }

    fn brake(&mut self) {
        self.trackers.iter_mut().for_each(|tracker| {
            tracker.brake();
        });
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
        let Some((chain, walls)) = &self.reach else { return Clamps::default() };
        let excess = |q: &[f64]| walls.excess(&Point3::from(chain.forward(q).translation.vector));
        let command = self.position();
        let target = excess(position);
        if target <= 0.0 || target < excess(&command) {
            return Clamps::default();
        }
        let along = |share: f64| -> Vec<f64> {
            command.iter().zip(position.iter()).map(|(from, to)| from + share * (to - from)).collect()
        };
        let (mut inside, mut outside) = (0.0, 1.0);
        for _ in 0..12 {
            let middle = 0.5 * (inside + outside);
            if excess(&along(middle)) <= 0.0 { inside = middle } else { outside = middle }
        }
        *position = along(inside);
        velocity.iter_mut().for_each(|v| *v = 0.0);
        Clamps::WORKSPACE
    }

    /// Whether the command is or would come to rest outside, and further out than before this step. Joints that stop at
    /// different times may lead the tip out and back in again, so that looking at the place of rest alone is not enough.
    fn leaves_workspace(&self, before: &[Motion], rest_before: &[f64]) -> bool {
        let Some((chain, walls)) = &self.reach else { return false };
        let excess = |q: &[f64]| walls.excess(&Point3::from(chain.forward(q).translation.vector));
        let out = |now: &[f64], rest: &[f64]| {
            let half: Vec<f64> = now.iter().zip(rest).map(|(now, rest)| 0.5 * (now + rest)).collect();
            excess(now).max(excess(&half)).max(excess(rest))
        };
        let after = out(&self.position(), &self.rest_position());
        let position: Vec<f64> = before.iter().map(|motion| motion.position).collect();
        after > WORKSPACE_SLACK && after > out(&position, rest_before)
    }

    fn rest_position(&self) -> Vec<f64> {
        self.trackers.iter().map(Tracker::rest_position).collect()
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
