//! From a wish to the first command that follows it.

use std::{collections::BTreeMap, time::Duration};

use retake_bus::Clock;
use retake_deployment::Settings;
use retake_node::Node;
use retake_units::MonoTime;
use retake_wire::Topic;

use super::{
    Effort, deploy,
    floor::{Sizes, two_hops},
    probes::{Driver, Notebook, Notes, Source, Wish},
};
use crate::{
    report::{Cell, Findings, Table, progress},
    stats::{Spans, ratios},
    timed::{WARM_UP, timed},
};

const COMPARED: &str = "\
From the moment a source begins to make a wish (an operator's input with the clutch held, or a policy's proposal of 16 steps)
to the moment the driver is given the first command that follows it, through the real arbiter; three nodes, a thread and a
zenoh session over loopback each. The tick's record says which wish a command follows. The arbiter decides at 50 Hz and
wishes come every 23 ms, so most of the total is waiting for the next tick, which no transport can shorten:
`waiting` is from the wish's arrival to the time its tick was due, and `without waiting` is the rest: two hops, both
codecs, the gate's and the arbiter's checks, the limit chain, and how late the tick ran. Floor: raw TCP, three threads and two
connections, the same sizes at the same rate, no codec, no decision. Where the floor's relay thread has to be woken by
the message, the arbiter's waking falls into the waiting, and its tick's lateness counts instead. Ratios are of each
round's quantile to that round's floor: median (least–most) of the rounds.";

/// Longer than a tick and no multiple of it.
const PERIOD: Duration = Duration::from_millis(23);

/// One way's rounds.
#[derive(Default)]
struct Way {
    floor: Vec<Spans>,
    total: Vec<Spans>,
    waiting: Vec<Spans>,
    net: Vec<Spans>,
    to_arbiter: Vec<Spans>,
    late: Vec<Spans>,
    to_driver: Vec<Spans>,
    sizes: Option<Sizes>,
    unfollowed: usize,
    lost: u64,
}

/// One wish's way.
struct Sample {
    total: Duration,
    waiting: Duration,
    to_arbiter: Duration,
    late: Duration,
    to_driver: Duration,
}

pub(crate) fn run(effort: Effort) -> anyhow::Result<Findings> {
    let (rounds, count) = effort.pick((2, 150), (5, 400));
    let mut settings = deploy::settings("lift")?;
    // An attempt that never ends: nothing but the wishes changes.
    settings.task.time_limit = 0.0;
    settings.descriptor.time_limit = 0.0;
    let mut ways = [(Wish::Input, Way::default()), (Wish::Proposal, Way::default())];
    for round in 1..=rounds {
        progress(&format!("  latency: round {round} of {rounds}"));
        for (wish, way) in &mut ways {
            way.measure(*wish, &settings, count)?;
        }
    }
    let [(_, input), (_, proposal)] = &ways;
    let mut table =
        Table::new(&["way", "n", "p50 µs", "p99 µs", "p99.9 µs", "max µs", "p50 / floor", "p99 / floor"]);
    input.rows("input → command", &mut table);
    proposal.rows("policy → command", &mut table);
    let remarks = vec![input.remark("inputs"), proposal.remark("proposals")];
    Ok(Findings { compared: COMPARED, remarks, tables: vec![table], bounds: Vec::new() })
}

impl Way {
    fn measure(&mut self, wish: Wish, settings: &Settings, count: usize) -> anyhow::Result<()> {
        let start = Clock::System.now();
        let home = vec![settings.task.home.joints.clone(), vec![settings.task.home.width]];
        let notes = Notebook::default();
        let (arbiter, watch) = timed(settings.arbiter(start));
        let nodes: Vec<Box<dyn Node>> = vec![
            arbiter,
            Box::new(Source::new(wish, home.clone(), PERIOD, start, notes.clone())),
            Box::new(Driver::new(settings.descriptor.clone(), home, start, notes.clone())),
        ];
        self.lost += deploy::run_for(nodes, PERIOD * u32::try_from(count)?)?;
        let notes = notes.take();
        let samples = samples(wish, &notes, &watch.take().arrivals);
        anyhow::ensure!(!samples.is_empty(), "no command followed any wish: the probes are broken");
        let sent = notes.sent.len();
        self.unfollowed += sent.saturating_sub(samples.len());
        let spans = |of: fn(&Sample) -> Duration| Spans::new(samples.iter().map(of).collect());
        self.total.push(spans(|sample| sample.total));
        self.waiting.push(spans(|sample| sample.waiting));
        self.net.push(spans(|sample| sample.total.saturating_sub(sample.waiting)));
        self.to_arbiter.push(spans(|sample| sample.to_arbiter));
        self.late.push(spans(|sample| sample.late));
        self.to_driver.push(spans(|sample| sample.to_driver));
        // After the deployment, because only then the sizes are known; in the same minute even so.
        let sizes = Sizes { first: notes.bytes.0, second: notes.bytes.1 };
        self.sizes = Some(sizes);
        self.floor.push(two_hops(sizes, count, PERIOD)?);
        Ok(())
    }

    fn rows(&self, name: &str, table: &mut Table) {
        for (part, rounds, compare) in [
            ("floor, raw TCP", &self.floor, true),
            ("total", &self.total, true),
            ("waiting for the tick", &self.waiting, false),
            ("without waiting", &self.net, true),
            ("of it: source to arbiter", &self.to_arbiter, false),
            ("of it: lateness of the tick", &self.late, false),
            ("of it: tick to driver", &self.to_driver, false),
        ] {
            let mut row = vec![Cell::from(format!("{name}: {part}"))];
            row.extend(Spans::pooled(rounds).cells());
            let ratio = |per_mille| if compare { ratios(rounds, &self.floor, per_mille) } else { "".into() };
            row.extend([500, 990].map(ratio));
            table.row(row);
        }
    }

    fn remark(&self, wishes: &str) -> String {
        let (first, second) = self.sizes.map_or((0, 0), |sizes| (sizes.first, sizes.second));
        format!(
            "{wishes} of {first} bytes, commands of {second}; {} {wishes} without a sample (before the warm-up's end, overtaken by \
             a newer one, or while nobody drove); {} messages lost",
            self.unfollowed, self.lost
        )
    }
}

/// Each wish that was followed, at the first tick that followed it.
fn samples(wish: Wish, notes: &Notes, arrivals: &[(Topic, u64, MonoTime)]) -> Vec<Sample> {
    let topic = match wish {
        Wish::Input => Topic::Input,
        Wish::Proposal => Topic::Proposal,
    };
    let arrivals: BTreeMap<u64, MonoTime> =
        arrivals.iter().filter(|(on, ..)| *on == topic).map(|(_, seq, at)| (*seq, *at)).collect();
    let warm = notes.followed.first().map_or(MonoTime::MAX, |first| first.at + WARM_UP);
    let mut last = 0;
    let mut samples = Vec::new();
    for followed in &notes.followed {
        let fresh = followed.wish > last;
        last = last.max(followed.wish);
        if !fresh || followed.at < warm {
            continue;
        }
        let ways = (
            notes.sent.get(&followed.wish),
            arrivals.get(&followed.wish),
            notes.commands.get(&followed.tick),
        );
        let (Some(sent), Some(arrived), Some(commanded)) = ways else { continue };
        // A wish that came after its tick was due waited for nothing but a late tick.
        let waited = followed.at.since(*arrived);
        let late = followed.late.min(waited);
        samples.push(Sample {
            total: commanded.since(*sent),
            waiting: waited.saturating_sub(late),
            to_arbiter: arrived.since(*sent),
            late,
            to_driver: commanded.since(followed.at),
        });
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::probes::Followed;

    #[test]
    fn the_parts_of_a_way_add_up_and_a_repeated_wish_counts_once() {
        let at = |millis: u64| MonoTime::from_nanos(millis * 1_000_000);
        let millis = Duration::from_millis;
        let followed = |tick, wish, now| Followed { tick, wish, at: at(now), late: millis(2) };
        let mut notes = Notes {
            followed: vec![followed(1, 1, 0), followed(2, 2, 5000), followed(3, 2, 5020)],
            ..Notes::default()
        };
        notes.sent.insert(2, at(4980));
        notes.commands.extend([(2, at(5003)), (3, at(5023))]);
        let samples = samples(Wish::Input, &notes, &[(Topic::Input, 2, at(4981))]);
        assert_eq!(samples.len(), 1);
        let Sample { total, waiting, to_arbiter, late, to_driver } = samples[0];
        assert_eq!((total, waiting), (millis(23), millis(17)));
        assert_eq!([to_arbiter, late, to_driver].iter().sum::<Duration>(), total - waiting);
    }
}
