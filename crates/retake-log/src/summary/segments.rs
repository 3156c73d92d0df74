//! Who drove which group, from the ticks.

use std::collections::BTreeMap;

use retake_wire::pb::{Cause, GroupTick, Owner, SegmentKind, SegmentRecord, TickRecord};
use serde::{Deserialize, Serialize};

use super::{seconds, word};

/// A stretch of one group with one owner and one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SegmentSummary {
    /// Group of the robot.
    pub group: String,
    /// `policy`, `rewind`, `recovery`, `correction`, `demo`, `hold` or `reset`.
    pub kind: String,
    /// `policy`, `human`, `rewind`, `hold` or `shared`.
    pub owner: String,
    /// Why it began.
    pub began: String,
    /// Why it ended; empty where the recording ends first.
    pub ended: String,
    /// First tick in it.
    pub start_tick: u64,
    /// First tick after it.
    pub end_tick: u64,
    /// Its start, seconds from the first tick of the recording.
    pub start_seconds: f64,
    /// Its end, likewise.
    pub end_seconds: f64,
    /// The arbiter's own record of it is missing; it was rebuilt from the ticks.
    pub rebuilt: bool,
}

/// Of one group, what goes on.
#[derive(Clone, Debug)]
struct Open {
    episode: u64,
    kind: i32,
    owner: i32,
    began: i32,
    start: (u64, i64),
}

/// What segment records and ticks are matched by: group, first tick, episode.
type Key = (String, u64, u64);

#[derive(Debug, Default)]
pub(super) struct Segments {
    groups: Vec<String>,
    open: Vec<Option<Open>>,
    records: BTreeMap<Key, SegmentRecord>,
    /// With the index of their group: its name may come later.
    rebuilt: Vec<(usize, SegmentRecord)>,
    origin: Option<i64>,
    last: (u64, i64),
}

impl Segments {
    pub(super) fn set_groups(&mut self, names: Vec<String>) {
        if self.groups.is_empty() {
            self.groups = names;
        }
    }

    pub(super) fn record(&mut self, record: &SegmentRecord) {
        self.records.insert((record.group.clone(), record.start_tick, record.episode), record.clone());
    }

    pub(super) fn tick(&mut self, tick: &TickRecord) {
        self.origin.get_or_insert(tick.at_nanos);
        self.last = (tick.tick, tick.at_nanos);
        if self.open.len() < tick.groups.len() {
            self.open.resize(tick.groups.len(), None);
        }
        for (index, group) in tick.groups.iter().enumerate() {
            self.group(index, group, tick);
        }
    }

    fn group(&mut self, index: usize, group: &GroupTick, tick: &TickRecord) {
        let Some(slot) = self.open.get_mut(index) else { return };
        let now = (tick.tick, tick.at_nanos);
        let same =
            |open: &Open| (open.episode, open.kind, open.owner) == (tick.episode, group.segment, group.owner);
        if slot.as_ref().is_some_and(same) {
            return;
        }
        let fresh = Open {
            episode: tick.episode,
            kind: group.segment,
            owner: group.owner,
            began: group.cause,
            start: now,
        };
        if let Some(open) = slot.replace(fresh) {
            self.close(index, &open, group.cause, now);
        }
    }

    fn close(&mut self, index: usize, open: &Open, ended: i32, end: (u64, i64)) {
        let record = SegmentRecord {
            episode: open.episode,
            group: String::new(),
            kind: open.kind,
            owner: open.owner,
            began: open.began,
            ended,
            start_tick: open.start.0,
            end_tick: end.0,
            start_nanos: open.start.1,
            end_nanos: end.1,
        };
        self.rebuilt.push((index, record));
    }

    /// Segments by episode, and how many of the arbiter's records the ticks contradict.
    pub(super) fn finish(mut self) -> (BTreeMap<u64, Vec<SegmentSummary>>, u64) {
        let end = (self.last.0.saturating_add(1), self.last.1);
        for (index, open) in std::mem::take(&mut self.open).into_iter().enumerate() {
            if let Some(open) = open {
                self.close(index, &open, Cause::Unspecified.into(), end);
            }
        }
        let origin = self.origin.unwrap_or_default();
        let mut contradictions = 0;
        let mut segments: BTreeMap<u64, Vec<SegmentSummary>> = BTreeMap::new();
        for (index, mut rebuilt) in self.rebuilt {
            rebuilt.group = self.groups.get(index).cloned().unwrap_or_else(|| format!("group {index}"));
            let record = self.records.remove(&(rebuilt.group.clone(), rebuilt.start_tick, rebuilt.episode));
            contradictions += u64::from(record.as_ref().is_some_and(|record| !agree(record, &rebuilt)));
            let told = record.as_ref().unwrap_or(&rebuilt);
            segments.entry(told.episode).or_default().push(summarise(told, record.is_none(), origin));
        }
        // Records of stretches whose ticks are lost.
        for record in self.records.values() {
            segments.entry(record.episode).or_default().push(summarise(record, false, origin));
        }
        for list in segments.values_mut() {
            list.sort_by(|one, other| (one.start_tick, &one.group).cmp(&(other.start_tick, &other.group)));
        }
        (segments, contradictions)
    }
}

/// The end is compared only where the ticks reach it.
fn agree(record: &SegmentRecord, rebuilt: &SegmentRecord) -> bool {
    let same = (record.kind, record.owner, record.began) == (rebuilt.kind, rebuilt.owner, rebuilt.began);
    let reached = rebuilt.ended != i32::from(Cause::Unspecified);
    same && (!reached || (record.end_tick, record.ended) == (rebuilt.end_tick, rebuilt.ended))
}

fn summarise(record: &SegmentRecord, rebuilt: bool, origin: i64) -> SegmentSummary {
    let cause = |cause| match Cause::try_from(cause) {
        Ok(Cause::Unspecified) => String::new(),
        Ok(cause) => word(cause.as_str_name(), "CAUSE_"),
        Err(_) => "unknown".to_owned(),
    };
    let kind = SegmentKind::try_from(record.kind).map_or("unknown", |kind| kind.as_str_name());
    let owner = Owner::try_from(record.owner).map_or("unknown", |owner| owner.as_str_name());
    SegmentSummary {
        group: record.group.clone(),
        kind: word(kind, "SEGMENT_KIND_"),
        owner: word(owner, "OWNER_"),
        began: cause(record.began),
        ended: cause(record.ended),
        start_tick: record.start_tick,
        end_tick: record.end_tick,
        start_seconds: seconds(origin, record.start_nanos),
        end_seconds: seconds(origin, record.end_nanos),
        rebuilt,
    }
}
