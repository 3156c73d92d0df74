//! Deployments to be measured.

use std::time::Duration;

use anyhow::Context as _;
use retake_bus::{Clock, Deployment, NodeReport};
use retake_deployment::Settings;
use retake_node::{Lockstep, Node};
use retake_scripted::Script;
use retake_tasks::Task;
use retake_units::MonoTime;

use crate::{
    pace::sleep_until,
    timed::{Stopwatch, WARM_UP, timed},
};

/// A simulated robot on `task` with the expert as its policy, without end.
pub(crate) fn settings(task: &str) -> anyhow::Result<Settings> {
    let task = Task::by_name(task)?;
    let mut settings = Settings::simulated("bench", task, "expert".parse()?)?;
    settings.episodes = 0;
    Ok(settings)
}

/// Everything in one thread on a manual clock that begins at zero; the robot moves first in each instant.
pub(crate) fn lockstep(settings: &Settings, script: Script) -> anyhow::Result<Lockstep> {
    let start = MonoTime::ZERO;
    let nodes: Vec<Box<dyn Node>> = vec![
        Box::new(settings.sim(start)?),
        Box::new(settings.policy(start)),
        Box::new(settings.scripted(script, start)),
        Box::new(settings.arbiter(start)),
    ];
    Ok(Lockstep::new(nodes, start))
}

/// Arbiter, scripted supervisor, policy and simulator; the arbiter with a stopwatch.
pub(crate) fn nodes(settings: &Settings, start: MonoTime) -> anyhow::Result<(Vec<Box<dyn Node>>, Stopwatch)> {
    let (arbiter, watch) = timed(settings.arbiter(start));
    let operator = settings.scripted(Script::Supervisor, start);
    let nodes: Vec<Box<dyn Node>> =
        vec![arbiter, Box::new(operator), Box::new(settings.policy(start)), Box::new(settings.sim(start)?)];
    Ok((nodes, watch))
}

/// Starts `nodes` in real time, each on its own thread with its own zenoh session over loopback, and lets them warm up.
pub(crate) fn start(nodes: Vec<Box<dyn Node>>) -> anyhow::Result<Deployment> {
    let deployment = Deployment::start(&"bench".parse()?, &Clock::System, nodes)?;
    sleep_until(Clock::System.now() + WARM_UP);
    Ok(deployment)
}

/// Stops a deployment, and says how many messages were lost anywhere in it.
pub(crate) fn stop(deployment: Deployment) -> anyhow::Result<u64> {
    let reports = deployment.stop().context("a node died while it was measured")?;
    Ok(reports.iter().map(lost).sum())
}

/// How many messages one node did not get, or could not send.
pub(crate) fn lost(report: &NodeReport) -> u64 {
    report.mailbox_dropped + report.missed + report.undecodable + report.lane_dropped + report.lane_unsent
}

/// Starts `nodes`, lets them warm up and then run for `span`. Returns how many messages were lost.
pub(crate) fn run_for(nodes: Vec<Box<dyn Node>>, span: Duration) -> anyhow::Result<u64> {
    let deployment = start(nodes)?;
    sleep_until(Clock::System.now() + span);
    stop(deployment)
}
