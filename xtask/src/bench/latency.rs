//! How long the operator's hand takes to reach the robot, and what recording and watching change about it.

mod takeover;
mod watched;
mod way;

use std::time::Duration;

use retake_deployment::Settings;

use super::{Effort, deploy, probes::Wish};
use crate::{
    report::{Findings, progress},
    stats::shuffled,
};
use takeover::Takeover;
use watched::Watched;
use way::Way;

const COMPARED: &str = "\
**Ways.** From the moment a source begins to make a wish (an operator's input with the clutch held, or a policy's proposal of 16
steps) to the moment the driver is given the first command that follows it, through the real arbiter; three nodes, a thread and
a zenoh session over loopback each, in one process. The tick's record says which wish a command follows. The arbiter decides
when its tick is due, so `waiting` (from the wish's arrival to the time its tick was due) is half a period on average and no
transport can shorten it; `ours` is the rest: two hops, both codecs, the gate's and the arbiter's checks, the limit chain, and
how late the tick ran. Rates are off by 0.3 %, as two clocks are, so that wishes come at all times between ticks.
**Floors**, in the same minute, same sizes, same rate: `TCP`: three threads and two raw connections over loopback, each thread
asleep in `read` and woken by the kernel, no codec, no decision, no clock. `zenoh`: three sessions with the bus's settings and
nothing else of ours; relay and reader act on zenoh's receiving thread. Where a floor's relay is woken by the message, the arbiter
is woken by its timer, and the tick's lateness counts instead. A floor's messages all follow each other at the input's rate;
ours go at the control's rate on the second hop.
Spans are from the sending; `since due` is the ratio of spans that begin when the source was *to be* woken (so that a stalled source
counts). Ratios are of each round's quantile to that round's floor: median (least–most) of the rounds; rounds go through all
ways in random order. Target: p50 at most 3 times, p99 at most 5 times raw TCP.
**Takeover.** From the sending of the first input with the clutch pressed, while the policy drives, to the first command of a tick
that the human drove, and to the last of a tick that the policy drove (0 where none came after the press), at the driver. Target:
p99 at most one tick and 2 ms.
**Recording and watching.** One running deployment (simulator, policy, scripted supervisor on lift, two cameras 320×240 at 15 Hz,
arbiter at 200 Hz); every 2 s a recorder, or a recorder and a watcher, comes or goes, in random order within each round; the
first half second after a change is not counted. Response: from the time a tick was due until all it said was published. Ratios
are of each round's window to the same round's window without; median [95 % bootstrap interval of the median]. Target: p99
changed by at most 5 %.";

/// How often the operator's device is read, and how often the arbiter decides, per second.
const INPUT_HZ: [u32; 2] = [125, 250];
const CONTROL_HZ: [u32; 3] = [50, 100, 1000];
/// Two clocks never agree; wishes drift through the ticks.
const DRIFT: f64 = 1.003;
/// A policy's chunk of 16 steps at 50 Hz, proposed again before half of it is used.
const PROPOSAL_HZ: u32 = 43;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    rounds: usize,
    /// One way, one round.
    span: Duration,
    floor: Duration,
    takeovers: Duration,
    /// Rounds with and without recorder and watcher.
    windows: usize,
}

pub(super) fn period(hz: u32) -> Duration {
    Duration::from_secs(1) / hz
}

pub(crate) fn run(effort: Effort) -> anyhow::Result<Findings> {
    let quick = Plan {
        rounds: 2,
        span: Duration::from_millis(1500),
        floor: Duration::from_millis(800),
        takeovers: Duration::from_secs(4),
        windows: 3,
    };
    let full = Plan {
        rounds: 5,
        span: Duration::from_millis(2500),
        floor: Duration::from_millis(1200),
        takeovers: Duration::from_secs(20),
        windows: 16,
    };
    let plan = effort.pick(quick, full);
    let mut ways = Vec::new();
    for control in CONTROL_HZ {
        for input in INPUT_HZ {
            ways.push(Way::new(Wish::Input, input, control));
        }
    }
    ways.push(Way::new(Wish::Proposal, PROPOSAL_HZ, 50));
    for round in 1..=plan.rounds {
        progress(&format!("  latency: round {round} of {}", plan.rounds));
        for index in shuffled(ways.len(), round) {
            if let Some(way) = ways.get_mut(index) {
                way.measure(&settings(way.control_hz)?, plan)?;
            }
        }
    }
    let mut takeovers = Vec::new();
    for control in CONTROL_HZ {
        progress(&format!("  latency: takeovers at {control} Hz"));
        takeovers.push(Takeover::measure(&settings(control)?, control, plan.takeovers)?);
    }
    let watched = Watched::measure(plan.windows)?;
    let mut remarks: Vec<String> = ways.iter().map(Way::remark).collect();
    remarks.extend(watched.remarks());
    let tables = vec![
        way::distribution(&ways),
        way::parts(&ways),
        way::ticks(&ways),
        takeover::table(&takeovers),
        watched.table(),
    ];
    Ok(Findings { compared: COMPARED, remarks, tables, bounds: Vec::new() })
}

/// The simulated robot's descriptor at another rate, and an attempt that never ends: nothing but the wishes changes.
fn settings(control_hz: u32) -> anyhow::Result<Settings> {
    let mut settings = deploy::settings("lift")?;
    settings.task.time_limit = 0.0;
    settings.descriptor.time_limit = 0.0;
    settings.descriptor.control_hz = f64::from(control_hz);
    Ok(settings)
}
