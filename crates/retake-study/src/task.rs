//! The planar two-bottleneck insertion: a point tool passes a gate and is put into a hole.
//!
//! **World.** A plane; x is the way forward, y is to the side, both in metres. The tool is a point. A wall of thickness [`PASSAGE`]
//! begins at the gate's x and is open only within [`GATE_TOLERANCE`] of the gate's y. A block begins at the hole's x and is open
//! only within [`HOLE_TOLERANCE`] of the hole's y. Start, gate and hole are drawn anew for each episode.
//!
//! **Action.** Two values in -1..1, forward and to the side: a velocity as a share of [`SPEED`] metres per step. Larger values are
//! clamped. What is done differs from what was asked by noise of [`DISTURBANCE`] of full speed on each axis, one standard deviation.
//! One step is 50 ms (20 Hz); an episode lasts at most [`HORIZON`] steps.
//!
//! **Jam.** Whatever touches the wall or the block sticks: the tool stays where it touched, and until it has been drawn back by
//! [`BACK_OFF`] it moves neither forward nor to the side. Only from behind, on the way back, is the wall smooth.
//!
//! **Observation.** Eight values: the tool's x and y, the way to the gate in x and y, the way to the hole in x and y (metres), whether
//! the tool is jammed (0 or 1), and whether it has passed the gate (0 or 1).
//!
//! **Reward.** 1 when the tool is [`DEPTH`] deep in the hole, which ends the episode; nothing before.
//!
//! A world is a value: its clone is an exact snapshot, and goes on alike, noise included.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::random::{Key, Purpose, normal_pair, stream};

/// Values in an observation.
pub const OBSERVATIONS: usize = 8;
/// Values in an action.
pub const ACTIONS: usize = 2;
/// Steps after which an episode is over.
pub const HORIZON: usize = 200;
/// Steps per second.
pub const RATE: u32 = 20;
/// How far the tool goes in one step at full speed, metres.
pub const SPEED: f64 = 0.02;
/// Noise on each axis of a motion, as a share of full speed.
pub const DISTURBANCE: f64 = 0.05;
/// Thickness of the wall with the gate, metres.
pub const PASSAGE: f64 = 0.04;
/// Half of the gate's width, metres.
pub const GATE_TOLERANCE: f64 = 0.020;
/// Half of the hole's width, metres.
pub const HOLE_TOLERANCE: f64 = 0.015;
/// How deep the tool must be in the hole, metres.
pub const DEPTH: f64 = 0.04;
/// How far a jammed tool must be drawn back before it moves freely again, metres.
pub const BACK_OFF: f64 = 0.03;

/// What the tool has to pass next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bottleneck {
    /// Where it begins, as seen from the tool, metres: negative within it.
    pub gap: f64,
    /// Where its middle is, as seen from the tool, to the side, metres.
    pub offset: f64,
    /// Half of its width, metres.
    pub tolerance: f64,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The gate is not yet passed.
    Gate,
    /// The gate is passed.
    Hole,
}

/// The whole state of one episode's world.
#[derive(Clone, Debug, PartialEq)]
pub struct Insertion {
    tool: [f64; 2],
    gate: [f64; 2],
    hole: [f64; 2],
    jam: Option<f64>,
    steps: usize,
    random: ChaCha8Rng,
}

impl Insertion {
    /// The scene of an episode: the same for equal `seed`, `part` and `episode`.
    pub fn new(seed: u64, part: u64, episode: u64) -> Self {
        Self::of(Key { seed, part, episode })
    }

    pub(crate) fn of(key: Key) -> Self {
        let mut random = stream(key, Purpose::Scene);
        let tool = [random.random_range(0.0..0.05), random.random_range(-0.1..0.1)];
        let gate = [random.random_range(0.40..0.50), random.random_range(-0.2..0.2)];
        let hole = [random.random_range(0.85..0.95), random.random_range(-0.2..0.2)];
        Self { tool, gate, hole, jam: None, steps: 0, random }
    }

    /// The same scene with the tool elsewhere, moved by at most `by` metres on each axis, but into no wall and past no bottleneck.
    pub fn perturbed(&self, by: f64, random: &mut ChaCha8Rng) -> Self {
        let mut moved = self.clone();
        let behind = match self.stage() {
            Stage::Gate => (-0.05, self.gate[0]),
            Stage::Hole => (self.gate[0] + PASSAGE, self.hole[0]),
        };
        moved.jam = None;
        moved.tool[0] = (self.tool[0] + random.random_range(-by..=by)).clamp(behind.0, behind.1);
        moved.tool[1] += random.random_range(-by..=by);
        moved
    }

    /// What a policy sees.
    pub fn observe(&self) -> [f32; OBSERVATIONS] {
        let [x, y] = self.tool;
        let flag = |is: bool| if is { 1.0 } else { 0.0 };
        [
            x,
            y,
            self.gate[0] - x,
            self.gate[1] - y,
            self.hole[0] - x,
            self.hole[1] - y,
            flag(self.jammed()),
            flag(self.stage() == Stage::Hole),
        ]
        .map(narrow)
    }

    /// Where the tool is, metres.
    pub fn tool(&self) -> [f64; 2] {
        self.tool
    }

    /// Touching, and not yet drawn back.
    pub fn jammed(&self) -> bool {
        self.jam.is_some()
    }

    /// Steps since the beginning.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// What comes next.
    pub fn stage(&self) -> Stage {
        // As the wall's far side is computed: a difference would round otherwise, and the tool that touches it be in the wall.
        if self.tool[0] < self.gate[0] + PASSAGE { Stage::Gate } else { Stage::Hole }
    }

    /// The bottleneck that comes next.
    pub fn ahead(&self) -> Bottleneck {
        let (place, tolerance) = match self.stage() {
            Stage::Gate => (self.gate, GATE_TOLERANCE),
            Stage::Hole => (self.hole, HOLE_TOLERANCE),
        };
        Bottleneck { gap: place[0] - self.tool[0], offset: place[1] - self.tool[1], tolerance }
    }

    /// How far the tool is beyond the gate, metres: negative before.
    pub fn beyond_gate(&self) -> f64 {
        self.tool[0] - self.gate[0] - PASSAGE
    }

    /// The tool is where it should be.
    pub fn succeeded(&self) -> bool {
        self.tool[0] >= self.hole[0] + DEPTH
    }

    /// The time is up.
    pub fn expired(&self) -> bool {
        self.steps >= HORIZON
    }

    /// Moves the tool for one step. A value that is no number moves nothing on its axis.
    pub fn step(&mut self, action: [f64; ACTIONS]) {
        self.steps += 1;
        let noise = normal_pair(&mut self.random);
        let share = |axis: usize| {
            let asked = if action[axis].is_nan() { 0.0 } else { action[axis].clamp(-1.0, 1.0) };
            SPEED * (asked + DISTURBANCE * noise[axis])
        };
        let wish = [self.tool[0] + share(0), self.tool[1] + share(1)];
        match self.jam {
            Some(at) => self.draw_back(at, wish[0]),
            None => self.move_freely(wish),
        }
    }

    fn draw_back(&mut self, at: f64, x: f64) {
        self.tool[0] = x.min(self.tool[0]);
        if self.tool[0] <= at - BACK_OFF {
            self.jam = None;
        }
    }

    fn move_freely(&mut self, [x, y]: [f64; 2]) {
        let [from, _] = self.tool;
        let (gate, behind) = (self.gate[0], self.gate[0] + PASSAGE);
        let in_wall = x > gate && x < behind && (y - self.gate[1]).abs() > GATE_TOLERANCE;
        let in_block = x > self.hole[0] && (y - self.hole[1]).abs() > HOLE_TOLERANCE;
        if in_wall && from >= behind {
            self.tool = [behind, y.clamp(-0.5, 0.5)];
        } else if in_wall {
            self.touch(from.max(gate));
        } else if in_block {
            self.touch(from.max(self.hole[0]));
        } else {
            self.tool = [x.max(-0.1), y.clamp(-0.5, 0.5)];
        }
    }

    /// Touches with the tool at `x`, and sticks there.
    fn touch(&mut self, x: f64) {
        self.tool[0] = x;
        self.jam = Some(x);
    }
}

/// As policies have it.
#[expect(
    clippy::cast_possible_truncation,
    reason = "metres in a scene of one metre: rounded, never out of range"
)]
pub(crate) fn narrow(value: f64) -> f32 {
    value as f32
}
