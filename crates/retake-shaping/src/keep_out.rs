//! Balls the tool stays out of, as a discrete-time barrier.

use nalgebra::{Point3, Vector3};

/// A ball in the base frame that the tool must stay out of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeepOut {
    /// Its centre, metres.
    pub centre: Point3<f64>,
    /// Its radius, metres.
    pub radius: f64,
}

/// Balls cut a way one after the other; where two of them meet, a cut may lead into the other.
const ROUNDS: usize = 4;
/// A cut that still leads into a ball by this much, metres squared, is none.
const CUT: f64 = 1e-9;

impl KeepOut {
    /// How deep `point` is inside, metres; zero or less outside.
    #[must_use]
    pub fn depth(&self, point: &Point3<f64>) -> f64 {
        self.radius - (point - self.centre).norm()
    }

    /// How much of `way` from `from` is missing to satisfy the barrier `h = ‖x − c‖² − r²`, `∇h·way + h ≥ 0`; zero or less if it does.
    ///
    /// A way is the motion of one step, so the gain on `h` is the largest one, 1: with it every point of a straight way that satisfies
    /// the condition is outside, since `h(x + s·way) ≥ (1 − s)·h(x)`. From inside, the condition is not to go deeper: a barrier
    /// that pushes outwards would move a robot nobody drives.
    fn shortfall(&self, from: &Point3<f64>, way: &Vector3<f64>, margin: f64) -> f64 {
        let out = from - self.centre;
        let radius = self.radius + margin;
        let h = (out.norm_squared() - radius * radius).max(0.0);
        -(2.0 * out.dot(way) + h)
    }

    /// `way` without what the barrier forbids: the nearest one that satisfies it.
    fn cut(&self, from: &Point3<f64>, way: &Vector3<f64>, margin: f64) -> Vector3<f64> {
        let missing = self.shortfall(from, way, margin);
        let gradient = 2.0 * (from - self.centre);
        if missing <= 0.0 || gradient.norm_squared() < 1e-12 {
            return *way;
        }
        way + gradient * (missing / gradient.norm_squared())
    }
}

/// The motion nearest to `way`, in metres from `from`, that passes every ball at a distance of `margin`; none at all where that is
/// not found.
#[must_use]
pub(crate) fn around(balls: &[KeepOut], from: &Point3<f64>, way: &Vector3<f64>, margin: f64) -> Vector3<f64> {
    let mut cut = *way;
    for _ in 0..ROUNDS {
        cut = balls.iter().fold(cut, |way, ball| ball.cut(from, &way, margin));
        if balls.iter().all(|ball| ball.shortfall(from, &cut, margin) <= CUT) {
            return cut;
        }
    }
    Vector3::zeros()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BALL: KeepOut = KeepOut { centre: Point3::new(0.5, 0.0, 0.3), radius: 0.1 };

    #[test]
    fn depth_is_measured_from_the_surface() {
        assert!((BALL.depth(&Point3::new(0.5, 0.0, 0.35)) - 0.05).abs() < 1e-12);
        assert!((BALL.depth(&Point3::new(0.5, 0.3, 0.3)) + 0.2).abs() < 1e-12);
    }

    #[test]
    fn a_way_past_the_ball_is_left_alone_and_one_into_it_slides() {
        let from = Point3::new(0.5, 0.2, 0.3);
        let past = Vector3::new(0.2, 0.0, 0.0);
        assert_eq!(around(&[BALL], &from, &past, 0.0), past);
        let into = around(&[BALL], &from, &Vector3::new(0.05, -0.2, 0.0), 0.0);
        assert!((into.x - 0.05).abs() < 1e-12, "sideways as wished: {into:?}");
        assert!(into.y > -0.1 && into.y < 0.0, "inwards no further than the surface: {into:?}");
    }

    #[test]
    fn inside_it_never_pushes_and_lets_out() {
        let from = Point3::new(0.5, 0.05, 0.3);
        assert_eq!(around(&[BALL], &from, &Vector3::zeros(), 0.0), Vector3::zeros());
        assert_eq!(around(&[BALL], &from, &Vector3::new(0.0, 0.1, 0.0), 0.0), Vector3::new(0.0, 0.1, 0.0));
        assert!(around(&[BALL], &from, &Vector3::new(0.0, -0.1, 0.0), 0.0).norm() < 1e-9);
    }

    proptest! {
        #[test]
        fn no_straight_way_leads_in(
            from in prop::array::uniform3(-1.0f64..1.0), way in prop::array::uniform3(-1.0f64..1.0),
            balls in proptest::collection::vec((prop::array::uniform3(-0.5f64..0.5), 0.02f64..0.4), 1..4),
        ) {
            let from = Point3::from(from);
            let balls: Vec<KeepOut> =
                balls.into_iter().map(|(centre, radius)| KeepOut { centre: centre.into(), radius }).collect();
            prop_assume!(balls.iter().all(|ball| ball.depth(&from) < 0.0));
            let way = around(&balls, &from, &Vector3::from(way), 0.0);
            for step in 0..=50 {
                let at = from + way * (f64::from(step) / 50.0);
                for ball in &balls {
                    prop_assert!(ball.depth(&at) < 1e-6, "{} m inside at {}", ball.depth(&at), step);
                }
            }
        }
    }
}
