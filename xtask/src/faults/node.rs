//! One process of the deployment: a real node on the real runtime, with a wiretap.

use std::{
    io::{self, BufRead},
    process::ExitCode,
    thread,
};

use clap::{Args, ValueEnum};
use retake_bus::{Bus, Clock, Endpoints, StopFlag, run_node, wall_now};
use retake_deployment::Settings;
use retake_node::Node;
use retake_tasks::Task;
use retake_wire::Topic;

use super::{
    hand::{HandOperator, Hands, Order},
    wiretap::Wiretap,
};

/// The robot of all campaigns.
pub(crate) const ROBOT: &str = "faults";

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    Driver,
    Policy,
    Intervention,
    Alice,
    Bob,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Driver, Self::Policy, Self::Intervention, Self::Alice, Self::Bob];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Policy => "policy",
            Self::Intervention => "intervention",
            Self::Alice => "alice",
            Self::Bob => "bob",
        }
    }
}

/// Runs one node until standard input ends.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[arg(value_enum)]
    kind: Kind,
    /// Where to call.
    #[arg(long)]
    connect: String,
    /// Randomness of this process.
    #[arg(long)]
    entropy: u64,
}

/// The campaign's deployment: the robot's task has no end of its own, and neither has the session.
pub(crate) fn settings(entropy: u64) -> anyhow::Result<Settings> {
    let mut task = Task::by_name("lift")?;
    task.time_limit = 0.0;
    let mut settings = Settings::simulated(ROBOT, task, "expert".parse()?)?;
    settings.episodes = 0;
    settings.entropy = entropy;
    settings.first_epoch = wall_now().nanos() / 1_000_000;
    Ok(settings)
}

pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let settings = settings(options.entropy)?;
    let (clock, stop, hands) = (Clock::System, StopFlag::default(), Hands::default());
    let start = clock.now();
    let node: Box<dyn Node> = match options.kind {
        Kind::Driver => Box::new(Wiretap::new(
            settings.sim(start)?,
            &[Topic::Command, Topic::Reset, Topic::Applied, Topic::Observation, Topic::Descriptor],
        )),
        Kind::Policy => Box::new(Wiretap::new(settings.policy(start), &[Topic::Proposal])),
        Kind::Intervention => Box::new(Wiretap::new(
            settings.arbiter(start),
            &[Topic::Input, Topic::Proposal, Topic::Command, Topic::Beacon, Topic::Status, Topic::Notice],
        )),
        Kind::Alice | Kind::Bob => {
            let operator = HandOperator::new(options.kind.name(), hands.clone(), options.entropy, start);
            Box::new(Wiretap::new(operator, &[Topic::Input]))
        }
    };
    let endpoints = Endpoints { connect: vec![options.connect.clone()], ..Endpoints::default() };
    let bus = Bus::open(options.kind.name(), &ROBOT.parse()?, &endpoints)?;
    let ended = stop.clone();
    thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if let Ok(order) = Order::parse(&line) {
                hands.obey(order);
            }
        }
        ended.set();
    });
    run_node(node, bus, clock, &stop)?;
    Ok(ExitCode::SUCCESS)
}
