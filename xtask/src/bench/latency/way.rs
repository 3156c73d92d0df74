//! One way from a wish to a command, at one pair of rates.

use std::{collections::BTreeMap, time::Duration};

use retake_bus::Clock;
use retake_deployment::Settings;
use retake_node::Node;
use retake_units::MonoTime;
use retake_wire::Topic;

use super::{DRIFT, Plan, period};
use crate::{
    bench::{
        deploy,
        floor::{self, Floor, Sizes},
        probes::{Driver, Notebook, Notes, Source, Wish},
    },
    report::{Cell, Table},
    stats::{Spans, median, ratios},
    timed::{Times, WARM_UP, timed},
};

/// The targets: p50 and p99 over raw TCP's.
const TARGET: (f64, f64) = (3.0, 5.0);

/// A way's rounds.
pub(super) struct Way {
    wish: Wish,
    input_hz: u32,
    pub(super) control_hz: u32,
    tcp: Vec<Floor>,
    zenoh: Vec<Floor>,
    ours: Vec<Floor>,
    parts: [Vec<Spans>; PARTS.len()],
    wakes: [Vec<Spans>; 3],
    sizes: Option<Sizes>,
    unfollowed: usize,
    skipped: u64,
    lost: u64,
}

const PARTS: [&str; 6] = [
    "waiting for the tick",
    "source to arbiter's session",
    "lateness of the tick",
    "tick to driver's session",
    "session to driver",
    "sum without waiting",
];

/// One wish's way.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// From the sending, without waiting.
    net: Duration,
    /// How late the sending was.
    source_late: Duration,
    parts: [Duration; PARTS.len()],
}

impl Way {
    pub(super) fn new(wish: Wish, input_hz: u32, control_hz: u32) -> Self {
        Self {
            wish,
            input_hz,
            control_hz,
            tcp: Vec::new(),
            zenoh: Vec::new(),
            ours: Vec::new(),
            parts: std::array::from_fn(|_| Vec::new()),
            wakes: std::array::from_fn(|_| Vec::new()),
            sizes: None,
            unfollowed: 0,
            skipped: 0,
            lost: 0,
        }
    }

    fn name(&self) -> String {
        let what = match self.wish {
            Wish::Input => "input",
            Wish::Proposal => "proposal",
        };
        format!("{what} {} Hz, control {} Hz", self.input_hz, self.control_hz)
    }

    pub(super) fn measure(&mut self, settings: &Settings, plan: Plan) -> anyhow::Result<()> {
        let start = Clock::System.now();
        let home = vec![settings.task.home.joints.clone(), vec![settings.task.home.width]];
        let notes = Notebook::default();
        let pace = period(self.input_hz).mul_f64(DRIFT);
        let periods = (pace, period(self.control_hz));
        let (arbiter, watch) = timed(settings.arbiter(start));
        let nodes: Vec<Box<dyn Node>> = vec![
            arbiter,
            Box::new(Source::new(self.wish, home.clone(), periods, start, notes.clone())),
            Box::new(Driver::new(settings.descriptor.clone(), home, start, notes.clone())),
        ];
        self.lost += deploy::run_for(nodes, plan.span)?;
        let (notes, times) = (notes.take(), watch.take());
        let samples = samples(self.wish, &notes, &times.arrivals);
        anyhow::ensure!(!samples.is_empty(), "no command followed any wish: the probes are broken");
        self.note(&samples, &notes, &times);
        // After the deployment, because only then the sizes are known; in the same minute even so.
        let sizes = Sizes { first: notes.bytes.0, second: notes.bytes.1 };
        let count = usize::try_from(plan.floor.as_nanos() / pace.as_nanos().max(1))?;
        self.sizes = Some(sizes);
        self.tcp.push(floor::tcp(sizes, count, pace)?);
        self.zenoh.push(floor::zenoh(sizes, count, pace)?);
        Ok(())
    }

    fn note(&mut self, samples: &[Sample], notes: &Notes, times: &Times) {
        self.unfollowed += notes.sent.len().saturating_sub(samples.len());
        let spans = |of: &dyn Fn(&Sample) -> Duration| Spans::new(samples.iter().map(of).collect());
        self.ours.push(Floor {
            from_due: spans(&|sample| sample.net + sample.source_late),
            from_sent: spans(&|sample| sample.net),
        });
        for (part, rounds) in self.parts.iter_mut().enumerate() {
            rounds.push(spans(&|sample| sample.parts.get(part).copied().unwrap_or_default()));
        }
        let [late, decided, published] = &mut self.wakes;
        late.push(times.of_wakes(|wake| wake.late));
        decided.push(times.of_wakes(|wake| wake.decided));
        published.push(times.of_wakes(|wake| wake.published));
        if let [first, .., last] = times.wakes.as_slice() {
            let ticks = last.at.since(first.at).as_secs_f64() * f64::from(self.control_hz);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
            let ticks = ticks.round() as u64 + 1;
            self.skipped += ticks.saturating_sub(u64::try_from(times.wakes.len()).unwrap_or(u64::MAX));
        }
    }

    pub(super) fn remark(&self) -> String {
        let (first, second) = self.sizes.map_or((0, 0), |sizes| (sizes.first, sizes.second));
        format!(
            "{}: wishes of {first} bytes, commands of {second}; {} wishes without a sample (before the warm-up's end, overtaken by a \
             newer one, or while nobody drove); {} messages lost",
            self.name(),
            self.unfollowed,
            self.lost
        )
    }
}

/// The floors' and our distributions, and the verdict.
pub(super) fn distribution(ways: &[Way]) -> Table {
    let mut table = Table::new(&[
        "way",
        "n",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "max µs",
        "p50 / TCP",
        "p99 / TCP",
        "since due p50 / TCP",
        "since due p99 / TCP",
        "p50 / zenoh",
        "p99 / zenoh",
        "target",
    ]);
    for way in ways {
        let rounds = |of: &[Floor]| -> [Vec<Spans>; 2] {
            [
                of.iter().map(|floor| floor.from_sent.clone()).collect(),
                of.iter().map(|floor| floor.from_due.clone()).collect(),
            ]
        };
        let (tcp, zenoh) = (rounds(&way.tcp), rounds(&way.zenoh));
        for (name, measured) in [("TCP", &way.tcp), ("zenoh", &way.zenoh), ("ours", &way.ours)] {
            let [sent, due] = rounds(measured);
            let mut row = vec![Cell::from(format!("{}: {name}", way.name()))];
            row.extend(Spans::pooled(&sent).cells());
            row.extend([500, 990].map(|at| ratios(&sent, &tcp[0], at)));
            row.extend([500, 990].map(|at| ratios(&due, &tcp[1], at)));
            row.extend([500, 990].map(|at| ratios(&sent, &zenoh[0], at)));
            let verdict = if name == "ours" { verdict(&sent, &tcp[0]) } else { "" };
            row.push(verdict.into());
            table.row(row);
        }
    }
    table
}

fn verdict(ours: &[Spans], tcp: &[Spans]) -> &'static str {
    let (p50, p99) = (median(&ratios(ours, tcp, 500)), median(&ratios(ours, tcp, 990)));
    match (p50 <= TARGET.0, p99 <= TARGET.1) {
        (true, true) => "met",
        (true, false) => "p99 misses",
        (false, true) => "p50 misses",
        (false, false) => "both miss",
    }
}

/// Where the time goes.
pub(super) fn parts(ways: &[Way]) -> Table {
    let mut table = Table::new(&["way: part", "p50 µs", "p99 µs", "max µs"]);
    for way in ways {
        for (part, rounds) in PARTS.iter().zip(&way.parts) {
            let pooled = Spans::pooled(rounds);
            let mut row = vec![Cell::from(format!("{}: {part}", way.name()))];
            row.extend([500, 990, 1000].map(|at| pooled.micros_at(at)));
            table.row(row);
        }
    }
    table
}

/// What a tick costs, and whether the rate is held.
pub(super) fn ticks(ways: &[Way]) -> Table {
    let mut table = Table::new(&[
        "arbiter's tick",
        "n",
        "late p50 µs",
        "late p99 µs",
        "decided p50 µs",
        "decided p99 µs",
        "published p50 µs",
        "published p99 µs",
        "p50, % of a period",
        "late by over half a period",
        "skipped",
    ]);
    for way in ways {
        let [late, decided, published] = way.wakes.each_ref().map(Spans::pooled);
        let period = period(way.control_hz);
        let share = published.at(500).as_secs_f64() / period.as_secs_f64() * 100.0;
        let mut row = vec![Cell::from(way.name()), late.count().into()];
        for spans in [&late, &decided, &published] {
            row.extend([500, 990].map(|at| spans.micros_at(at)));
        }
        row.extend([Cell::Number(share, 1), late.longer_than(period / 2).into(), Cell::Count(way.skipped)]);
        table.row(row);
    }
    table
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
        let waiting = waited.saturating_sub(late);
        let net = commanded.acted.since(sent.at).saturating_sub(waiting);
        samples.push(Sample {
            net,
            source_late: sent.at.since(sent.due),
            parts: [
                waiting,
                arrived.since(sent.at),
                late,
                commanded.received.since(followed.at),
                commanded.acted.since(commanded.received),
                net,
            ],
        });
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::probes::{Commanded, Followed, Sent};

    #[test]
    fn the_parts_of_a_way_add_up_and_a_repeated_wish_counts_once() {
        let at = |millis: u64| MonoTime::from_nanos(millis * 1_000_000);
        let millis = Duration::from_millis;
        let followed = |tick, wish, now| Followed { tick, wish, at: at(now), late: millis(2) };
        let mut notes = Notes {
            followed: vec![followed(1, 1, 0), followed(2, 2, 5000), followed(3, 2, 5020)],
            ..Notes::default()
        };
        notes.sent.insert(2, Sent { due: at(4979), at: at(4980) });
        let commanded = |received, acted| Commanded { received: at(received), acted: at(acted) };
        notes.commands.extend([(2, commanded(5003, 5004)), (3, commanded(5023, 5024))]);
        let samples = samples(Wish::Input, &notes, &[(Topic::Input, 2, at(4981))]);
        assert_eq!(samples.len(), 1);
        let Sample { net, source_late, parts } = samples[0];
        assert_eq!((net, source_late, parts[0]), (millis(7), millis(1), millis(17)));
        assert_eq!(parts[1..5].iter().sum::<Duration>(), net);
        assert_eq!(parts[5], net);
    }
}
