//! From pressing the clutch to the robot being the human's.

use std::time::Duration;

use retake_bus::Clock;
use retake_deployment::Settings;
use retake_node::Node;
use retake_wire::pb::Owner;

use super::{DRIFT, period};
use crate::{
    bench::{
        deploy,
        probes::{Driver, Notebook, Notes, Press, Taker},
    },
    report::{Cell, Table},
    stats::Spans,
};

/// The rate of the operator's input.
const INPUT_HZ: u32 = 250;
/// The target: one tick, and this.
const MARGIN: Duration = Duration::from_millis(2);

/// All takeovers at one control rate.
pub(super) struct Takeover {
    control_hz: u32,
    /// To the first command that the human drove.
    human: Spans,
    /// To the last command that the policy drove; zero where none came after the press.
    policy: Spans,
    /// Presses that no human command followed before the measurement's end.
    unanswered: usize,
    lost: u64,
}

impl Takeover {
    pub(super) fn measure(settings: &Settings, control_hz: u32, span: Duration) -> anyhow::Result<Self> {
        let start = Clock::System.now();
        let home = vec![settings.task.home.joints.clone(), vec![settings.task.home.width]];
        let notes = Notebook::default();
        let periods = (period(INPUT_HZ).mul_f64(DRIFT), period(control_hz));
        let nodes: Vec<Box<dyn Node>> = vec![
            Box::new(settings.arbiter(start)),
            Box::new(Taker::new(home.clone(), periods, start, notes.clone())),
            Box::new(Driver::new(settings.descriptor.clone(), home, start, notes.clone())),
        ];
        let lost = deploy::run_for(nodes, span)?;
        let notes = notes.take();
        let spans: Vec<_> = notes.presses.iter().filter_map(|press| answered(&notes, press)).collect();
        anyhow::ensure!(!spans.is_empty(), "nobody ever took over: the probes are broken");
        let (human, policy): (Vec<_>, Vec<_>) = spans.into_iter().unzip();
        Ok(Self {
            control_hz,
            unanswered: notes.presses.len() - human.len(),
            human: Spans::new(human),
            policy: Spans::new(policy),
            lost,
        })
    }
}

/// From a press to the first command of the human's, and to the last of the policy's before it.
fn answered(notes: &Notes, press: &Press) -> Option<(Duration, Duration)> {
    let after = notes.owners.range(press.after_tick + 1..);
    let (first, _) = after.clone().find(|(_, owner)| **owner == Owner::Human)?;
    let human = notes.commands.get(first)?.acted.since(press.sent.at);
    let policys = after.take_while(|(tick, _)| *tick < first).filter(|(_, owner)| **owner == Owner::Policy);
    let last = policys.filter_map(|(tick, _)| notes.commands.get(tick)).last();
    let policy = last.map_or(Duration::ZERO, |command| command.acted.since(press.sent.at));
    Some((human, policy))
}

pub(super) fn table(takeovers: &[Takeover]) -> Table {
    let mut table = Table::new(&[
        "takeover, input 250 Hz",
        "n",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "max ms",
        "target p99 ms",
        "",
        "unanswered",
        "messages lost",
    ]);
    for takeover in takeovers {
        let target = period(takeover.control_hz) + MARGIN;
        for (name, spans) in [("human's first", &takeover.human), ("policy's last", &takeover.policy)] {
            let name = format!("control {} Hz: {name} command", takeover.control_hz);
            let mut row = vec![Cell::from(name), spans.count().into()];
            row.extend([500, 900, 990, 1000].map(|at| spans.millis_at(at)));
            row.push(Cell::Number(target.as_secs_f64() * 1e3, 1));
            row.push(if spans.at(990) <= target { "met" } else { "missed" }.into());
            row.extend([takeover.unanswered.into(), Cell::Count(takeover.lost)]);
            table.row(row);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use retake_units::MonoTime;

    use super::*;
    use crate::bench::probes::{Commanded, Sent};

    #[test]
    fn the_first_of_the_human_and_the_last_of_the_policy_are_found() {
        let at = |millis: u64| MonoTime::from_nanos(millis * 1_000_000);
        let mut notes = Notes::default();
        let owners = [Owner::Policy, Owner::Policy, Owner::Human, Owner::Human, Owner::Policy];
        for (tick, owner) in (1..).zip(owners) {
            notes.owners.insert(tick, owner);
            notes.commands.insert(tick, Commanded { received: at(tick * 10), acted: at(tick * 10 + 1) });
        }
        let press = |millis, after_tick| Press { sent: Sent { due: at(millis), at: at(millis) }, after_tick };
        let millis = Duration::from_millis;
        assert_eq!(answered(&notes, &press(15, 1)), Some((millis(16), millis(6))));
        assert_eq!(
            answered(&notes, &press(25, 2)),
            Some((millis(6), Duration::ZERO)),
            "no policy command after"
        );
        assert_eq!(answered(&notes, &press(55, 5)), None);
    }
}
