//! How much faster than real time one core simulates.

use std::time::Duration;

use retake_bus::Clock;
use retake_deployment::Supervision;
use retake_scripted::Script;
use retake_sim::World;
use retake_tasks::{Expert, Task};
use retake_units::MonoTime;

use super::{Effort, deploy};
use crate::{
    pace::thread_time,
    report::{Bound, Cell, Findings, Table, progress},
    stats::range,
};

const COMPARED: &str = "\
Simulated seconds per second of processor time of one thread (not per second on the wall, which depends on what else runs; that
is given beside it), at 50 Hz, without cameras and recorder. World: physics alone under the expert's commands, planning not
counted. Deployment: simulator, gate, policy, arbiter with its limit chain and a scripted operator who only resumes, in
lockstep in one thread; messages are handed over as values. The world is the deployment's floor. Median (least–most) of rounds
that alternate between the two.";

/// What is promised of each.
const BOUND: f64 = 20.0;
const PERIOD: f64 = 0.02;
const CHUNK: usize = 8;
const WARM_UP: Duration = Duration::from_secs(2);

/// How many times real time, by processor time and by the wall.
#[derive(Clone, Copy)]
struct Speed {
    processor: f64,
    wall: f64,
}

pub(crate) fn run(effort: Effort) -> anyhow::Result<Findings> {
    let (rounds, simulated) = effort.pick((2, Duration::from_secs(10)), (7, Duration::from_secs(60)));
    let mut table =
        Table::new(&["times real time", "by processor time", "on the wall", "deployment / world"]);
    let mut bounds = Vec::new();
    for name in Task::names() {
        let (mut worlds, mut deployments) = (Vec::new(), Vec::new());
        for round in 1..=rounds {
            progress(&format!("  sim: {name}, round {round} of {rounds}"));
            worlds.push(world(&Task::by_name(&name)?, simulated)?);
            deployments.push(deployment(&name, simulated)?);
        }
        let ratio = deployments.iter().zip(&worlds).map(|(ours, floor)| ours.processor / floor.processor);
        for (what, speeds, ratio) in
            [("world", &worlds, Cell::from("")), ("deployment", &deployments, range(ratio))]
        {
            let processor = range(speeds.iter().map(|speed| speed.processor));
            let wall = range(speeds.iter().map(|speed| speed.wall));
            bounds.push(bound(&format!("{name}, {what}"), &processor));
            table.row(vec![format!("{name}, {what}").into(), processor, wall, ratio]);
        }
    }
    Ok(Findings { compared: COMPARED, tables: vec![table], bounds, ..Findings::default() })
}

fn bound(what: &str, speed: &Cell) -> Bound {
    let median = if let Cell::Range([median, ..]) = speed { *median } else { 0.0 };
    Bound {
        what: format!("{what} at least {BOUND:.0} times real time on one core"),
        found: format!("{median:.0}"),
        holds: median >= BOUND,
    }
}

fn world(task: &Task, simulated: Duration) -> anyhow::Result<Speed> {
    let expert = Expert::new(task);
    let mut world = World::new(task, 0)?;
    let chain = world.model().chain("tool")?;
    let (mut processor, mut wall, mut past, mut seed) = (Duration::ZERO, Duration::ZERO, 0.0, 0);
    let warm = WARM_UP.as_secs_f64();
    while past < simulated.as_secs_f64() + warm {
        let plan = expert.plan(&world.scene(), &world.command(), &chain, CHUNK, PERIOD);
        let (began, used) = (Clock::System.now(), thread_time());
        for step in &plan {
            world.set_command(&step.q, step.width)?;
            world.step(PERIOD)?;
        }
        if past >= warm {
            processor += thread_time().saturating_sub(used);
            wall += Clock::System.now().since(began);
        }
        past += PERIOD * f64::from(u32::try_from(plan.len())?);
        if task.success(&world.scene()) || world.state().time > task.time_limit {
            seed += 1;
            world.reset(seed)?;
        }
    }
    let simulated = past - warm;
    Ok(Speed { processor: simulated / processor.as_secs_f64(), wall: simulated / wall.as_secs_f64() })
}

fn deployment(task: &str, simulated: Duration) -> anyhow::Result<Speed> {
    let mut settings = deploy::settings(task)?;
    settings.supervision = Supervision::Optional;
    let mut lockstep = deploy::lockstep(&settings, Script::Unattended)?;
    lockstep.run_until(MonoTime::ZERO + WARM_UP)?;
    let (began, used) = (Clock::System.now(), thread_time());
    lockstep.run_until(MonoTime::ZERO + WARM_UP + simulated)?;
    let (processor, wall) = (thread_time().saturating_sub(used), Clock::System.now().since(began));
    let seconds = simulated.as_secs_f64();
    Ok(Speed { processor: seconds / processor.as_secs_f64(), wall: seconds / wall.as_secs_f64() })
}
