//! How late the arbiter's ticks run, and how long they take.

use std::time::Duration;

use retake_bus::Clock;
use retake_deployment::Settings;

use super::{Effort, deploy};
use crate::{
    pace::{SleepLoop, process_time, sleep_until},
    report::{Cell, Findings, Table, progress},
    stats::{Spans, range, ratios},
};

const COMPARED: &str = "\
Arbiter: wakes of the intervention node in a running deployment (simulator, policy, arbiter and a scripted supervisor on
lift; a thread and a zenoh session over loopback each; no cameras). Floor beside: a thread of the same process that only
sleeps to the next multiple of the same period, at the same time, so it sees the same load. Floor alone: the same loop in
the other half of each round, while no deployment runs. Both floors and the arbiter wait with a timer slack of 1 ns.
Ratios are of each round's quantile to that round's floor: median (least–most) of the rounds.";

#[derive(Default)]
struct Rounds {
    alone: Vec<Spans>,
    beside: Vec<Spans>,
    late: Vec<Spans>,
    decided: Vec<Spans>,
    published: Vec<Spans>,
    processor: Vec<f64>,
    lost: u64,
    attempts: u64,
}

pub(crate) fn run(effort: Effort) -> anyhow::Result<Findings> {
    let (rounds, span) = effort.pick((2, Duration::from_secs(4)), (5, Duration::from_secs(12)));
    let settings = deploy::settings("lift")?;
    let period = Duration::from_secs_f64(1.0 / settings.descriptor.control_hz);
    let mut measured = Rounds::default();
    for round in 1..=rounds {
        progress(&format!("  jitter: round {round} of {rounds}"));
        measured.alone(period, span)?;
        measured.deployment(&settings, period, span)?;
    }
    Ok(measured.findings(period))
}

impl Rounds {
    fn alone(&mut self, period: Duration, span: Duration) -> anyhow::Result<()> {
        let floor = SleepLoop::start(period);
        sleep_until(Clock::System.now() + span);
        self.alone.push(floor.finish()?);
        Ok(())
    }

    fn deployment(&mut self, settings: &Settings, period: Duration, span: Duration) -> anyhow::Result<()> {
        let (nodes, watch) = deploy::nodes(settings, Clock::System.now())?;
        let deployment = deploy::start(nodes)?;
        let floor = SleepLoop::start(period);
        let (began, used) = (Clock::System.now(), process_time());
        sleep_until(began + span);
        self.processor.push(process_time().saturating_sub(used).as_secs_f64() / span.as_secs_f64());
        self.beside.push(floor.finish()?);
        self.lost += deploy::stop(deployment)?;
        let times = watch.take();
        self.attempts += times.attempts;
        self.late.push(times.of_wakes(|wake| wake.late));
        self.decided.push(times.of_wakes(|wake| wake.decided));
        self.published.push(times.of_wakes(|wake| wake.published));
        Ok(())
    }

    fn findings(&self, period: Duration) -> Findings {
        let mut late = Table::new(&[
            "lateness of a wake",
            "n",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
            "max µs",
            "over half a period",
            "p50 / beside",
            "p99 / beside",
            "p50 / alone",
            "p99 / alone",
        ]);
        for (name, rounds) in
            [("floor alone", &self.alone), ("floor beside", &self.beside), ("arbiter", &self.late)]
        {
            let pooled = Spans::pooled(rounds);
            let mut row = vec![Cell::from(name)];
            row.extend(pooled.cells());
            row.push(pooled.longer_than(period / 2).into());
            for floor in [&self.beside, &self.alone] {
                row.extend([500, 990].map(|per_mille| ratios(rounds, floor, per_mille)));
            }
            late.row(row);
        }
        let mut busy = Table::new(&["time inside a tick", "n", "p50 µs", "p99 µs", "p99.9 µs", "max µs"]);
        for (name, rounds) in [("deciding", &self.decided), ("deciding and publishing", &self.published)] {
            let mut row = vec![Cell::from(name)];
            row.extend(Spans::pooled(rounds).cells());
            busy.row(row);
        }
        let remarks = vec![
            format!(
                "attempts the robot began: {}; messages lost anywhere on the way: {}",
                self.attempts, self.lost
            ),
            format!(
                "processor seconds per second of the whole deployment: {}",
                range(self.processor.iter().copied())
            ),
        ];
        Findings { compared: COMPARED, remarks, tables: vec![late, busy], bounds: Vec::new() }
    }
}
