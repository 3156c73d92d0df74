//! What a recorder and a watcher change about the control loop, while they come and go.

use std::time::Duration;

use anyhow::Context as _;
use retake_bus::{AttachedNode, Bus, Clock, Endpoints, NodeThread, StopFlag, free_endpoint, wall_now};
use retake_camera::CameraNode;
use retake_log::Anchor;
use retake_node::Node;
use retake_recorder::{Recorder, RecorderConfig};
use retake_units::MonoTime;
use retake_wire::RobotId;
use tempfile::TempDir;

use crate::{
    bench::{deploy, viewer},
    pace::sleep_until,
    report::{Cell, Table, progress},
    stats::{Spans, interval, shuffled},
    timed::{WARM_UP, WakeTimes},
};

const CONTROL_HZ: u32 = 200;
/// Each arm of a round.
const WINDOW: Duration = Duration::from_millis(2000);
/// Whoever has just come or gone is not counted in.
const SETTLE: Duration = Duration::from_millis(500);
const MESH: Duration = Duration::from_secs(10);

/// Who listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arm {
    Nobody,
    Recorder,
    RecorderAndWatcher,
}

const ARMS: [(Arm, &str); 3] = [
    (Arm::Nobody, "nobody listens"),
    (Arm::Recorder, "recorded"),
    (Arm::RecorderAndWatcher, "recorded and watched"),
];

type Window = (MonoTime, MonoTime);

/// Windows of each arm, round by round.
pub(super) struct Watched {
    late: [Vec<Spans>; ARMS.len()],
    response: [Vec<Spans>; ARMS.len()],
    lost: u64,
}

/// A node, and the thread it runs on.
struct Running {
    stop: StopFlag,
    thread: NodeThread,
}

/// A deployment that others may join.
struct Open {
    robot: RobotId,
    listens: Vec<String>,
    nodes: Vec<Running>,
}

impl Open {
    fn start(nodes: Vec<Box<dyn Node>>) -> anyhow::Result<Self> {
        let mut open = Self { robot: "bench".parse()?, listens: Vec::new(), nodes: Vec::new() };
        let mut attached = Vec::new();
        let names: Vec<String> = nodes.iter().map(|node| node.name().to_owned()).collect();
        for node in nodes {
            let (node, listen) = open.attach(node)?;
            open.listens.push(listen);
            attached.push(node);
        }
        for node in &attached {
            node.wait_for_peers(&names, MESH)?;
        }
        for node in attached {
            open.nodes.push(Running::start(node)?);
        }
        Ok(open)
    }

    fn attach(&self, node: Box<dyn Node>) -> anyhow::Result<(AttachedNode, String)> {
        let listen = free_endpoint()?;
        let endpoints = Endpoints { listen: vec![listen.clone()], connect: self.listens.clone(), tls: None };
        let bus = Bus::open(node.name(), &self.robot, &endpoints)?;
        Ok((AttachedNode::open(node, bus, Clock::System)?, listen))
    }

    fn join(&self, node: Box<dyn Node>) -> anyhow::Result<Running> {
        let (node, _) = self.attach(node)?;
        Running::start(node)
    }

    fn stop(self) -> anyhow::Result<u64> {
        self.nodes.into_iter().try_fold(0, |lost, node| Ok(lost + node.stop()?))
    }
}

impl Running {
    fn start(node: AttachedNode) -> anyhow::Result<Self> {
        let stop = StopFlag::default();
        let thread = node.spawn(&stop, &StopFlag::default())?;
        Ok(Self { stop, thread })
    }

    /// Returns how many messages were lost.
    fn stop(self) -> anyhow::Result<u64> {
        self.stop.set();
        Ok(deploy::lost(&self.thread.join().context("a node died while it was measured")?))
    }
}

impl Watched {
    pub(super) fn measure(rounds: usize) -> anyhow::Result<Self> {
        let mut settings = deploy::settings("lift")?;
        settings.descriptor.control_hz = f64::from(CONTROL_HZ);
        let (mut nodes, watch) = deploy::nodes(&settings, Clock::System.now())?;
        nodes.push(Box::new(CameraNode::new()));
        let open = Open::start(nodes)?;
        sleep_until(Clock::System.now() + WARM_UP * 2);
        let mut windows: [Vec<Window>; ARMS.len()] = std::array::from_fn(|_| Vec::new());
        let mut lost = 0;
        for round in 1..=rounds {
            progress(&format!("  latency: recording and watching, round {round} of {rounds}"));
            for index in shuffled(ARMS.len(), round) {
                let (Some((arm, _)), Some(windows)) = (ARMS.get(index), windows.get_mut(index)) else {
                    continue;
                };
                let (window, missed) = listen(&open, *arm)?;
                windows.push(window);
                lost += missed;
            }
        }
        lost += open.stop()?;
        let wakes = watch.take().wakes;
        let of = |windows: &Vec<Window>, span: fn(&WakeTimes) -> Duration| -> Vec<Spans> {
            let inside = |(from, to): &Window| {
                let inside = wakes.iter().filter(|wake| (*from..*to).contains(&wake.at));
                Spans::new(inside.map(span).collect())
            };
            windows.iter().map(inside).collect()
        };
        Ok(Self {
            late: windows.each_ref().map(|windows| of(windows, |wake| wake.late)),
            response: windows.each_ref().map(|windows| of(windows, |wake| wake.late + wake.published)),
            lost,
        })
    }

    pub(super) fn table(&self) -> Table {
        let mut table = Table::new(&[
            "control loop at 200 Hz",
            "n",
            "p50 µs",
            "p99 µs",
            "p99.9 µs",
            "max µs",
            "p50 / nobody",
            "p99 / nobody",
            "pooled p99 / nobody",
            "p99 target",
        ]);
        for (name, rounds) in [("lateness", &self.late), ("response", &self.response)] {
            let [nobody, ..] = rounds;
            for ((arm, text), of) in ARMS.iter().zip(rounds) {
                let pooled = Spans::pooled(of);
                let mut row = vec![Cell::from(format!("{name}, {text}"))];
                row.extend(pooled.cells());
                if *arm == Arm::Nobody {
                    row.extend(["", "", "", ""].map(Cell::from));
                } else {
                    row.extend([500, 990].map(|at| interval(of, nobody, at)));
                    let change = pooled.at(990).as_secs_f64() / Spans::pooled(nobody).at(990).as_secs_f64();
                    row.push(Cell::Number(change, 2));
                    row.push(verdict(&interval(of, nobody, 990)).into());
                }
                table.row(row);
            }
        }
        table
    }

    pub(super) fn remarks(&self) -> Vec<String> {
        vec![
            format!("watched by: {}", viewer::WHAT),
            format!("messages lost anywhere while recorders and watchers came and went: {}", self.lost),
        ]
    }
}

/// What an interval says of a change by at most 5 %.
fn verdict(ratio: &Cell) -> &'static str {
    let Cell::Interval([_, least, most]) = ratio else { return "no figure" };
    if *most <= 1.05 {
        "met"
    } else if *least > 1.05 {
        "missed"
    } else {
        "not decided: the interval holds 1.05"
    }
}

/// Lets the arm's listeners come, waits, and lets them go again.
fn listen(open: &Open, arm: Arm) -> anyhow::Result<(Window, u64)> {
    let dir = tempfile::tempdir().context("there is nowhere to record")?;
    let mut listeners = Vec::new();
    if arm != Arm::Nobody {
        listeners.push(open.join(Box::new(recorder(&dir)?))?);
    }
    if arm == Arm::RecorderAndWatcher {
        listeners.push(open.join(viewer::node(&dir)?)?);
    }
    let begin = Clock::System.now() + SETTLE;
    let end = begin + WINDOW;
    sleep_until(end);
    let mut lost = 0;
    for listener in listeners {
        lost += listener.stop()?;
    }
    Ok(((begin, end), lost))
}

fn recorder(dir: &TempDir) -> anyhow::Result<Recorder> {
    let anchor = Anchor::new(Clock::System.now(), wall_now());
    let config = RecorderConfig::new(dir.path().to_owned(), None, "bench".parse()?, 1, anchor);
    Recorder::threaded(config).context("the recorder does not start")
}
