use nalgebra::Point3;

/// Axis-aligned box in the base frame, metres, that the tool must stay in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Workspace {
    /// Lowest corner.
    pub min: Point3<f64>,
    /// Highest corner.
    pub max: Point3<f64>,
}

impl Workspace {
    /// How far `point` is outside, metres; zero or less inside.
    pub fn excess(&self, point: &Point3<f64>) -> f64 {
        (0..3).map(|i| (self.min[i] - point[i]).max(point[i] - self.max[i])).fold(f64::NEG_INFINITY, f64::max)
    }

    /// The point of the box nearest to `point`: a goal beyond a wall slides along it.
    pub fn nearest(&self, point: &Point3<f64>) -> Point3<f64> {
        point.coords.zip_zip_map(&self.min.coords, &self.max.coords, |x, min, max| x.max(min).min(max)).into()
    }

    /// `velocity` without the parts that lead further out from a `point` at or beyond a wall. Closer than `margin` metres to a
    /// wall, the speed towards it shrinks with the distance.
    pub fn slide(&self, point: &Point3<f64>, velocity: [f64; 3], margin: f64) -> [f64; 3] {
        std::array::from_fn(|i| {
            let room = if velocity[i] > 0.0 { self.max[i] - point[i] } else { point[i] - self.min[i] };
            velocity[i] * (room / margin).clamp(0.0, 1.0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Workspace = Workspace { min: Point3::new(0.0, -1.0, 0.0), max: Point3::new(1.0, 1.0, 2.0) };

    #[test]
    fn excess_is_the_distance_to_the_nearest_wall() {
        assert!((BOX.excess(&Point3::new(0.5, 0.0, 0.1)) + 0.1).abs() < 1e-12);
        assert!((BOX.excess(&Point3::new(1.25, 0.0, 1.0)) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn the_nearest_point_is_on_the_wall_or_the_point_itself() {
        assert_eq!(BOX.nearest(&Point3::new(1.5, 0.3, -0.2)), Point3::new(1.0, 0.3, 0.0));
        assert_eq!(BOX.nearest(&Point3::new(0.5, 0.3, 0.2)), Point3::new(0.5, 0.3, 0.2));
    }

    #[test]
    fn a_wall_stops_motion_towards_it_and_no_other() {
        let at_wall = Point3::new(1.0, 0.0, 1.0);
        assert_eq!(BOX.slide(&at_wall, [0.2, 0.1, -0.1], 0.02), [0.0, 0.1, -0.1]);
        assert_eq!(BOX.slide(&at_wall, [-0.2, 0.0, 0.0], 0.02), [-0.2, 0.0, 0.0]);
        let near = BOX.slide(&Point3::new(0.99, 0.0, 1.0), [0.2, 0.0, 0.0], 0.02);
        assert!((near[0] - 0.1).abs() < 1e-9);
    }
}
