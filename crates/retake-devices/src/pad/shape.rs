//! From what a stick reads to what a person means: dead zone, curve, saturation.

use serde::{Deserialize, Serialize};

/// How a stick's two axes are shaped, both together, so that the dead zone is round and a diagonal stays a diagonal.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shape {
    /// Deflection below which the stick is at rest, 0 up to `saturation`.
    pub dead_zone: f64,
    /// How much finer the middle is: 0 straight, 1 purely cubic.
    pub expo: f64,
    /// Deflection that already counts as full, above `dead_zone` up to 1: worn sticks never reach 1.
    pub saturation: f64,
}

impl Default for Shape {
    fn default() -> Self {
        Self { dead_zone: 0.12, expo: 0.5, saturation: 0.95 }
    }
}

impl Shape {
    /// Every number is in its range.
    pub fn is_sound(&self) -> bool {
        (0.0..1.0).contains(&self.dead_zone)
            && (0.0..=1.0).contains(&self.expo)
            && self.saturation > self.dead_zone
            && self.saturation <= 1.0
    }

    /// Shapes one stick. The result has a length of 0 to 1 and the direction of `raw`; anything not finite counts as 0.
    pub fn stick(&self, raw: [f64; 2]) -> [f64; 2] {
        let [x, y] = raw.map(finite);
        let length = x.hypot(y);
        if length <= self.dead_zone {
            return [0.0, 0.0];
        }
        let meant = self.along_ray(length);
        [x / length * meant, y / length * meant]
    }

    /// Raw deflection that counts as more than rest.
    pub fn is_deflected(&self, raw: [f64; 2]) -> bool {
        let [x, y] = raw.map(finite);
        x.hypot(y) > self.dead_zone
    }

    fn along_ray(&self, length: f64) -> f64 {
        curve(((length - self.dead_zone) / (self.saturation - self.dead_zone)).clamp(0.0, 1.0), self.expo)
    }
}

/// How a trigger is shaped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TriggerShape {
    /// Squeeze below which the trigger is released, 0 to below 1.
    pub dead_zone: f64,
    /// How much finer a light squeeze is: 0 straight, 1 purely cubic.
    pub expo: f64,
}

impl Default for TriggerShape {
    fn default() -> Self {
        Self { dead_zone: 0.05, expo: 0.0 }
    }
}

impl TriggerShape {
    /// Every number is in its range.
    pub fn is_sound(&self) -> bool {
        (0.0..1.0).contains(&self.dead_zone) && (0.0..=1.0).contains(&self.expo)
    }

    /// Shapes one trigger: 0 to 1; anything not finite counts as 0.
    pub fn squeeze(&self, raw: f64) -> f64 {
        curve(((finite(raw) - self.dead_zone) / (1.0 - self.dead_zone)).clamp(0.0, 1.0), self.expo)
    }
}

fn curve(x: f64, expo: f64) -> f64 {
    (1.0 - expo) * x + expo * x * x * x
}

const fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn length([x, y]: [f64; 2]) -> f64 {
        x.hypot(y)
    }

    fn shapes() -> impl Strategy<Value = Shape> {
        (0.0..0.5, 0.0..=1.0, 0.6..=1.0).prop_map(|(dead_zone, expo, saturation)| Shape {
            dead_zone,
            expo,
            saturation,
        })
    }

    #[test]
    fn known_points() {
        let shape = Shape::default();
        assert_eq!(shape.stick([0.12, 0.0]), [0.0, 0.0]);
        assert_eq!(shape.stick([0.95, 0.0]), [1.0, 0.0]);
        assert_eq!(shape.stick([0.0, -1.0]), [0.0, -1.0]);
        // Half-way between dead zone and saturation: 0.5 * 0.5 + 0.5 * 0.125.
        assert!((shape.stick([0.535, 0.0])[0] - 0.3125).abs() < 1e-12);
        assert_eq!(shape.stick([f64::NAN, 1.0]), [0.0, 1.0]);
        assert_eq!(shape.stick([f64::INFINITY, f64::NAN]), [0.0, 0.0]);
        let trigger = TriggerShape::default();
        assert_eq!([trigger.squeeze(0.05), trigger.squeeze(1.0), trigger.squeeze(f64::NAN)], [0.0, 1.0, 0.0]);
        assert!((trigger.squeeze(0.525) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn unsound_shapes_are_told() {
        let sound = Shape::default();
        assert!(sound.is_sound());
        assert!(!Shape { dead_zone: 0.95, ..sound }.is_sound());
        assert!(!Shape { dead_zone: f64::NAN, ..sound }.is_sound());
        assert!(!Shape { expo: -0.1, ..sound }.is_sound());
        assert!(!Shape { saturation: 1.1, ..sound }.is_sound());
        assert!(!TriggerShape { dead_zone: 1.0, expo: 0.0 }.is_sound());
    }

    proptest! {
        #[test]
        fn stays_in_the_unit_disc(shape in shapes(), x in -1.0..=1.0, y in -1.0..=1.0) {
            prop_assert!(length(shape.stick([x, y])) <= 1.0 + 1e-12);
        }

        #[test]
        fn is_continuous(shape in shapes(), x in -1.0..=1.0, y in -1.0..=1.0, dx in -1e-6..1e-6_f64, dy in -1e-6..1e-6_f64) {
            let [a, b] = shape.stick([x, y]);
            let [c, d] = shape.stick([x + dx, y + dy]);
            // The steepest slope of the curve is 3 over a range of at least 0.1.
            prop_assert!((a - c).hypot(b - d) <= 60.0 * dx.hypot(dy) + 1e-12);
        }

        #[test]
        fn grows_along_a_ray(shape in shapes(), angle in 0.0..std::f64::consts::TAU, a in 0.0..=1.0, b in 0.0..=1.0) {
            let at = |r: f64| length(shape.stick([r * angle.cos(), r * angle.sin()]));
            prop_assert!(at(f64::min(a, b)) <= at(f64::max(a, b)) + 1e-12);
        }

        #[test]
        fn mirrors(shape in shapes(), x in -1.0..=1.0, y in -1.0..=1.0) {
            let [a, b] = shape.stick([x, y]);
            prop_assert_eq!(shape.stick([-x, y]), [-a, b]);
            prop_assert_eq!(shape.stick([x, -y]), [a, -b]);
        }

        #[test]
        fn keeps_direction(shape in shapes(), x in -1.0..=1.0, y in -1.0..=1.0) {
            let [a, b] = shape.stick([x, y]);
            prop_assert!((a * y - b * x).abs() < 1e-9 && a * x + b * y >= 0.0);
        }

        #[test]
        fn triggers_grow_from_zero_to_one(dead_zone in 0.0..0.9, expo in 0.0..=1.0, a in 0.0..=1.0, b in 0.0..=1.0) {
            let shape = TriggerShape { dead_zone, expo };
            let (low, high) = (shape.squeeze(f64::min(a, b)), shape.squeeze(f64::max(a, b)));
            prop_assert!(0.0 <= low && low <= high + 1e-12 && high <= 1.0);
        }
    }
}
