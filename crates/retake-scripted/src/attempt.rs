//! Is the policy getting anywhere? What a person sees at a glance.

use std::time::Duration;

use retake_kinematics::pose_error;
use retake_tasks::{Goal, Scene};
use retake_units::MonoTime;

/// How far the attempt is: the stage, and the way left in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    pub(crate) stage: usize,
    /// Metres, with a radian counted as ten centimetres, and a gripper still to be moved by its way.
    pub(crate) left: f64,
}

const RADIAN: f64 = 0.1;
/// Less than this is no progress: the hand trembles.
const STEP: f64 = 0.004;

impl Progress {
    pub(crate) fn of(goal: &Goal, scene: &Scene) -> Self {
        let error = pose_error(&scene.tool, &goal.pose);
        let gripper = (scene.width - goal.width).abs();
        Self { stage: goal.stage, left: error.linear.norm() + RADIAN * error.angular.norm() + gripper }
    }

    fn beats(self, best: Self) -> bool {
        self.stage > best.stage || (self.stage == best.stage && self.left < best.left - STEP)
    }
}

/// The best so far, and since when there has been nothing better.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    best: Progress,
    since: MonoTime,
}

impl Watch {
    pub(crate) const fn begin(progress: Progress, now: MonoTime) -> Self {
        Self { best: progress, since: now }
    }

    pub(crate) const fn best(&self) -> Progress {
        self.best
    }

    /// Notes where the attempt is; true once it has not got further for `patience`.
    pub(crate) fn stuck(&mut self, progress: Progress, now: MonoTime, patience: Duration) -> bool {
        if progress.beats(self.best) {
            *self = Self::begin(progress, now);
        }
        now.since(self.since) >= patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn only_real_progress_resets_patience() {
        let progress = |stage, left| Progress { stage, left };
        let mut watch = Watch::begin(progress(1, 0.5), at(0));
        let patience = Duration::from_secs(1);
        assert!(!watch.stuck(progress(1, 0.3), at(900), patience));
        assert!(!watch.stuck(progress(1, 0.299), at(1800), patience), "a tremble");
        assert!(watch.stuck(progress(1, 0.299), at(1900), patience));
        assert!(
            !watch.stuck(progress(2, 0.9), at(1950), patience),
            "the next stage is progress, however far away"
        );
        assert!(watch.stuck(progress(1, 0.0), at(2950), patience), "back a stage is not");
    }
}
