//! A filter that is slow for a hand at rest and fast for one that moves.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use retake_units::MonoTime;

/// How a pose is smoothed.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct OneEuroConfig {
    /// Cut-off frequency at rest, Hz.
    pub min_cutoff: f64,
    /// Cut-off added per speed of the hand, Hz per m/s.
    pub beta_linear: f64,
    /// Cut-off added per turning speed of the hand, Hz per rad/s.
    pub beta_angular: f64,
    /// Cut-off of the speeds themselves, Hz.
    pub speed_cutoff: f64,
}

/// One Euro filter on a pose (Casiez, Roussel, Vogel: "1€ Filter", CHI 2012). The rotation's share of the way is computed like the
/// position's, from the turning speed, and taken along the shortest arc.
#[derive(Clone, Copy, Debug)]
pub struct PoseFilter {
    config: OneEuroConfig,
    last: Option<Smoothed>,
}

#[derive(Clone, Copy, Debug)]
struct Smoothed {
    pose: Isometry3<f64>,
    velocity: Vector3<f64>,
    spin: Vector3<f64>,
    at: MonoTime,
}

/// Words that arrive in a burst were not spoken in no time, and speeds over a pause say little, seconds.
const SHORTEST: f64 = 1e-3;
const LONGEST: f64 = 0.1;

impl PoseFilter {
    /// A filter that has seen nothing.
    pub const fn new(config: OneEuroConfig) -> Self {
        Self { config, last: None }
    }

    /// The pose as last smoothed.
    pub fn pose(&self) -> Option<Isometry3<f64>> {
        self.last.map(|last| last.pose)
    }

    /// Forgets everything: the next pose is taken as it is.
    pub const fn forget(&mut self) {
        self.last = None;
    }

    /// Is at `pose` now, with the speeds it had: a hand that has just come to rest must not go on creeping after it engaged.
    pub fn settle(&mut self, pose: &Isometry3<f64>, at: MonoTime) -> Isometry3<f64> {
        self.smooth(pose, at);
        self.last = self.last.map(|last| Smoothed { pose: *pose, ..last });
        *pose
    }

    /// Takes in a pose and returns it smoothed.
    pub fn smooth(&mut self, pose: &Isometry3<f64>, at: MonoTime) -> Isometry3<f64> {
        let Some(last) = self.last else {
            self.last =
                Some(Smoothed { pose: *pose, velocity: Vector3::zeros(), spin: Vector3::zeros(), at });
            return *pose;
        };
        let seconds = at.since(last.at).as_secs_f64().clamp(SHORTEST, LONGEST);
        let way = pose.translation.vector - last.pose.translation.vector;
        let turn = (pose.rotation * last.pose.rotation.inverse()).scaled_axis();
        let speeds = share(self.config.speed_cutoff, seconds);
        let velocity = last.velocity.lerp(&(way / seconds), speeds);
        let spin = last.spin.lerp(&(turn / seconds), speeds);
        let OneEuroConfig { min_cutoff, beta_linear, beta_angular, .. } = self.config;
        let moved = way * share(min_cutoff + beta_linear * velocity.norm(), seconds);
        let turned = turn * share(min_cutoff + beta_angular * spin.norm(), seconds);
        let mut rotation = UnitQuaternion::new(turned) * last.pose.rotation;
        rotation.renormalize();
        let pose = Isometry3::from_parts(Translation3::from(last.pose.translation.vector + moved), rotation);
        self.last = Some(Smoothed { pose, velocity, spin, at });
        pose
    }
}

/// Share of the way to a new value that a low-pass filter of this cut-off goes in one step.
fn share(cutoff: f64, seconds: f64) -> f64 {
    let tau = 1.0 / (std::f64::consts::TAU * cutoff);
    1.0 / (1.0 + tau / seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: OneEuroConfig =
        OneEuroConfig { min_cutoff: 1.5, beta_linear: 15.0, beta_angular: 3.0, speed_cutoff: 1.0 };

    fn at(step: u64) -> MonoTime {
        MonoTime::from_nanos(step * 1_000_000_000 / 120)
    }

    fn x(x: f64) -> Isometry3<f64> {
        Isometry3::translation(x, 0.0, 0.0)
    }

    /// What the reference gives for these constants at 120 Hz: 50, 25, 12 and 7 ms.
    #[test]
    fn the_lag_of_a_steady_hand_is_as_published() {
        for (speed, lag) in [(0.02, 0.050), (0.1, 0.025), (0.4, 0.012), (0.8, 0.007)] {
            let mut filter = PoseFilter::new(CONFIG);
            let mut behind = 0.0;
            for step in 0..600 {
                let now = speed * f64::from(u32::try_from(step).unwrap()) / 120.0;
                behind = (now - filter.smooth(&x(now), at(step)).translation.x) / speed;
            }
            assert!((behind - lag).abs() < 0.005, "{speed} m/s: {behind} s, expected {lag}");
        }
    }

    #[test]
    fn a_trembling_hand_is_calmed() {
        let mut filter = PoseFilter::new(CONFIG);
        let mut widest: f64 = 0.0;
        for step in 0..600 {
            // One millimetre at 10 Hz, a physiological tremor.
            let t = f64::from(u32::try_from(step).unwrap()) / 120.0;
            let smooth = filter.smooth(&x(0.001 * (std::f64::consts::TAU * 10.0 * t).sin()), at(step));
            if step > 120 {
                widest = widest.max(smooth.translation.x.abs());
            }
        }
        assert!(widest < 0.0005, "{widest}");
    }

    #[test]
    fn turns_come_along_the_shortest_arc_and_stay_rotations() {
        let mut filter = PoseFilter::new(CONFIG);
        let turned = |angle: f64| Isometry3::rotation(Vector3::z() * angle);
        for step in 0..240 {
            let angle = 3.0 + f64::from(u32::try_from(step).unwrap()) / 120.0;
            filter.smooth(&turned(angle), at(step));
        }
        let pose = filter.pose().unwrap();
        assert!((pose.rotation.norm() - 1.0).abs() < 1e-12);
        // Two rad/s through the half turn, where the vector of the rotation flips: still right behind the hand.
        assert!(pose.rotation.angle_to(&turned(3.0 + 239.0 / 120.0).rotation) < 0.1);
    }

    #[test]
    fn a_burst_does_not_divide_by_nothing() {
        let mut filter = PoseFilter::new(CONFIG);
        filter.smooth(&x(0.0), at(1));
        let pose = filter.smooth(&x(0.01), at(1));
        assert!(pose.translation.x.is_finite() && pose.translation.x <= 0.01);
    }
}
