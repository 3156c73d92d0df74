//! `retake launch` and `retake node`: a deployment as separate processes.

use std::{collections::BTreeMap, env, process::Command, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use retake_bus::{AttachedNode, Bus, BusError, Clock, StopFlag, wall_now};
use retake_camera::CameraNode;
use retake_deployment::{Settings, Supervision};
use retake_launch::{
    Ending, InterventionOptions, LaunchFile, NodeKind, NodeOptions as LaunchNodeOptions, NodeTopics,
    OperatorOptions, Supervisor, Wiring, check, end_with_supervisor, restrict,
};
use retake_node::Node;
use retake_policy::PolicySpec;
use retake_tasks::Task;
use retake_units::MonoTime;
use retake_viz::{Viz, VizNode};
use retake_wire::Topic;

use crate::{
    Kept,
    cli::{LaunchOptions, NodeOptions},
    loud::Loud,
    nodes::{self, RecordingPlan, StationPlan},
    spec::{OperatorSpec, ViewSpec},
    states,
};

/// How long a node waits for the others before it starts without them.
const PEERS: Duration = Duration::from_secs(10);

#[expect(clippy::print_stderr, reason = "what each process says, and how it ended")]
pub(crate) fn run(options: &LaunchOptions) -> anyhow::Result<Kept> {
    let file = LaunchFile::read(&options.file)?;
    let settings = checked(&file)?;
    if options.check {
        eprintln!("{}: {} nodes, wiring and limits are right", file.path.display(), file.nodes.len());
        return Ok(Kept::All);
    }
    drop(settings);
    // A node that finds its port taken would only end the others, which have begun to record by then.
    for endpoints in file.nodes.iter().filter_map(|node| file.endpoints(&node.name)) {
        endpoints.probe().with_context(|| file.path.display().to_string())?;
    }
    let stop = StopFlag::on_signals().context("cannot listen for Ctrl-C")?;
    let exe = env::current_exe().context("cannot find this program's own file")?;
    let mut supervisor =
        Supervisor::new(exe.clone(), options.file.clone(), |name, line| eprintln!("[{name}] {line}"));
    let path = options.file.clone();
    supervisor.command = Box::new(move |name| {
        let mut command = Command::new(&exe);
        command.args(["node", name, "--supervised", "--launch"]).arg(&path);
        command
    });
    let exits = supervisor.run(&file, &stop);
    let (mut bad, mut kept) = (Vec::new(), Kept::All);
    for exit in &exits {
        eprintln!("{exit}");
        match exit.ending {
            Ending::Finished | Ending::Stopped => {}
            Ending::StoppedWithLoss => kept = Kept::NotAll,
            Ending::Killed | Ending::Crashed | Ending::NotStarted => bad.push(exit.name.clone()),
        }
    }
    if bad.is_empty() { Ok(kept) } else { bail!("not everything ended well: {}", bad.join(", ")) }
}

/// Settings of a file whose wiring and limits are right.
#[expect(clippy::print_stderr, reason = "warnings of the check")]
fn checked(file: &LaunchFile) -> anyhow::Result<Settings> {
    let mut settings = settings(file)?;
    let wiring = Wiring { topics: topics(&settings)?, descriptor: settings.descriptor.clone() };
    let problems = check(file, &wiring);
    let mut fatal = 0;
    for problem in &problems {
        eprintln!("{}: {}{problem}", file.path.display(), if problem.is_fatal() { "" } else { "warning: " });
        fatal += usize::from(problem.is_fatal());
    }
    if fatal > 0 {
        bail!("{} cannot be launched: {fatal} problems", file.path.display());
    }
    restrict(&mut settings.descriptor, &file.limits);
    for node in &file.nodes {
        // Names that mean nothing are refused before anything starts.
        let place = || format!("{}: node {}", file.path.display(), node.name);
        match &node.options {
            LaunchNodeOptions::Operator(options) => {
                let spec = options.operator.parse::<OperatorSpec>().with_context(place)?;
                station(options).check(&spec, &settings).with_context(place)?;
            }
            LaunchNodeOptions::Viz(options) => drop(options.view.parse::<ViewSpec>().with_context(place)?),
            LaunchNodeOptions::Sim(_)
            | LaunchNodeOptions::Camera(_)
            | LaunchNodeOptions::Policy(_)
            | LaunchNodeOptions::Intervention(_)
            | LaunchNodeOptions::Monitor(_)
            | LaunchNodeOptions::Recorder(_) => {}
        }
    }
    Ok(settings)
}

fn settings(file: &LaunchFile) -> anyhow::Result<Settings> {
    let task = Task::by_name(&file.task).with_context(|| file.path.display().to_string())?;
    let policy = file.nodes.iter().find_map(|node| {
        if let LaunchNodeOptions::Policy(options) = &node.options {
            Some(options.policy.as_str())
        } else {
            None
        }
    });
    let policy: PolicySpec =
        policy.unwrap_or("expert").parse().with_context(|| file.path.display().to_string())?;
    let mut settings = Settings::simulated(&file.robot.to_string(), task, policy)?;
    settings.entropy = rand::random();
    settings.first_epoch = wall_now().nanos() / 1_000_000_000;
    for node in &file.nodes {
        if let LaunchNodeOptions::Intervention(options) = &node.options {
            arbiter_settings(&mut settings, options).with_context(|| file.path.display().to_string())?;
        }
        if let LaunchNodeOptions::Operator(options) = &node.options
            && options.operator == "gamepad"
        {
            let supervision = settings.supervision;
            nodes::suit(&mut settings, &OperatorSpec::Gamepad);
            settings.supervision = supervision;
        }
    }
    Ok(settings)
}

fn arbiter_settings(settings: &mut Settings, options: &InterventionOptions) -> anyhow::Result<()> {
    if options.episodes == Some(0) {
        bail!("episodes must be 1 or more; leave it out to run until stopped");
    }
    settings.episodes = options.episodes.unwrap_or(0);
    settings.seed = options.seed;
    settings.start_states = states::load(&options.start_states, &options.states, &settings.task)?;
    settings.supervision = match options.supervision {
        retake_launch::Supervision::Required => Supervision::Required,
        retake_launch::Supervision::Optional => Supervision::Optional,
    };
    settings.operator_timeout = options.operator_timeout.unwrap_or(settings.operator_timeout);
    settings.policy_timeout = options.policy_timeout.unwrap_or(settings.policy_timeout);
    settings.idle_release = options.idle_release.unwrap_or(settings.idle_release);
    if let Some(protocol) = &options.protocol {
        settings.protocol = nodes::protocol(protocol)?;
    }
    Ok(())
}

/// What each kind of node publishes and reads, as the nodes themselves say.
fn topics(settings: &Settings) -> anyhow::Result<BTreeMap<NodeKind, NodeTopics>> {
    let start = MonoTime::ZERO;
    let of = |node: &dyn Node| NodeTopics {
        publishes: node.publications().to_vec(),
        subscribes: node.subscriptions().to_vec(),
    };
    let operator = nodes::operator(&OperatorSpec::None, settings, &StationPlan::default(), None, start)?;
    let all_but = |own: &[Topic]| Topic::ALL.iter().copied().filter(|topic| !own.contains(topic)).collect();
    let recorder = [Topic::Watermark, Topic::Gap];
    Ok(BTreeMap::from([
        (NodeKind::Sim, of(&settings.sim(start)?)),
        (NodeKind::Camera, of(&CameraNode::new())),
        (NodeKind::Policy, of(&settings.policy(start))),
        (NodeKind::Intervention, of(&settings.arbiter(start))),
        (NodeKind::Operator, of(operator.as_ref())),
        (NodeKind::Monitor, of(&settings.monitor(start))),
        // These two would open files and ports if they were made only to be asked.
        (
            NodeKind::Recorder,
            NodeTopics {
                publishes: vec![Topic::Watermark, Topic::Gap, Topic::Notice],
                subscribes: all_but(&recorder),
            },
        ),
        (
            NodeKind::Viz,
            NodeTopics { publishes: Vec::new(), subscribes: vec![Topic::Descriptor, Topic::Observation] },
        ),
    ]))
}

/// Runs one node until it is stopped, or the deployment is done.
#[expect(clippy::print_stderr, reason = "the node's account of itself")]
pub(crate) fn run_node(options: &NodeOptions) -> anyhow::Result<Kept> {
    if options.supervised {
        end_with_supervisor().context("cannot follow the process that started this one")?;
    }
    let file = LaunchFile::read(&options.launch)?;
    let mut settings = checked(&file)?;
    let stop = if options.supervised { StopFlag::on_repeated_signals() } else { StopFlag::on_signals() };
    let stop = stop.context("cannot listen for signals")?;
    let names = || file.nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ");
    let endpoints = file.endpoints(&options.name).ok_or_else(|| {
        anyhow!("no node {:?} in {}; there are {}", options.name, file.path.display(), names())
    })?;
    let bus = Bus::open(&options.name, &file.robot, &endpoints)?;
    // Held until this process ends, however it ends.
    let _reserved = reserve_epochs(&file, &options.name, &mut settings)?;
    let (node, report) = build(&file, &options.name, &settings)?;
    let attached = AttachedNode::open(node, bus, Clock::System)?;
    match attached.wait_for_peers(&file.peers_of(&options.name), PEERS) {
        Err(missing @ BusError::PeersMissing { .. }) => eprintln!("starting without all others: {missing}"),
        other => other?,
    }
    let account = attached.spawn(&stop, &stop)?.join()?;
    eprintln!("{account}");
    let lost =
        report.is_some_and(|report| report.get().is_none_or(|r| r.messages_lost > 0 || !r.errors.is_empty()));
    Ok(if lost { Kept::NotAll } else { Kept::All })
}

/// Before an arbiter is built: epochs above all that were used with the robot.
fn reserve_epochs(
    file: &LaunchFile,
    name: &str,
    settings: &mut Settings,
) -> anyhow::Result<Option<retake_epoch::Reserved>> {
    let Some(LaunchNodeOptions::Intervention(options)) = file.node(name).map(|node| &node.options) else {
        return Ok(None);
    };
    let dir = match &options.state_dir {
        Some(dir) => dir.clone(),
        None => retake_epoch::default_dir(&settings.descriptor.robot)?,
    };
    let reserved = retake_epoch::reserve(&dir, wall_now())?;
    settings.first_epoch = reserved.first().0;
    Ok(Some(reserved))
}

fn station(options: &OperatorOptions) -> StationPlan {
    StationPlan { name: options.station.clone(), groups: options.groups.clone(), residual: options.residual }
}

type Built = (Box<dyn Node>, Option<retake_recorder::ReportHandle>);

#[expect(clippy::print_stderr, reason = "the person at the terminal is told where to look")]
fn build(file: &LaunchFile, name: &str, settings: &Settings) -> anyhow::Result<Built> {
    let start = Clock::System.now();
    let node = file.node(name).ok_or_else(|| anyhow!("no node {name:?}"))?;
    Ok(match &node.options {
        LaunchNodeOptions::Sim(_) => (Box::new(settings.sim(start)?), None),
        LaunchNodeOptions::Camera(_) => (Box::new(CameraNode::new()), None),
        LaunchNodeOptions::Policy(_) => (Box::new(settings.policy(start)), None),
        LaunchNodeOptions::Intervention(_) => (Box::new(settings.arbiter(start)), None),
        LaunchNodeOptions::Operator(options) => {
            (nodes::operator(&options.operator.parse()?, settings, &station(options), None, start)?, None)
        }
        LaunchNodeOptions::Monitor(_) => (Box::new(settings.monitor(start)), None),
        LaunchNodeOptions::Recorder(options) => {
            let recorder =
                nodes::recorder(&RecordingPlan { dir: options.dir.clone(), settings, lockstep: false })?;
            let report = recorder.report();
            (Box::new(Loud(recorder)), Some(report))
        }
        LaunchNodeOptions::Viz(options) => {
            let view = options.view.parse::<ViewSpec>()?;
            let view = view
                .view(options.web_port)
                .ok_or_else(|| anyhow!("a viz node needs a view other than none"))?;
            let viz = Viz::open(&view, "retake")?;
            if let Some(address) = viz.address() {
                eprintln!("watch: {address}");
            }
            (Box::new(VizNode::new(viz)?), None)
        }
    })
}
