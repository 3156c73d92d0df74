//! The tree that rewinds make of an episode, from the arbiter's records of them and from the ticks.

use std::{collections::BTreeMap, ops::Range};

use retake_wire::pb::{BranchRecord, Cause, Owner, TickRecord};
use serde::{Deserialize, Serialize};

use super::{EpisodeSummary, seconds};

/// A moment of an episode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// The tick.
    pub tick: u64,
    /// Seconds from the episode's first tick; `None` if that part of the episode was not recorded.
    pub seconds: Option<f64>,
}

/// A part of an episode that was gone without going back to an earlier place: the trunk, or what followed a rewind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BranchSummary {
    /// Its number; 0 is the trunk.
    pub branch: u32,
    /// The branch it grows from; `None` for the trunk, and where it is not known.
    pub parent: Option<u32>,
    /// When the rewind began; `None` for the trunk, and where it is not known.
    pub left: Option<Moment>,
    /// The branch the robot was on when the rewind began.
    pub left_branch: Option<u32>,
    /// When the robot had first been where the rewind ended; `None` for the trunk, and where it is not known.
    pub joined: Option<Moment>,
    /// First tick after the rewind; of the trunk the episode's first.
    pub began: Moment,
    /// Objects were put back, too.
    pub restored: bool,
    /// The arbiter's own record of it is missing; it was rebuilt from the ticks.
    pub rebuilt: bool,
    /// Who drove on it, group by group.
    pub segments: Vec<BranchSegment>,
}

/// A stretch of one group on one branch with one owner and one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BranchSegment {
    /// Group of the robot.
    pub group: String,
    /// As [`SegmentSummary::kind`](super::SegmentSummary::kind).
    pub kind: String,
    /// As [`SegmentSummary::owner`](super::SegmentSummary::owner).
    pub owner: String,
    /// First tick in it.
    pub start: Moment,
    /// First tick after it.
    pub end: Moment,
}

/// How a branch began, as far as it is known.
#[derive(Clone, Copy, Debug)]
struct Begun {
    parent: Option<u32>,
    left: Option<u64>,
    joined: Option<u64>,
    began: u64,
    restored: bool,
    rebuilt: bool,
}

/// What is known of one episode.
#[derive(Debug, Default)]
struct Grown {
    records: BTreeMap<u32, BranchRecord>,
    /// Branches that the ticks tell of.
    rebuilt: BTreeMap<u32, Begun>,
    /// Tick and time of each tick: 16 bytes, a small part of what the summary has to read for it.
    times: Vec<(u64, i64)>,
    /// The branch the robot was on, tick by tick. While it was being rewound that is the branch it came from.
    stays: Vec<(u32, Range<u64>)>,
    /// The branch that the last tick names: during a rewind the one that the place is on.
    at: Option<u32>,
    /// First tick of the rewind that is going on.
    rewinding: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Branches {
    episodes: BTreeMap<u64, Grown>,
    origin: Option<i64>,
}

impl Branches {
    /// A later record of the same branch replaces an earlier one: the objects were put back as well.
    pub(super) fn record(&mut self, record: &BranchRecord) {
        self.episodes.entry(record.episode).or_default().records.insert(record.branch, *record);
    }

    pub(super) fn tick(&mut self, tick: &TickRecord) {
        self.origin.get_or_insert(tick.at_nanos);
        if tick.episode > 0 {
            self.episodes.entry(tick.episode).or_default().tick(tick);
        }
    }

    /// Adds its tree to an episode that is otherwise complete.
    pub(super) fn complete(&self, episode: &mut EpisodeSummary) {
        let nothing = Grown::default();
        let grown = self.episodes.get(&episode.episode).unwrap_or(&nothing);
        let origin = self.origin.unwrap_or_default();
        episode.ended_on = grown.branch_before(episode.end_tick).unwrap_or_default();
        episode.branches = grown.branches(episode, origin);
    }
}

impl Grown {
    fn tick(&mut self, tick: &TickRecord) {
        self.times.push((tick.tick, tick.at_nanos));
        let any = |owner: Owner| tick.groups.iter().any(|group| group.owner == i32::from(owner));
        let last = self.stays.last().map_or(0, |(branch, _)| *branch);
        let stays = if any(Owner::Rewind) {
            self.rewinding.get_or_insert(tick.tick);
            last
        } else {
            self.begin(tick);
            self.rewinding = None;
            tick.branch
        };
        self.at = Some(tick.branch);
        let end = tick.tick.saturating_add(1);
        match self.stays.last_mut() {
            Some((branch, ticks)) if *branch == stays => ticks.end = end,
            Some(_) | None => self.stays.push((stays, tick.tick..end)),
        }
    }

    fn begin(&mut self, tick: &TickRecord) {
        if tick.branch == 0 {
            return;
        }
        let left = self.at.map(|_| self.rewinding.unwrap_or(tick.tick));
        let begun = self.rebuilt.entry(tick.branch).or_insert(Begun {
            parent: self.at,
            left,
            joined: None,
            began: tick.tick,
            restored: false,
            rebuilt: true,
        });
        begun.restored |= tick.groups.iter().any(|group| group.cause == i32::from(Cause::Restored));
    }

    /// The arbiter's records count; what they lack the ticks tell.
    fn begun(&self) -> BTreeMap<u32, Begun> {
        let mut all = self.rebuilt.clone();
        for (number, record) in &self.records {
            let restored = record.restored || all.get(number).is_some_and(|begun| begun.restored);
            let begun = Begun {
                parent: Some(record.parent),
                left: Some(record.left_tick),
                joined: Some(record.joined_tick),
                began: record.began_tick,
                restored,
                rebuilt: false,
            };
            all.insert(*number, begun);
        }
        all
    }

    fn branch_before(&self, tick: u64) -> Option<u32> {
        self.stays.iter().rev().find(|(_, ticks)| ticks.start < tick).map(|(branch, _)| *branch)
    }

    fn branches(&self, episode: &EpisodeSummary, origin: i64) -> Vec<BranchSummary> {
        let begun = self.begun();
        let moment = |tick: u64| self.moment(tick, episode, origin);
        let mut ways_back: Vec<Range<u64>> =
            begun.values().filter_map(|begun| begun.left.map(|left| left..begun.began)).collect();
        ways_back.sort_by_key(|ticks| ticks.start);
        let segments = |branch: u32| {
            let mut segments = Vec::new();
            let own = self.stays.iter().filter(|(stays, _)| *stays == branch);
            for ticks in own.flat_map(|(_, ticks)| without(ticks.clone(), &ways_back)) {
                segments.extend(cut(episode, &ticks, moment));
            }
            segments
        };
        let trunk = BranchSummary {
            began: moment(episode.start_tick),
            segments: segments(0),
            ..BranchSummary::default()
        };
        let others = begun.iter().map(|(number, begun)| BranchSummary {
            branch: *number,
            parent: begun.parent,
            left: begun.left.map(moment),
            left_branch: begun.left.and_then(|left| self.branch_before(left)),
            joined: begun.joined.map(moment),
            began: moment(begun.began),
            restored: begun.restored,
            rebuilt: begun.rebuilt,
            segments: segments(*number),
        });
        std::iter::once(trunk).chain(others).collect()
    }

    fn moment(&self, tick: u64, episode: &EpisodeSummary, origin: i64) -> Moment {
        let from_origin = |tick: u64| self.time(tick).map(|nanos| seconds(origin, nanos));
        let start = from_origin(episode.start_tick).unwrap_or(episode.start_seconds);
        Moment { tick, seconds: from_origin(tick).map(|at| at - start) }
    }

    /// A tick that is missing among others counts as the next one.
    fn time(&self, tick: u64) -> Option<i64> {
        let (first, _) = self.times.first()?;
        let next = self.times.partition_point(|(at, _)| *at < tick);
        let found = self.times.get(next).or(self.times.last()).filter(|_| *first <= tick);
        found.map(|(_, nanos)| *nanos)
    }
}

/// What is left of `ticks` without the `holes`, which are in order.
fn without(ticks: Range<u64>, holes: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut left = Vec::new();
    let mut start = ticks.start;
    for hole in holes.iter().filter(|hole| hole.start < ticks.end && hole.end > ticks.start) {
        left.push(start..hole.start);
        start = start.max(hole.end);
    }
    left.push(start..ticks.end);
    left.retain(|part| part.start < part.end);
    left
}

/// The episode's segments, as far as they are within `ticks` and it.
fn cut(episode: &EpisodeSummary, ticks: &Range<u64>, moment: impl Fn(u64) -> Moment) -> Vec<BranchSegment> {
    let (first, end) = (ticks.start.max(episode.start_tick), ticks.end.min(episode.end_tick));
    let mut parts = Vec::new();
    for segment in &episode.segments {
        let (start, end) = (segment.start_tick.max(first), segment.end_tick.min(end));
        if start < end {
            parts.push(BranchSegment {
                group: segment.group.clone(),
                kind: segment.kind.clone(),
                owner: segment.owner.clone(),
                start: moment(start),
                end: moment(end),
            });
        }
    }
    parts
}
