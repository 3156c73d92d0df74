//! How often the expert solves a task: `cargo run --release -p retake-sim --example success -- --task lift --seeds 200`.
//!
//! With `--disturb 3`, somebody else takes the robot three times per episode for half a second, moves it at random and
//! opens or closes the hand; the expert must go on from there, and has twice the time.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::collections::VecDeque;

use clap::Parser;
use nalgebra::{Vector3, Vector6};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use retake_kinematics::Chain;
use retake_sim::World;
use retake_tasks::{Expert, Hold, Task};

const PERIOD: f64 = 0.02;
const CHUNK: usize = 16;
const REPLAN: usize = 8;
/// Control periods one disturbance lasts.
const DISTURBED: u32 = 25;

#[derive(Parser)]
struct Arguments {
    /// Which task.
    #[arg(long)]
    task: String,
    /// How many seeds.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// First seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// How many times per episode somebody interferes.
    #[arg(long, default_value_t = 0)]
    disturb: u32,
    /// By how many control periods the expert sees the scene late.
    #[arg(long, default_value_t = 0)]
    lag: usize,
    /// Print every replanning.
    #[arg(long)]
    trace: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let task = Task::by_name(&arguments.task)?;
    let mut times = Vec::new();
    let mut failed = Vec::new();
    for seed in arguments.first..arguments.first + arguments.seeds {
        match episode(&task, seed, &arguments)? {
            Some(time) => times.push(time),
            None => failed.push(seed),
        }
    }
    let mean = times.iter().sum::<f64>() / f64::max(times.len() as f64, 1.0);
    println!("{}: {}/{} solved, {mean:.1} s on average", task.name, times.len(), arguments.seeds);
    if !failed.is_empty() {
        println!("failed seeds: {failed:?}");
    }
    Ok(())
}

/// Seconds to success; `None` when the task's time ran out.
fn episode(task: &Task, seed: u64, arguments: &Arguments) -> anyhow::Result<Option<f64>> {
    let mut world = World::new(task, seed)?;
    let chain = world.model().chain("tool")?;
    let expert = Expert::new(task);
    let mut hold = Hold::default();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut disturbances = arguments.disturb;
    let mut seen = VecDeque::from([world.scene()]);
    let mut next = random.random_range(0.5..4.0);
    let limit = if arguments.disturb > 0 { 2.0 * task.time_limit } else { task.time_limit };
    while world.state().time < limit {
        if disturbances > 0 && world.state().time > next {
            disturb(&mut world, &chain, &mut random)?;
            seen = VecDeque::from([world.scene()]);
            disturbances -= 1;
            next = world.state().time + random.random_range(0.5..4.0);
        }
        if arguments.trace {
            trace(&world, &expert);
        }
        let plan = expert.plan(&seen[0], &world.command(), &chain, CHUNK, PERIOD);
        for step in plan.iter().take(REPLAN) {
            world.set_command(&step.q, step.width)?;
            world.step(PERIOD)?;
            let time = world.state().time;
            seen.push_back(world.scene());
            if seen.len() > arguments.lag + 1 {
                seen.pop_front();
            }
            if hold.update(task, &world.scene(), time) && disturbances == 0 {
                return Ok(Some(time));
            }
        }
    }
    Ok(None)
}

fn disturb(world: &mut World, chain: &Chain, random: &mut ChaCha8Rng) -> anyhow::Result<()> {
    let mut twist = Vector6::zeros();
    for (index, value) in twist.iter_mut().enumerate() {
        let most = if index < 3 { 0.25 } else { 0.8 };
        *value = random.random_range(-most..most);
    }
    let width = if random.random::<bool>() { 0.08 } else { 0.0 };
    for _ in 0..DISTURBED {
        let mut q = world.command();
        let rates = chain.velocity_step(&q, &twist, &q, 0.05);
        for (position, rate) in q.iter_mut().zip(rates) {
            *position += rate * PERIOD;
        }
        world.set_command(&q, width)?;
        world.step(PERIOD)?;
    }
    Ok(())
}

fn trace(world: &World, expert: &Expert) {
    let state = world.state();
    let goal = expert.goal(&world.scene());
    let object = state.objects[expert.task().grasp.object];
    let (tool, aim, at) = (state.tool.translation, goal.pose.translation, object.translation);
    let lean = (object.rotation * Vector3::z()).z;
    println!(
        "{:6.2} {:8} tool {:.4} {:.4} {:.4} goal {:.4} {:.4} {:.4} width {:.4} grip {:5.1} object {:.4} {:.4} {:.4} up {lean:.3}",
        state.time,
        goal.phase.name(),
        tool.x,
        tool.y,
        tool.z,
        aim.x,
        aim.y,
        aim.z,
        state.width,
        state.grip_force,
        at.x,
        at.y,
        at.z,
    );
}
