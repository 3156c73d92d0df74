//! One recording on a disk that fails somewhere, and what is left of it.

use std::path::Path;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use retake_log::{recover_all, verify};
use retake_node::{Node as _, Outbox};
use retake_recorder::{Recorder, RecorderReport};
use retake_wire::{Message, pb::Watermark};

use super::{FaultPlan, FaultyDisk, Operation, at, complaint, config, frame, tick, ticks_of};

/// Errors of a disk that is broken, was taken away, or is full: EIO, EROFS, ENODEV, ENOSPC, EDQUOT.
const ERRNOS: [i32; 5] = [5, 30, 19, 28, 122];
const TICKS: u64 = 600;

/// What is tried, from a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// What the disk does.
    pub plan: FaultPlan,
    /// Power is cut at the end: all that is not durable is lost.
    pub power_cut: bool,
    /// The recorder has a thread of its own.
    pub threaded: bool,
}

impl Trial {
    /// The trial of a seed.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let operation = Operation::ALL[random.random_range(0..Operation::ALL.len())];
        // There are about eighty appends and syncs in a trial, and six of the others.
        let often = matches!(operation, Operation::Append | Operation::Sync | Operation::Cut);
        let plan = FaultPlan {
            operation,
            first: random.random_range(0..if often { 80 } else { 7 }),
            times: [1, 2, 3, u64::MAX][random.random_range(0..4)],
            errno: ERRNOS[random.random_range(0..ERRNOS.len())],
            short: random.random_range(0..=100),
            room: None,
        };
        Self { plan, power_cut: random.random_bool(0.5), threaded: random.random_bool(0.5) }
    }
}

/// What became of a trial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrialOutcome {
    /// Operations that were refused.
    pub fired: u64,
    /// The recorder did not even start, and said why.
    pub refused: bool,
    /// It went on in a new file and lost nothing.
    pub survived: bool,
    /// The last tick that was acknowledged.
    pub acknowledged: u64,
    /// Ticks in the recording after recovery.
    pub kept: u64,
    /// Ticks that are there twice: what follows if a file that failed cannot even be shortened.
    pub twice: u64,
    /// What must not have happened.
    pub faults: Vec<String>,
}

/// Records on a disk that does as `trial` says, in `dir/name`, and recovers what is there.
#[must_use]
pub fn try_disk(trial: &Trial, dir: &Path, name: &str) -> TrialOutcome {
    let disk = FaultyDisk::new(trial.plan.clone());
    let mut config = config(dir, name);
    config.writer.segment_bytes = 64 << 10;
    let made = Box::new(disk.clone());
    let recorder =
        if trial.threaded { Recorder::threaded_on(config, made) } else { Recorder::inline_on(config, made) };
    let mut outcome = TrialOutcome::default();
    let said = match recorder {
        Ok(recorder) => record(recorder, &mut outcome),
        Err(error) => {
            outcome.refused = true;
            if error.to_string().is_empty() {
                outcome.faults.push("it refused without a word".to_owned());
            }
            None
        }
    };
    outcome.fired = disk.fired();
    outcome.faults.extend(disk.violations());
    if trial.power_cut {
        disk.cut_power();
    }
    judge(&dir.join(name), trial, said, &mut outcome);
    outcome
}

/// What was said about a recording.
struct Said {
    report: RecorderReport,
    last: Watermark,
    notices: Vec<String>,
}

fn record(mut recorder: Recorder, outcome: &mut TrialOutcome) -> Option<Said> {
    let (report, mut out) = (recorder.report(), Outbox::default());
    let (mut last, mut notices) = (Watermark::default(), Vec::new());
    let mut hear = |out: &mut Outbox| {
        for message in out.drain() {
            if let Message::Watermark(watermark) = message {
                last = watermark;
            } else if let Message::Notice(notice) = message {
                notices.push(notice.code);
            }
        }
    };
    for number in 1..=TICKS {
        recorder.receive(at(number), &tick(number), &mut out);
        if number % 5 == 0 {
            recorder.receive(at(number), &frame(number, 2_000), &mut out);
        }
        recorder.wake(at(number), &mut out);
        hear(&mut out);
    }
    recorder.finish(at(TICKS + 1), &mut out);
    hear(&mut out);
    outcome.acknowledged = last.tick;
    let Some(report) = report.get().cloned() else {
        outcome.faults.push("there is no report".to_owned());
        return None;
    };
    Some(Said { report, last, notices })
}

fn judge(path: &Path, trial: &Trial, said: Option<Said>, outcome: &mut TrialOutcome) {
    let found = recover_all(path.parent().unwrap()).unwrap();
    outcome.faults.extend(found.failed.iter().map(|(_, error)| format!("not recovered: {error}")));
    let mut ticks = if path.join(retake_log::MANIFEST).exists() { ticks_of(path) } else { Vec::new() };
    if trial.plan.operation == Operation::Cut {
        let all = ticks.len();
        ticks.sort_unstable();
        ticks.dedup();
        outcome.twice = (all - ticks.len()) as u64;
    }
    outcome.kept = ticks.len() as u64;
    outcome.faults.extend(complaint(&ticks, outcome.acknowledged));
    if outcome.kept > 0 && !verify(path, &mut |_| {}).unwrap().whole {
        outcome.faults.push("the recovered recording is not whole".to_owned());
    }
    let Some(Said { report, last, notices }) = said else { return };
    outcome.survived = outcome.fired > 0 && last.recording;
    if outcome.fired > 0 && (report.errors.is_empty() || notices.is_empty()) {
        outcome.faults.push("the operator was told nothing".to_owned());
    }
    if outcome.kept < TICKS && (report.messages_lost == 0 || last.recording || last.error.is_empty()) {
        let lost = TICKS - outcome.kept;
        outcome.faults.push(format!("{lost} ticks are lost, and the watermark says nothing of it"));
    }
}
