//! What one operator's deflections mean.

use nalgebra::Vector3;

use crate::{Clamps, OperatorTwist};

/// How an operator wants their device to feel. Concerns wishes that are fractions of full speed: a position has no middle that could
/// be dead, so of a tracked hand's motion only the gain counts, and of a policy's or a rewind's nothing.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Profile {
    /// Deflection below which nothing is meant, 0 to below 1.
    pub dead_zone: f64,
    /// How much finer the middle is: 0 straight, 1 purely cubic.
    pub expo: f64,
    /// Speed per deflection.
    pub gain: f64,
}

impl Profile {
    /// Means what it says.
    pub const PLAIN: Self = Self { dead_zone: 0.0, expo: 0.0, gain: 1.0 };
}

/// The bounds of what any profile may make of a deflection: its sign is kept, no deflection stays none, and every other is multiplied
/// by no less than `least` and no more than `most`. It bounds what is asked for; the rate limits after it are what bounds the
/// motion.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Sector {
    /// Smallest gain, 0 or more. More than 0 takes dead zones away.
    pub least: f64,
    /// Largest gain.
    pub most: f64,
}

impl Sector {
    /// What is asked for with `profile`, and which of the two stages changed it. The direction is kept.
    #[must_use]
    pub fn shape(&self, profile: &Profile, wish: &OperatorTwist) -> (OperatorTwist, Clamps) {
        let (linear, first) = self.along(profile, wish.linear);
        let (angular, second) = self.along(profile, wish.angular);
        (OperatorTwist { linear, angular, ..*wish }, first.and(second))
    }

    /// The same for one fraction.
    #[must_use]
    pub fn shape_one(&self, profile: &Profile, wish: f64) -> (f64, Clamps) {
        let ([wish, ..], clamps) = self.along(profile, [wish, 0.0, 0.0]);
        (wish, clamps)
    }

    fn along(&self, profile: &Profile, wish: [f64; 3]) -> ([f64; 3], Clamps) {
        let wish = wish.map(|f| if f.is_finite() { f.clamp(-1.0, 1.0) } else { 0.0 });
        let length = Vector3::from(wish).norm();
        if length == 0.0 {
            return (wish, Clamps::default());
        }
        let wanted = profile.curve(length) / length;
        let gain = wanted.max(self.least).min(self.most);
        let gain = if gain.is_finite() { gain } else { 0.0 };
        let profiled = if wanted == 1.0 { Clamps::default() } else { Clamps::PROFILE };
        let bounded = if gain == wanted { Clamps::default() } else { Clamps::SECTOR };
        (wish.map(|f| f * gain), profiled.and(bounded))
    }
}

impl Profile {
    fn curve(&self, length: f64) -> f64 {
        if *self == Self::PLAIN {
            return length;
        }
        let live = ((length - self.dead_zone) / (1.0 - self.dead_zone)).max(0.0);
        self.gain * ((1.0 - self.expo) * live + self.expo * live * live * live)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECTOR: Sector = Sector { least: 0.0, most: 1.5 };

    #[test]
    fn a_plain_profile_changes_nothing() {
        let wish =
            OperatorTwist { linear: [0.3, -1.0, 0.1], angular: [0.0, 0.7, 0.0], ..OperatorTwist::default() };
        assert_eq!(SECTOR.shape(&Profile::PLAIN, &wish), (wish, Clamps::default()));
    }

    #[test]
    fn each_stage_leaves_its_mark() {
        let calm = Profile { dead_zone: 0.2, expo: 0.5, gain: 1.0 };
        assert_eq!(SECTOR.shape_one(&calm, 0.1), (0.0, Clamps::PROFILE));
        assert_eq!(SECTOR.shape_one(&calm, 0.0), (0.0, Clamps::default()));
        let wild = Profile { gain: 4.0, ..Profile::PLAIN };
        assert_eq!(SECTOR.shape_one(&wild, -0.4), (-0.6000000000000001, Clamps::PROFILE.and(Clamps::SECTOR)));
        assert_eq!(SECTOR.shape_one(&Profile { gain: f64::NAN, ..Profile::PLAIN }, 0.4).0, 0.0);
    }

    proptest! {
        #[test]
        fn no_profile_leaves_the_sector(
            dead_zone in 0.0f64..0.9, expo in 0.0f64..=1.0, gain in -3.0f64..9.0, least in 0.0f64..0.5, more in 0.0f64..2.0,
            wish in prop::array::uniform3(-2.0f64..2.0),
        ) {
            let sector = Sector { least, most: least + more };
            let wish = OperatorTwist { linear: wish, ..OperatorTwist::default() };
            let (shaped, _) = sector.shape(&Profile { dead_zone, expo, gain }, &wish);
            for (y, u) in shaped.linear.iter().zip(wish.linear.map(|u| u.clamp(-1.0, 1.0))) {
                let (a, b) = (sector.least * u, sector.most * u);
                prop_assert!(*y >= a.min(b) - 1e-12 && *y <= a.max(b) + 1e-12);
            }
            prop_assert_eq!(shaped.angular, [0.0; 3]);
        }
    }
}
