//! Where the tool came from, in the colour of who moved it.

use std::{collections::VecDeque, time::Duration};

use nalgebra::Vector3;
use rerun::LineStrips3D;
use retake_units::MonoTime;
use retake_wire::pb;

use crate::{
    logger::Sink,
    paint::{Driver, HOLD, driver},
    scene::{WORLD, point},
};

/// The whole trail is sent each time, so both its length and its rate are kept low.
const POINTS: usize = 150;
const SPACING: Duration = Duration::from_millis(100);

/// The last stretch of the tool's path.
#[derive(Debug)]
pub(crate) struct Trail {
    points: VecDeque<([f32; 3], Driver)>,
    driver: Driver,
    resets: u64,
    last: MonoTime,
}

impl Default for Trail {
    fn default() -> Self {
        Self { points: VecDeque::new(), driver: HOLD, resets: 0, last: MonoTime::ZERO }
    }
}

impl Trail {
    /// Whoever has the first group has the tool.
    pub(crate) fn set_driver(&mut self, record: &pb::TickRecord) {
        if let Some(group) = record.groups.first() {
            self.driver = driver(group.owner(), record.stopped);
        }
    }

    pub(crate) fn observe(&mut self, sink: &mut Sink, observation: &pb::Observation) {
        let Some(tool) = &observation.tool else { return };
        let now = MonoTime::from_nanos(u64::try_from(observation.captured_nanos).unwrap_or_default());
        if observation.resets != self.resets || now < self.last {
            self.points.clear();
            self.resets = observation.resets;
        } else if now.since(self.last) < SPACING {
            return;
        }
        self.last = now;
        if self.points.len() == POINTS {
            self.points.pop_front();
        }
        self.points.push_back((point(&Vector3::new(tool.x, tool.y, tool.z)), self.driver));
        let (strips, colours) = self.strips();
        let lines = LineStrips3D::new(strips).with_colors(colours).with_radii([0.003]);
        sink.log(&format!("{WORLD}/tool_path"), &lines);
    }

    /// One strip per driver; each begins where the one before ended.
    fn strips(&self) -> (Vec<Vec<[f32; 3]>>, Vec<u32>) {
        let (mut strips, mut colours): (Vec<Vec<[f32; 3]>>, Vec<u32>) = Default::default();
        for (at, driver) in &self.points {
            if colours.last() != Some(&driver.colour) {
                let joint = strips.last().and_then(|strip| strip.last()).copied();
                strips.push(joint.into_iter().collect());
                colours.push(driver.colour);
            }
            if let Some(strip) = strips.last_mut() {
                strip.push(*at);
            }
        }
        (strips, colours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paint::{HUMAN, POLICY};

    #[test]
    fn strips_change_with_the_driver_and_stay_connected() {
        let mut trail = Trail::default();
        for (x, driver) in [(0.0, POLICY), (1.0, POLICY), (2.0, HUMAN), (3.0, HUMAN), (4.0, POLICY)] {
            trail.points.push_back(([x, 0.0, 0.0], driver));
        }
        let (strips, colours) = trail.strips();
        assert_eq!(colours, [POLICY.colour, HUMAN.colour, POLICY.colour]);
        let xs: Vec<Vec<f32>> = strips.iter().map(|strip| strip.iter().map(|p| p[0]).collect()).collect();
        assert_eq!(xs, [vec![0.0, 1.0], vec![1.0, 2.0, 3.0], vec![3.0, 4.0]]);
    }
}
