//! Where the tool of a group may be, as conditions on its joints.

use nalgebra::{Isometry3, Point3, Translation3};
use retake_kinematics::{Chain, pose_error};

use crate::{KeepOut, Workspace, keep_out::around};

/// A group's kinematics, the box its tool must stay in, and the balls it must stay out of.
#[derive(Clone, Debug)]
pub struct Reach {
    /// From the group's values to the tool.
    pub chain: Chain,
    /// The box.
    pub walls: Workspace,
    /// The balls.
    pub keep_out: Vec<KeepOut>,
}

/// Targets keep this far from a ball, metres: joints that do not move in step bend a straight way.
const MARGIN: f64 = 0.01;
/// A target moved less than this by the barrier was not moved, metres.
const MOVED: f64 = 1e-6;
/// Iterations that look for the joints of a shortened way, the time each stands for, and what is close enough, metres.
const ITERATIONS: usize = 8;
const STRIDE_S: f64 = 0.04;
const CLOSE: f64 = 5e-4;
const DAMPING: f64 = 0.03;

impl Reach {
    /// The tool at these joints.
    pub(crate) fn tip(&self, q: &[f64]) -> Point3<f64> {
        Point3::from(self.chain.forward(q).translation.vector)
    }

    /// How far the tool is outside the box or inside a ball, metres; zero or less where it may be.
    pub(crate) fn excess(&self, q: &[f64]) -> f64 {
        let tip = self.tip(q);
        self.keep_out.iter().map(|ball| ball.depth(&tip)).fold(self.walls.excess(&tip), f64::max)
    }

    /// How far the tool is outside the box, metres.
    pub(crate) fn outside(&self, q: &[f64]) -> f64 {
        self.walls.excess(&self.tip(q))
    }

    /// Joints near `target` whose tool is where the barrier lets the straight way from `command` end; `None` if that is `target`.
    /// Where there are none, `command`.
    pub(crate) fn around(&self, command: &[f64], target: &[f64]) -> Option<Vec<f64>> {
        if self.keep_out.is_empty() {
            return None;
        }
        let (from, pose) = (self.tip(command), self.chain.forward(target));
        let way = Point3::from(pose.translation.vector) - from;
        let allowed = around(&self.keep_out, &from, &way, MARGIN);
        if (allowed - way).norm() < MOVED {
            return None;
        }
        let wanted = Isometry3::from_parts(Translation3::from(from + allowed), pose.rotation);
        Some(self.joints(target, &wanted).unwrap_or_else(|| command.to_vec()))
    }

    fn joints(&self, seed: &[f64], wanted: &Isometry3<f64>) -> Option<Vec<f64>> {
        let mut q = seed.to_vec();
        for _ in 0..ITERATIONS {
            let error = pose_error(&self.chain.forward(&q), wanted);
            if error.linear.norm() < CLOSE {
                return Some(q);
            }
            let velocity = self.chain.velocity_step(&q, &(error.vector() / STRIDE_S), &q, DAMPING);
            q.iter_mut().zip(velocity).for_each(|(q, v)| *q += v * STRIDE_S);
        }
        None
    }
}
