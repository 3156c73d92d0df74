//! The world driven by the expert, by hand-made commands and by nonsense.

mod contact;
mod contract;
mod force;
mod replay;

use nalgebra::Vector6;
use retake_kinematics::Chain;
use retake_tasks::{Expert, Hold, Phase, Task};

use crate::World;

pub(super) const PERIOD: f64 = 0.02;
const CHUNK: usize = 16;
const REPLAN: usize = 8;

/// A world with the expert in charge.
pub(super) struct Run {
    pub(super) world: World,
    pub(super) chain: Chain,
    pub(super) expert: Expert,
    hold: Hold,
}

impl Run {
    pub(super) fn new(task: &str, seed: u64) -> Self {
        let task = Task::by_name(task).unwrap();
        let world = World::new(&task, seed).unwrap();
        let chain = world.model().chain("tool").unwrap();
        Self { world, chain, expert: Expert::new(&task), hold: Hold::default() }
    }

    /// One replanning and the steps up to the next; true once the task is done.
    pub(super) fn chunk(&mut self) -> bool {
        let (scene, start) = (self.world.scene(), self.world.command());
        let plan = self.expert.plan(&scene, &start, &self.chain, CHUNK, PERIOD);
        let mut done = false;
        for step in plan.iter().take(REPLAN) {
            self.world.set_command(&step.q, step.width).unwrap();
            self.world.step(PERIOD).unwrap();
            let time = self.world.state().time;
            done |= self.hold.update(self.expert.task(), &self.world.scene(), time);
        }
        done
    }

    /// Seconds to success.
    pub(super) fn finish(&mut self) -> Option<f64> {
        while self.world.state().time < self.expert.task().time_limit {
            if self.chunk() {
                return Some(self.world.state().time);
            }
        }
        None
    }

    /// Lets the expert work until it reaches a phase.
    pub(super) fn until(&mut self, phase: Phase) {
        for _ in 0..200 {
            if self.expert.goal(&self.world.scene()).phase == phase {
                return;
            }
            self.chunk();
        }
        panic!("the expert never came to {phase:?}");
    }

    /// One period with the tool moving at `twist`, gripper commanded to `width`.
    pub(super) fn move_tool(&mut self, twist: [f64; 6], width: f64) {
        let q = self.world.command();
        let home = self.expert.task().home.joints.clone();
        let rates = self.chain.velocity_step(&q, &Vector6::from(twist), &home, 0.02);
        let next: Vec<f64> = q.iter().zip(rates).map(|(q, rate)| q + rate * PERIOD).collect();
        self.world.set_command(&next, width).unwrap();
        self.world.step(PERIOD).unwrap();
    }
}

#[test]
fn the_expert_lifts_the_cube() {
    let failed: Vec<u64> = (0..20).filter(|seed| Run::new("lift", *seed).finish().is_none()).collect();
    assert!(failed.is_empty(), "seeds {failed:?}");
}

#[test]
fn the_expert_puts_the_nut_on_the_peg() {
    let failed: Vec<u64> = (0..10).filter(|seed| Run::new("nut-on-peg", *seed).finish().is_none()).collect();
    assert!(failed.is_empty(), "seeds {failed:?}");
}

/// Somebody else takes the robot every two seconds, moves it anyhow and may open the hand; the expert goes on from
/// whatever that left behind.
#[test]
fn the_expert_recovers_from_interference() {
    let mut solved = 0;
    for seed in 0..10_u32 {
        let mut run = Run::new("nut-on-peg", u64::from(seed));
        for round in 0..3_u32 {
            for _ in 0..12 {
                run.chunk();
            }
            let phase = f64::from(seed * 3 + round);
            let twist =
                [0.2 * phase.sin(), 0.2 * (1.7 * phase).cos(), 0.1, 0.0, 0.0, 0.8 * (2.3 * phase).sin()];
            let width = if (seed + round) % 2 == 0 { 0.08 } else { 0.0 };
            for _ in 0..25 {
                run.move_tool(twist, width);
            }
        }
        solved += u32::from(run.finish().is_some());
    }
    assert!(solved >= 9, "{solved} of 10");
}
