//! How often the expert solves a task: `cargo run --release -p retake-sim --example success -- --task lift --seeds 200`.

use clap::Parser;
use retake_sim::World;
use retake_tasks::{Expert, Hold, Task};

const PERIOD: f64 = 0.02;
const CHUNK: usize = 16;
const REPLAN: usize = 8;

#[derive(Parser)]
struct Arguments {
    /// Which task.
    #[arg(long)]
    task: String,
    /// How many seeds, from 0.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// First seed.
    #[arg(long, default_value_t = 0)]
    first: u64,
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
        match episode(&task, seed, arguments.trace)? {
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
fn episode(task: &Task, seed: u64, trace: bool) -> anyhow::Result<Option<f64>> {
    let mut world = World::new(task, seed)?;
    let chain = world.model().chain("tool")?;
    let expert = Expert::new(task);
    let mut hold = Hold::default();
    let mut plan = Vec::new();
    let mut tick = 0;
    while world.state().time < task.time_limit {
        if tick % REPLAN == 0 {
            let scene = world.scene();
            plan = expert.plan(&scene, &world.command(), &chain, CHUNK, PERIOD);
            if trace {
                let goal = expert.goal(&scene);
                let (t, g, o) = (scene.tool.translation, goal.pose.translation, scene.objects[0]);
                let state = world.state();
                println!(
                    "{:6.2} {:8} tool {:.4} {:.4} {:.4} goal {:.4} {:.4} {:.4} w {:.4} grip {:6.1} object {:.4} {:.4} {:.4} up {:.3} yaw {:.3} hand {:.3}",
                    state.time,
                    goal.phase.name(),
                    t.x,
                    t.y,
                    t.z,
                    g.x,
                    g.y,
                    g.z,
                    scene.width,
                    state.grip_force,
                    o.translation.x,
                    o.translation.y,
                    o.translation.z,
                    (o.rotation * nalgebra::Vector3::z()).z,
                    yaw(&o),
                    yaw(&scene.tool)
                );
            }
        }
        let step = &plan[tick % REPLAN];
        world.set_command(&step.q, step.width)?;
        world.step(PERIOD)?;
        tick += 1;
        let time = world.state().time;
        if hold.update(task, &world.scene(), time) {
            return Ok(Some(time));
        }
    }
    Ok(None)
}

fn yaw(pose: &nalgebra::Isometry3<f64>) -> f64 {
    let x = pose.rotation * nalgebra::Vector3::x();
    x.y.atan2(x.x)
}
