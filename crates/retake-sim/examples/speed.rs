//! How much faster than real time one core simulates: `cargo run --release -p retake-sim --example speed`.
//!
//! Counts processor time (Linux), not wall time, so that other programs on the machine do not change the number.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use clap::Parser;
use retake_sim::World;
use retake_tasks::{Expert, Task};

const PERIOD: f64 = 0.02;
const CHUNK: usize = 8;
/// How often a snapshot is taken and restored for its time.
const REPEATS: u32 = 500;

#[derive(Parser)]
struct Arguments {
    /// Which task; all when left away.
    #[arg(long)]
    task: Option<String>,
    /// Simulated seconds per task.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    for name in arguments.task.map_or_else(Task::names, |name| vec![name]) {
        measure(&Task::by_name(&name)?, arguments.seconds)?;
    }
    Ok(())
}

fn measure(task: &Task, seconds: f64) -> anyhow::Result<()> {
    let expert = Expert::new(task);
    let mut world = World::new(task, 0)?;
    let chain = world.model().chain("tool")?;
    let (mut stepping, mut planning, mut simulated, mut seed) = (0.0, 0.0, 0.0, 0);
    while simulated < seconds {
        let start = processor_seconds()?;
        let plan = expert.plan(&world.scene(), &world.command(), &chain, CHUNK, PERIOD);
        let planned = processor_seconds()?;
        for step in &plan {
            world.set_command(&step.q, step.width)?;
            world.step(PERIOD)?;
        }
        stepping += processor_seconds()? - planned;
        planning += planned - start;
        simulated += PERIOD * plan.len() as f64;
        if task.success(&world.scene()) || world.state().time > task.time_limit {
            seed += 1;
            world.reset(seed)?;
        }
    }
    let snapshot = world.snapshot()?;
    let start = processor_seconds()?;
    for _ in 0..REPEATS {
        world.snapshot()?;
    }
    let taken = processor_seconds()?;
    for _ in 0..REPEATS {
        world.restore(&snapshot)?;
    }
    let restored = processor_seconds()?;
    println!(
        "{}: {:.0} times real time ({:.0} with the expert planning), {seed} episodes; snapshot {} bytes, {:.0} us to take, {:.0} us to restore",
        task.name,
        simulated / stepping,
        simulated / (stepping + planning),
        snapshot.as_bytes().len(),
        (taken - start) * 1e6 / f64::from(REPEATS),
        (restored - taken) * 1e6 / f64::from(REPEATS),
    );
    Ok(())
}

/// Time this thread has spent on a processor.
fn processor_seconds() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos: f64 = text.split_whitespace().next().unwrap_or_default().parse()?;
    Ok(nanos * 1e-9)
}
