//! Where things start: drawn from the task's ranges, the same for the same seed on every machine.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::task::{Placement, Task};

impl Task {
    /// Start poses of [`Task::objects`] for a seed: level, within each object's range.
    #[must_use]
    pub fn place(&self, seed: u64) -> Vec<Isometry3<f64>> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        self.objects.iter().map(|object| draw(&object.placement, &mut random)).collect()
    }
}

/// Always draws three numbers, so that a range that shrinks to a point does not shift what later objects get.
fn draw(placement: &Placement, random: &mut ChaCha8Rng) -> Isometry3<f64> {
    let mut within = |[low, high]: [f64; 2]| low + (high - low) * random.random::<f64>();
    let (x, y, yaw) = (within(placement.x), within(placement.y), within(placement.yaw));
    let rotation = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
    Isometry3::from_parts(Translation3::new(x, y, placement.z), rotation)
}
