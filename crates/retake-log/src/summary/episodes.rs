//! Attempts, from the arbiter's records of them and from the ticks.

use std::collections::BTreeMap;

use retake_wire::pb::{Counters, EndReason, EpisodeRecord, Phase, TickRecord, Verdict};
use serde::{Deserialize, Serialize};

use super::{BranchSummary, SegmentSummary, seconds, word};

/// An attempt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpisodeSummary {
    /// Its number.
    pub episode: u64,
    /// Seed of its start state, if it was recorded.
    pub seed: Option<u64>,
    /// Task; empty if not recorded.
    pub task: String,
    /// Policy that was asked.
    pub policy: String,
    /// Operator; empty if none.
    pub operator: String,
    /// `success`, `failure`, `discarded`, or empty for none.
    pub verdict: String,
    /// Why it ended: `task`, `time`, `operator`, `shutdown`, `robot`, or empty while it has not.
    pub reason: String,
    /// Its end is recorded. Otherwise it is as far as the ticks go.
    pub ended: bool,
    /// First tick in it.
    pub start_tick: u64,
    /// First tick after it.
    pub end_tick: u64,
    /// Its start, seconds from the first tick of the recording.
    pub start_seconds: f64,
    /// Its end, likewise.
    pub end_seconds: f64,
    /// How often a human took over.
    pub takeovers: u64,
    /// How often the robot was rewound.
    pub rewinds: u64,
    /// Ticks that a human drove.
    pub human_ticks: u64,
    /// Who drove, group by group.
    pub segments: Vec<SegmentSummary>,
    /// The trunk, and a branch for each rewind that went to an earlier place and stayed there.
    pub branches: Vec<BranchSummary>,
    /// The branch the robot was on at the end; 0 is the trunk.
    pub ended_on: u32,
}

/// What the ticks of one episode tell.
#[derive(Clone, Debug, Default)]
struct FromTicks {
    start: (u64, i64),
    /// The last tick in which it was ready or running.
    end: (u64, i64),
    running: bool,
    policy: String,
    operator: String,
    before: Counters,
    after: Counters,
}

#[derive(Debug, Default)]
pub(super) struct Episodes {
    records: BTreeMap<u64, EpisodeRecord>,
    ticks: BTreeMap<u64, FromTicks>,
    counters: Option<Counters>,
    origin: Option<i64>,
}

impl Episodes {
    /// A later record of the same episode replaces an earlier one: it goes on, or the operator changed the verdict.
    pub(super) fn record(&mut self, record: &EpisodeRecord) {
        if record.episode > 0 {
            self.records.insert(record.episode, record.clone());
        }
    }

    pub(super) fn tick(&mut self, tick: &TickRecord) {
        self.origin.get_or_insert(tick.at_nanos);
        let counters = tick.counters.unwrap_or_default();
        // Counters begin with the arbiter; a recording that begins later must not count what came before it.
        let before = self.counters.unwrap_or(if tick.tick <= 1 { Counters::default() } else { counters });
        self.counters = Some(counters);
        let phase = Phase::try_from(tick.phase).unwrap_or(Phase::Unspecified);
        if tick.episode == 0 || !matches!(phase, Phase::Ready | Phase::Running) {
            return;
        }
        let now = (tick.tick, tick.at_nanos);
        let fresh = || FromTicks { start: now, before, ..FromTicks::default() };
        let episode = self.ticks.entry(tick.episode).or_insert_with(fresh);
        if phase == Phase::Running && !episode.running {
            episode.running = true;
            episode.start = now;
        }
        episode.end = now;
        episode.after = counters;
        if !tick.policy_version.is_empty() && episode.policy != tick.policy_version {
            episode.policy.clone_from(&tick.policy_version);
        }
        if let Some(input) =
            tick.input.as_ref().filter(|input| input.clutch && input.operator != episode.operator)
        {
            episode.operator.clone_from(&input.operator);
        }
    }

    pub(super) fn finish(mut self, mut segments: BTreeMap<u64, Vec<SegmentSummary>>) -> Vec<EpisodeSummary> {
        let origin = self.origin.unwrap_or_default();
        let mut numbers: Vec<u64> = self.records.keys().chain(self.ticks.keys()).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut episodes = Vec::new();
        for number in numbers {
            let from_ticks = self.ticks.remove(&number).unwrap_or_default();
            let mut episode = match self.records.remove(&number) {
                Some(record) if record.phase == i32::from(Phase::Ended) => from_record(&record, origin),
                Some(record) => from_both(&record, &from_ticks, origin),
                None => rebuilt(number, &from_ticks, origin),
            };
            episode.segments = segments.remove(&number).unwrap_or_default();
            episodes.push(episode);
        }
        episodes
    }
}

fn from_record(record: &EpisodeRecord, origin: i64) -> EpisodeSummary {
    let verdict = Verdict::try_from(record.verdict).unwrap_or(Verdict::Unspecified);
    let reason = EndReason::try_from(record.reason).unwrap_or(EndReason::Unspecified);
    EpisodeSummary {
        episode: record.episode,
        seed: Some(record.seed),
        task: record.task.clone(),
        policy: record.policy_version.clone(),
        operator: record.operator.clone(),
        verdict: if verdict == Verdict::Unspecified {
            String::new()
        } else {
            word(verdict.as_str_name(), "VERDICT_")
        },
        reason: if reason == EndReason::Unspecified {
            String::new()
        } else {
            word(reason.as_str_name(), "END_REASON_")
        },
        ended: true,
        start_tick: record.start_tick,
        end_tick: record.end_tick,
        start_seconds: seconds(origin, record.start_nanos),
        end_seconds: seconds(origin, record.end_nanos),
        takeovers: u64::from(record.takeovers),
        rewinds: u64::from(record.rewinds),
        human_ticks: record.human_ticks,
        ..EpisodeSummary::default()
    }
}

/// It began on the record and its end is not there: from where it began to where the ticks end.
fn from_both(record: &EpisodeRecord, ticks: &FromTicks, origin: i64) -> EpisodeSummary {
    let told = from_record(record, origin);
    let rebuilt = rebuilt(record.episode, ticks, origin);
    let known = |told: String, rebuilt: &str| if told.is_empty() { rebuilt.to_owned() } else { told };
    EpisodeSummary {
        seed: told.seed,
        task: told.task,
        policy: known(told.policy, &rebuilt.policy),
        operator: known(told.operator, &rebuilt.operator),
        ..rebuilt
    }
}

fn rebuilt(number: u64, ticks: &FromTicks, origin: i64) -> EpisodeSummary {
    EpisodeSummary {
        episode: number,
        policy: ticks.policy.clone(),
        operator: ticks.operator.clone(),
        start_tick: ticks.start.0,
        end_tick: ticks.end.0.saturating_add(1),
        start_seconds: seconds(origin, ticks.start.1),
        end_seconds: seconds(origin, ticks.end.1),
        takeovers: ticks.after.takeovers.saturating_sub(ticks.before.takeovers),
        rewinds: ticks.after.rewinds.saturating_sub(ticks.before.rewinds),
        human_ticks: ticks.after.human_ticks.saturating_sub(ticks.before.human_ticks),
        ..EpisodeSummary::default()
    }
}
