//! The relative pose clutch: a hand that moves the tool by as much as it moved itself since the clutch engaged.
//!
//! Both ends are latched at engagement, the hand's pose and the tool's, and the goal of that frame is the tool's pose to the bit: so
//! engaging moves nothing, wherever the hand is. Any doubt about the hand lets go, and letting go needs a release and a press before
//! the hand counts again. The order is: is it a pose at all, is it a leap, then the filter, then the clutch. A leap is looked for
//! before the filter, not after it, because a filter that has swallowed one goes on leading towards it.

use std::time::Duration;

use nalgebra::{Isometry3, Translation3, UnitQuaternion};
use retake_units::MonoTime;

use crate::{HandFrame, OneEuroConfig, PoseFilter};

/// What the clutch believes. There is no default: the deployment says.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ClutchConfig {
    /// How the hand's pose is smoothed.
    pub filter: OneEuroConfig,
    /// A hand not heard for this long has stopped being followed; it stays engaged.
    pub freeze: Duration,
    /// A hand not heard for this long has let go.
    pub let_go: Duration,
    /// No hand moves faster than this, m/s: the tracker has leapt.
    pub leap_linear: f64,
    /// No hand turns faster than this, rad/s.
    pub leap_angular: f64,
    /// So many leaping words in a row are waited for; then the hand has let go.
    pub leap_words: u32,
}

/// Why a hand does not count until its clutch has been released and pressed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It has not been seen with its clutch up yet.
    Unseen,
    /// It was not tracked.
    Untracked,
    /// Its numbers were no pose.
    NotAPose,
    /// Its device's origin was moved.
    Recentred,
    /// It was not heard for too long.
    Stalled,
    /// It was somewhere else all of a sudden.
    Leapt,
}

/// What a hand's clutch is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grip {
    /// Up; a press will engage.
    Open,
    /// Engaged: the hand moves the goal.
    Engaged,
    /// Must be released and pressed again.
    Barred(Doubt),
}

/// Both ends as they were when the clutch engaged, or when what is made of the hand's motion last changed.
#[derive(Clone, Copy, Debug)]
struct Latch {
    hand: Isometry3<f64>,
    home: Isometry3<f64>,
    scale: f64,
    in_tool_frame: bool,
    /// The hand at the last word, and the goal that followed from it.
    last: Isometry3<f64>,
    goal: Isometry3<f64>,
}

/// One hand's clutch.
#[derive(Clone, Debug)]
pub struct PoseClutch {
    config: ClutchConfig,
    filter: PoseFilter,
    grip: Grip,
    latch: Option<Latch>,
    recentres: Option<u32>,
    /// The last pose that was believed, before the filter.
    believed: Option<(Isometry3<f64>, MonoTime)>,
    leaps: u32,
    heard: MonoTime,
}

/// However long ago the last believed pose is, a hand has not gone further than it could in this time, seconds.
const REACH: f64 = 0.05;
/// Words of one burst were not spoken in no time, seconds.
const SHORTEST: f64 = 0.005;

impl PoseClutch {
    /// A clutch that trusts nothing: a hand that appears with its clutch down must let go first.
    pub const fn new(config: ClutchConfig) -> Self {
        Self {
            config,
            filter: PoseFilter::new(config.filter),
            grip: Grip::Barred(Doubt::Unseen),
            latch: None,
            recentres: None,
            believed: None,
            leaps: 0,
            heard: MonoTime::ZERO,
        }
    }

    /// What it is doing.
    pub const fn grip(&self) -> Grip {
        self.grip
    }

    /// Where the engaged hand wants the tool, base frame.
    pub fn goal(&self) -> Option<Isometry3<f64>> {
        self.latch.map(|latch| latch.goal)
    }

    /// The engaged hand has not been heard lately, and the goal waits for it.
    pub fn frozen(&self, now: MonoTime) -> bool {
        self.latch.is_some() && now.since(self.heard) > self.config.freeze
    }

    /// Lets time pass: a hand that is silent for too long lets go.
    pub fn elapsed(&mut self, now: MonoTime) {
        if now.since(self.heard) > self.config.let_go {
            self.forget();
            if self.latch.is_some() {
                self.bar(Doubt::Stalled);
            }
        }
    }

    /// Latches both ends where they are: from now on the hand's motion counts from `home`. Nothing if the clutch is not engaged.
    pub fn latch_anew(&mut self, home: &Isometry3<f64>) {
        self.latch = self.latch.map(|latch| Latch { hand: latch.last, home: *home, goal: *home, ..latch });
    }

    /// Takes in what the hand says. `home` is the tool as last commanded: what the goal is if the clutch engages now.
    pub fn hear(&mut self, frame: &HandFrame, home: &Isometry3<f64>, now: MonoTime) {
        self.elapsed(now);
        self.heard = now;
        let before = self.grip;
        let pose = self.believe(frame, now);
        match (frame.held, before, pose) {
            (false, ..) => {
                (self.grip, self.latch) = (Grip::Open, None);
                self.follow_idle(pose, now);
            }
            (true, Grip::Open, Ok(Some(pose))) => {
                let hand = self.filter.settle(&pose, now);
                let latch = Latch {
                    hand,
                    home: *home,
                    scale: frame.scale,
                    in_tool_frame: frame.in_tool_frame,
                    last: hand,
                    goal: *home,
                };
                (self.grip, self.latch) = (Grip::Engaged, Some(latch));
            }
            (true, Grip::Engaged, Ok(Some(pose))) => {
                let hand = self.filter.smooth(&pose, now);
                self.latch = self.latch.map(|latch| latch.moved(hand, frame));
            }
            // A leap: what was believed last still stands.
            (true, Grip::Engaged, Ok(None)) => {}
            (true, Grip::Open | Grip::Engaged, Err(doubt)) => self.bar(doubt),
            (true, Grip::Open, Ok(None)) => self.bar(Doubt::Leapt),
            (true, Grip::Barred(_), pose) => self.follow_idle(pose, now),
        }
    }

    /// Keeps the filter warm while the hand moves nothing, so that engaging is no cold start.
    fn follow_idle(&mut self, pose: Result<Option<Isometry3<f64>>, Doubt>, now: MonoTime) {
        if let Ok(Some(pose)) = pose {
            self.filter.smooth(&pose, now);
        }
    }

    fn bar(&mut self, doubt: Doubt) {
        (self.grip, self.latch) = (Grip::Barred(doubt), None);
    }

    fn forget(&mut self) {
        self.filter.forget();
        (self.believed, self.leaps) = (None, 0);
    }

    /// The pose, if it can be believed; `None` for a leap that may still turn out to be one bad word.
    fn believe(&mut self, frame: &HandFrame, now: MonoTime) -> Result<Option<Isometry3<f64>>, Doubt> {
        let recentred = self.recentres.replace(frame.recentres).is_some_and(|last| last != frame.recentres);
        let scaled = frame.scale.is_finite() && frame.scale > 0.0;
        let doubt = match frame.pose().filter(|_| scaled) {
            _ if recentred => Doubt::Recentred,
            _ if !frame.tracked => Doubt::Untracked,
            None => Doubt::NotAPose,
            Some(pose) => return self.unless_leapt(pose, now),
        };
        self.forget();
        Err(doubt)
    }

    fn unless_leapt(&mut self, pose: Isometry3<f64>, now: MonoTime) -> Result<Option<Isometry3<f64>>, Doubt> {
        if let Some((last, at)) = self.believed {
            let seconds = now.since(at).as_secs_f64().clamp(SHORTEST, REACH);
            let way = (pose.translation.vector - last.translation.vector).norm();
            let leapt = way > self.config.leap_linear * seconds
                || pose.rotation.angle_to(&last.rotation) > self.config.leap_angular * seconds;
            if leapt && self.latch.is_some() {
                self.leaps += 1;
                if self.leaps <= self.config.leap_words {
                    return Ok(None);
                }
                self.forget();
                return Err(Doubt::Leapt);
            }
            if leapt {
                // Nothing follows the hand: wherever it is now, it may begin there.
                self.filter.forget();
            }
        }
        (self.believed, self.leaps) = (Some((pose, now)), 0);
        Ok(Some(pose))
    }
}

impl Latch {
    /// The hand is at `hand` now. If what is made of its motion has changed, both ends are latched anew where they are, so that the
    /// change itself moves nothing.
    fn moved(self, hand: Isometry3<f64>, frame: &HandFrame) -> Self {
        let latch = if frame.scale == self.scale && frame.in_tool_frame == self.in_tool_frame {
            self
        } else {
            let (scale, in_tool_frame) = (frame.scale, frame.in_tool_frame);
            Self { hand: self.last, home: self.goal, scale, in_tool_frame, ..self }
        };
        Self { last: hand, goal: latch.goal_for(&hand), ..latch }
    }

    fn goal_for(&self, hand: &Isometry3<f64>) -> Isometry3<f64> {
        let way = (hand.translation.vector - self.hand.translation.vector) * self.scale;
        let (from, to) = (self.hand.rotation, hand.rotation);
        let (way, mut rotation): (_, UnitQuaternion<f64>) = if self.in_tool_frame {
            // As the hand saw its own motion, the tool sees its own.
            (self.home.rotation * (from.inverse() * way), self.home.rotation * (from.inverse() * to))
        } else {
            (way, (to * from.inverse()) * self.home.rotation)
        };
        rotation.renormalize();
        Isometry3::from_parts(Translation3::from(self.home.translation.vector + way), rotation)
    }
}

#[cfg(test)]
mod tests;
