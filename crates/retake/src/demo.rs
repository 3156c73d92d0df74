//! `retake demo`: everything on the embedded simulator, in this process.

use std::{
    io::{IsTerminal as _, Write as _, stderr, stdout},
    time::Duration,
};

use anyhow::{Context as _, bail};
use retake_bus::{Clock, Deployment, StopFlag, wall_now};
use retake_camera::CameraNode;
use retake_deployment::Settings;
use retake_node::{Lockstep, Node};
use retake_recorder::ReportHandle;
use retake_tasks::Task;
use retake_units::MonoTime;
use retake_viz::{Viz, VizNode};

use crate::{
    Kept,
    cli::{DemoOptions, DriveSpec},
    collect::{Ear, Listener},
    nodes::{self, RecordingPlan, StationPlan},
    paint::Painter,
    spec::{OperatorSpec, ViewSpec},
    states,
    summary::Summary,
};

const ROBOT: &str = "arm";
/// Robot time between two looks at the stop flag and the progress line.
const SLICE: Duration = Duration::from_secs(1);

/// Runs the demo and prints what it came to.
pub(crate) fn run(options: &DemoOptions) -> anyhow::Result<Kept> {
    let operator = options.operator.clone().unwrap_or_else(nodes::default_operator);
    let view = options.view.clone().unwrap_or(default_view(options));
    if options.lockstep && operator == OperatorSpec::Gamepad {
        bail!("a person cannot keep up with --lockstep; leave it out, or use --operator scripted:supervisor");
    }
    if options.seconds.is_some_and(|seconds| !(seconds.is_finite() && seconds > 0.0)) {
        bail!("--seconds must be a positive number");
    }
    let settings = settings(options, &operator)?;
    let start = if options.lockstep { MonoTime::ZERO } else { Clock::System.now() };
    let ear = Ear::default();
    let end = options.seconds.map(|seconds| start + Duration::from_secs_f64(seconds));
    let plan = RecordingPlan { dir: options.record.clone(), settings: &settings, lockstep: options.lockstep };

    // Nothing is written or served before everything that can be refused has been.
    let operator_node =
        nodes::operator(&operator, &settings, &station(options), options.save_pad.as_deref(), start)?;
    let simulator = settings.sim(start)?;
    let viewer = viewer(&view)?;
    let recorder = if options.no_record { None } else { Some(nodes::recorder(&plan)?) };
    let report = recorder.as_ref().map(retake_recorder::Recorder::report);

    let mut nodes: Vec<Box<dyn Node>> = vec![
        Box::new(settings.arbiter(start)),
        operator_node,
        Box::new(settings.policy(start)),
        Box::new(settings.monitor(start)),
        Box::new(simulator),
        Box::new(Listener::new(ear.clone(), end)),
    ];
    if !options.no_cameras {
        nodes.push(Box::new(CameraNode::new()));
    }
    nodes.extend(viewer.map(|node| Box::new(node) as Box<dyn Node>));
    nodes.extend(recorder.map(|node| Box::new(node) as Box<dyn Node>));

    let began = Clock::System.now();
    let stop = StopFlag::on_signals().context("cannot listen for Ctrl-C")?;
    if options.lockstep {
        run_lockstep(nodes, &ear, &stop)?
    } else {
        run_live(nodes, &settings, &ear, &stop, options.json)?
    }
    let wall_seconds = Clock::System.now().since(began).as_secs_f64();
    finish(&settings, &operator, options, &ear, report.as_ref(), wall_seconds)
}

fn station(options: &DemoOptions) -> StationPlan {
    StationPlan { name: None, groups: options.groups.clone(), residual: options.drive == DriveSpec::Residual }
}

fn default_view(options: &DemoOptions) -> ViewSpec {
    if options.lockstep || options.json { ViewSpec::None } else { ViewSpec::Web }
}

fn settings(options: &DemoOptions, operator: &OperatorSpec) -> anyhow::Result<Settings> {
    let task = Task::by_name(&options.task)?;
    let mut settings = Settings::simulated(ROBOT, task, options.policy.clone())?;
    (settings.episodes, settings.seed) = (options.episodes, options.seed);
    settings.protocol = nodes::protocol(&options.protocol)?;
    settings.start_states = states::load(&options.start_states, &options.states, &settings.task)?;
    if !options.lockstep {
        settings.entropy = rand::random();
        settings.first_epoch = wall_now().nanos() / 1_000_000_000;
    }
    nodes::suit(&mut settings, operator);
    Ok(settings)
}

#[expect(clippy::print_stderr, reason = "the person at the terminal is told where to look")]
fn viewer(view: &ViewSpec) -> anyhow::Result<Option<VizNode>> {
    let Some(view) = view.view(None) else { return Ok(None) };
    let viz = Viz::open(&view, "retake demo")?;
    if let Some(address) = viz.address() {
        eprintln!("watch: {address}");
    }
    Ok(Some(VizNode::new(viz)?))
}

/// The robot moves first in each instant, then who reacts to it, so the arbiter decides on what is newest.
pub(crate) fn lockstep_order(node: &dyn Node) -> usize {
    ["sim", "policy", "monitor", "operator", "intervention", "camera", "terminal", "viz", "recorder"]
        .iter()
        .position(|name| *name == node.name())
        .unwrap_or(usize::MAX)
}

fn run_lockstep(mut nodes: Vec<Box<dyn Node>>, ear: &Ear, stop: &StopFlag) -> anyhow::Result<()> {
    nodes.sort_by_key(|node| lockstep_order(node.as_ref()));
    let mut lockstep = Lockstep::new(nodes, MonoTime::ZERO);
    let live = stderr().is_terminal();
    while !lockstep.finished() && !stop.is_set() {
        lockstep.run_until(lockstep.now() + SLICE)?;
        if live {
            let done = ear.with(|heard| heard.episodes.len());
            // If the terminal is gone there is nobody to tell.
            let _written = write!(
                stderr(),
                "\r  {done} episodes, {:.0} s of robot time ",
                Duration::from_nanos(lockstep.now().nanos()).as_secs_f64()
            );
        }
    }
    if live {
        let _written = writeln!(stderr());
    }
    Ok(lockstep.finish()?)
}

#[expect(clippy::print_stderr, reason = "each node's account, for people")]
fn run_live(
    nodes: Vec<Box<dyn Node>>,
    settings: &Settings,
    ear: &Ear,
    stop: &StopFlag,
    quiet: bool,
) -> anyhow::Result<()> {
    let robot = settings.descriptor.robot.parse()?;
    let painter = Painter::start(ear.clone());
    let reports = Deployment::start(&robot, &Clock::System, nodes)?.wait(stop)?;
    drop(painter);
    if !quiet {
        for report in reports {
            eprintln!("  {report}");
        }
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "the person at the terminal is told what was lost")]
fn finish(
    settings: &Settings,
    operator: &OperatorSpec,
    options: &DemoOptions,
    ear: &Ear,
    report: Option<&ReportHandle>,
    wall_seconds: f64,
) -> anyhow::Result<Kept> {
    let recorded = report.and_then(ReportHandle::get);
    let summary = ear.with(|heard| {
        Summary::new(settings, operator.to_string(), options.lockstep, heard, recorded, wall_seconds)
    });
    let text = if options.json { serde_json::to_string(&summary)? + "\n" } else { summary.text() };
    stdout().write_all(text.as_bytes())?;
    if options.lockstep {
        // In real time the recorder's notices are on the terminal already.
        for path in recorded.map_or(&[][..], |report| report.recovered.as_slice()) {
            eprintln!("recorder: {} had been cut off and was repaired", path.display());
        }
    }
    let errors = recorded.map_or(&[][..], |report| report.errors.as_slice());
    for error in errors {
        eprintln!("recorder: {error}");
    }
    let lost = summary.messages_lost > 0 || !errors.is_empty() || (report.is_some() && recorded.is_none());
    Ok(if lost { Kept::NotAll } else { Kept::All })
}
