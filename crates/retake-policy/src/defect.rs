//! What can be wrong with a policy, so that interventions have a cause.

use std::time::Duration;

use nalgebra::{Isometry3, Translation3, Vector3};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use retake_tasks::{PlanStep, Scene, Success, Task};

/// A way to go wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Defect {
    /// Nothing is wrong.
    None,
    /// It sees everything to move shifted to one side by so much.
    Bias {
        /// Metres.
        metres: f64,
    },
    /// Its joint targets wander by about so much.
    Noise {
        /// Radians, one standard deviation.
        radians: f64,
    },
    /// It takes another place for the goal, until it is close enough to see that it is wrong.
    WrongTurn,
    /// It stops moving on the way and stays, until somebody else has driven.
    Freeze,
    /// On the way it proposes a value that is not a number, until somebody else has driven.
    Nan,
    /// On the way its proposals lack a group, until somebody else has driven.
    Short,
    /// Its proposals come late.
    Late {
        /// By so much.
        by: Duration,
    },
    /// On the way it repeats its last chunk for ever, until somebody else has driven.
    Stale,
}

/// How far off the wrong place is, metres, and from how near it is seen to be wrong.
const WRONG_TURN: f64 = 0.12;
const SEEN_FROM: f64 = 0.035;

impl Defect {
    /// Name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bias { .. } => "bias",
            Self::Noise { .. } => "noise",
            Self::WrongTurn => "wrong-turn",
            Self::Freeze => "freeze",
            Self::Nan => "nan",
            Self::Short => "short",
            Self::Late { .. } => "late",
            Self::Stale => "stale",
        }
    }

    /// The scene as the policy believes it to be.
    pub(crate) fn believe(self, task: &Task, mut scene: Scene, episode: u64) -> Scene {
        match self {
            Self::Bias { metres } => {
                shift(&mut scene, task.grasp.object, Vector3::new(0.0, metres, 0.0));
                scene
            }
            Self::WrongTurn => {
                let goal = match task.goal {
                    Success::Lift { .. } => task.grasp.object,
                    Success::Around { peg, .. } => peg,
                };
                let near = scene.objects.get(goal).is_some_and(|goal| {
                    let way = goal.translation.vector - scene.tool.translation.vector;
                    way.xy().norm() < SEEN_FROM
                });
                if !near {
                    let side = if ChaCha8Rng::seed_from_u64(episode).random_bool(0.5) { 1.0 } else { -1.0 };
                    shift(&mut scene, goal, Vector3::new(side * WRONG_TURN, 0.0, 0.0));
                }
                scene
            }
            Self::None
            | Self::Noise { .. }
            | Self::Freeze
            | Self::Nan
            | Self::Short
            | Self::Late { .. }
            | Self::Stale => scene,
        }
    }

    /// Whether the defect shows only for a while, from the middle of the way until somebody else has driven.
    pub(crate) const fn is_spell(self) -> bool {
        matches!(self, Self::Freeze | Self::Nan | Self::Short | Self::Stale)
    }
}

fn shift(scene: &mut Scene, object: usize, by: Vector3<f64>) {
    if let Some(pose) = scene.objects.get_mut(object) {
        *pose = Isometry3::from_parts(Translation3::from(pose.translation.vector + by), pose.rotation);
    }
}

/// Joint noise that wanders: each chunk's offset is near the last one's.
#[derive(Clone, Debug)]
pub(crate) struct Wander {
    random: ChaCha8Rng,
    offset: Vec<f64>,
}

impl Wander {
    pub(crate) fn new(seed: u64) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), offset: Vec::new() }
    }

    /// Moves the offset on and adds it to a plan, growing over the plan so that it begins where the robot is.
    pub(crate) fn disturb(&mut self, plan: &mut [PlanStep], radians: f64) {
        let joints = plan.first().map_or(0, |step| step.q.len());
        self.offset.resize(joints, 0.0);
        for offset in &mut self.offset {
            // Three uniform numbers are near enough to a normal one of unit deviation.
            let normal: f64 = (0..3).map(|_| self.random.random_range(-1.0..1.0)).sum();
            *offset = 0.8 * *offset + 0.6 * radians * normal;
        }
        let count = plan.len().max(1) as f64;
        for (step, number) in plan.iter_mut().zip(1_u32..) {
            let share = f64::from(number) / count;
            step.q.iter_mut().zip(&self.offset).for_each(|(q, offset)| *q += share * offset);
        }
    }
}
