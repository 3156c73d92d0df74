//! `kill -9` at a random time.

use std::{path::Path, time::Duration};

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use retake_bus::Clock;
use retake_log::{MANIFEST, recover_all, verify};
use retake_tests::{complaint, ticks_of};
use retake_units::MonoTime;

use super::{Options, none, process::Process, sample::Sample, shared_out};
use crate::{
    pace::sleep_until,
    report::{Bound, Cell, Findings, Table},
    stats::Spans,
};

const COMPARED: &str = "\
Each run is a process of its own with a recorder as `retake` starts it (a thread of its own, a real clock, the local disk): ticks and
observations at 100 Hz, three cameras with frames of 30 kB at 30 Hz, segments of 1 MiB. It is killed with SIGKILL at a random time,
40 to 2500 ms after its start. Then the recording is recovered, verified and read. Open at the end: from the last tick that is there to
the kill (all that a crash of the process costs, and what the scheduler kept back from recorder and killer), from there to the last tick
that the recorder had taken (what is really lost), and from the last tick that was acknowledged to the kill.";

/// What is lost at most, as promised.
const OPEN: Duration = Duration::from_millis(200);

/// What was not settled at the end.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// From the last tick that is kept to the kill.
    kept: Duration,
    /// From the last tick that is kept to the last that was taken.
    taken: Duration,
    /// From the last tick that was acknowledged to the kill.
    told: Duration,
}

/// What a killed recorder had taken and acknowledged, in ticks, and what is left of it.
#[derive(Debug, Default)]
pub(crate) struct Killed {
    pub(crate) acknowledged: u64,
    pub(crate) kept: u64,
    pub(crate) taken: u64,
    repaired: bool,
    open: Option<Open>,
    pub(crate) complaints: Vec<String>,
}

pub(super) fn run(options: &Options, sample: &Sample) -> anyhow::Result<Findings> {
    let runs = options.runs(200);
    let found = shared_out("killed", runs, options.parallel, |number| {
        once(options.seed.wrapping_add(number), number, sample)
    })?;
    let open = |of: fn(&Open) -> Duration| {
        Spans::new(found.iter().filter_map(|run| run.open.as_ref().map(of)).collect())
    };
    let (kept, taken, told) = (open(|open| open.kept), open(|open| open.taken), open(|open| open.told));
    let mut table = Table::new(&["open at the end, ms", "n", "p50", "p90", "p99", "max"]);
    for (name, spans) in [
        ("since the last tick kept", &kept),
        ("from there to the last tick taken", &taken),
        ("since the last acknowledged", &told),
    ] {
        let mut row = vec![Cell::from(name), spans.count().into()];
        row.extend([500, 900, 990, 1000].map(|at| spans.millis_at(at)));
        table.row(row);
    }
    let sum = |of: fn(&Killed) -> u64| found.iter().map(of).sum::<u64>();
    let count = |of: fn(&&Killed) -> bool| found.iter().filter(of).count();
    let complaints: Vec<String> = found.iter().flat_map(|run| run.complaints.clone()).collect();
    let longest = kept.at(1000);
    Ok(Findings {
        compared: COMPARED,
        remarks: vec![
            format!(
                "{runs} kills: {} after an acknowledgement, {} before the first; {} recordings had to be repaired",
                count(|run| run.acknowledged > 0),
                count(|run| run.acknowledged == 0),
                count(|run| run.repaired)
            ),
            format!(
                "ticks: {} taken by the recorder, {} acknowledged, {} kept",
                sum(|run| run.taken),
                sum(|run| run.acknowledged),
                sum(|run| run.kept)
            ),
        ],
        tables: vec![table],
        bounds: vec![
            none(
                "kills after which something acknowledged is lost, or the recording is not whole",
                &complaints,
            ),
            Bound {
                what: format!("open at the end, at most {} ms", OPEN.as_millis()),
                found: format!("{} ms", longest.as_millis()),
                holds: longest <= OPEN,
            },
        ],
    })
}

fn once(seed: u64, number: u64, sample: &Sample) -> anyhow::Result<Killed> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let dir = tempfile::tempdir()?;
    let run = kill_after(dir.path(), Duration::from_millis(random.random_range(40..2500)), seed)?;
    let path = dir.path().join("run");
    if number.is_multiple_of(8) && path.join(MANIFEST).exists() {
        sample.add(&format!("killed-{number}"), &path)?;
    }
    Ok(run)
}

/// Lets a recorder record into `dir/run` for `span`, kills it, and recovers what is left. Complaints name the `seed`.
pub(crate) fn kill_after(dir: &Path, span: Duration, seed: u64) -> anyhow::Result<Killed> {
    let mut process = Process::start(dir, "run", &[])?;
    sleep_until(Clock::System.now() + span);
    process.kill()?;
    let killed = Clock::System.now();
    let (_status, heard) = process.end()?;
    let path = dir.join("run");
    let mut run = Killed {
        acknowledged: heard.last(),
        taken: heard.taken.map_or(0, |(tick, _)| tick),
        ..Killed::default()
    };
    // A manifest is there before anything is recorded.
    if path.join(MANIFEST).exists() {
        let found = recover_all(dir)?;
        run.complaints.extend(found.failed.iter().map(|(_, error)| format!("seed {seed}: {error}")));
        run.repaired = !found.recovered.is_empty();
        let ticks = ticks_of(&path);
        run.kept = ticks.len() as u64;
        run.complaints
            .extend(complaint(&ticks, run.acknowledged).map(|complaint| format!("seed {seed}: {complaint}")));
        let found = verify(&path, &mut |_| {})?;
        if !found.whole {
            run.complaints.push(format!("seed {seed}: not whole after recovery: {:?}", found.problems));
        }
        run.open = open(&path, &heard, killed)?;
    } else if run.acknowledged > 0 {
        run.complaints.push(format!("seed {seed}: acknowledged, and there is no recording"));
    }
    Ok(run)
}

/// Counted from the first tick that was taken, where none is kept.
fn open(path: &Path, heard: &super::process::Heard, killed: MonoTime) -> anyhow::Result<Option<Open>> {
    let Some((first, (_, last))) = heard.first.zip(heard.taken) else { return Ok(None) };
    let mut at = std::collections::BTreeMap::new();
    for logged in retake_log::Recording::open(path)?.messages_on(&[retake_wire::Topic::Tick]) {
        if let retake_wire::Message::Tick(tick) = logged?.message {
            at.insert(tick.tick, MonoTime::from_nanos(u64::try_from(tick.at_nanos)?));
        }
    }
    let kept = at.last_key_value().map_or(first, |(_, at)| *at);
    let told = at.get(&heard.last()).copied().unwrap_or(first);
    Ok(Some(Open { kept: killed.since(kept), taken: last.since(kept), told: killed.since(told) }))
}
