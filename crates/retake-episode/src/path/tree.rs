//! The samples of a way that branches.

use std::collections::VecDeque;

use super::{PathPoint, distance};

/// Two places of one way closer than this are the same, radians.
pub(super) const SAME: f64 = 1e-9;
/// Samples are at least this far apart on the way, radians, so that a place on it is between two of them and no more. A gripper
/// that closes while the arm stands still is such a pair.
const APART: f64 = 1e-6;

#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) point: PathPoint,
    /// Number of the sample it was reached from; it may have been forgotten.
    parent: Option<u64>,
    pub(super) branch: u32,
    /// The gripper began to move between its parent and here.
    pub(super) event: bool,
    /// Way from the root to here, radians of the largest joint.
    pub(super) way: f64,
    /// Motion from the root to here, seconds.
    pub(super) motion: f64,
}

/// All samples in the order in which they were made, and the line the robot is on: from the oldest sample known down to the
/// tip of one branch. Places on the line are given by their way.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    samples: VecDeque<Sample>,
    forgotten: u64,
    line: VecDeque<u64>,
    capacity: usize,
}

impl Tree {
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.max(2);
        Self { samples: VecDeque::new(), forgotten: 0, line: VecDeque::new(), capacity }
    }

    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// A sample by its number, if it is still known.
    pub(super) fn sample(&self, id: u64) -> Option<&Sample> {
        self.samples.get(usize::try_from(id.checked_sub(self.forgotten)?).ok()?)
    }

    fn on_line(&self, index: usize) -> Option<&Sample> {
        self.sample(*self.line.get(index)?)
    }

    pub(super) fn first(&self) -> Option<&Sample> {
        self.on_line(0)
    }

    pub(super) fn tip(&self) -> Option<&Sample> {
        self.on_line(self.line.len().checked_sub(1)?)
    }

    /// Adds a sample after the tip, `seconds` of motion later, and makes it the tip. The oldest sample makes room.
    pub(super) fn push(&mut self, point: PathPoint, branch: u32, event: bool, seconds: f64) {
        let (way, motion) = self.tip().map_or((0.0, 0.0), |tip| {
            (tip.way + distance(&tip.point.position, &point.position).max(APART), tip.motion + seconds)
        });
        let parent = self.line.back().copied();
        if self.samples.len() == self.capacity {
            self.samples.pop_front();
            if self.line.front() == Some(&self.forgotten) {
                self.line.pop_front();
            }
            self.forgotten += 1;
        }
        self.line.push_back(self.forgotten + self.samples.len() as u64);
        self.samples.push_back(Sample { point, parent, branch, event, way, motion });
    }

    /// The line goes on from `way`; what lay beyond is on another branch.
    pub(super) fn leave(&mut self, way: f64) {
        while self.line.len() > 1 && self.tip().is_some_and(|tip| tip.way > way + SAME) {
            self.line.pop_back();
        }
    }

    /// Number of samples of the line before `way`, and at it.
    fn until(&self, way: f64) -> usize {
        self.line.partition_point(|id| self.sample(*id).is_none_or(|sample| sample.way <= way + SAME))
    }

    /// The last sample of the line at or before `way`.
    pub(super) fn before(&self, way: f64) -> Option<(u64, &Sample)> {
        let id = *self.line.get(self.until(way).saturating_sub(1))?;
        Some((id, self.sample(id)?))
    }

    /// Position and motion at a way, between the samples around it.
    pub(super) fn at(&self, way: f64) -> Option<(Vec<f64>, f64)> {
        let after = self.until(way);
        let before = self.on_line(after.saturating_sub(1))?;
        let after = self.on_line(after).unwrap_or(before);
        let share = share(way, before.way, after.way);
        let between = before.point.position.iter().zip(&after.point.position);
        let position = between.map(|(a, b)| a + share * (b - a)).collect();
        Some((position, before.motion + share * (after.motion - before.motion)))
    }

    /// Place of the line that had this much motion before it; its nearer end if none had.
    pub(super) fn way_at_motion(&self, motion: f64) -> Option<f64> {
        let after =
            self.line.partition_point(|id| self.sample(*id).is_none_or(|sample| sample.motion <= motion));
        let before = self.on_line(after.saturating_sub(1))?;
        let after = self.on_line(after).unwrap_or(before);
        Some(before.way + share(motion, before.motion, after.motion) * (after.way - before.way))
    }

    /// The first gripper event met on the line when going from `from` to `to`, other than `agreed`: where to pause for it,
    /// and the number of its sample.
    pub(super) fn event_between(&self, from: f64, to: f64, agreed: Option<u64>) -> Option<(f64, u64)> {
        let counts = |sample: &Sample, id: u64| sample.event && agreed != Some(id);
        if to < from {
            let (low, high) = (self.until(to), self.until(from));
            return (low.max(1)..high).rev().find_map(|index| {
                let (id, sample) = (*self.line.get(index)?, self.on_line(index)?);
                counts(sample, id).then_some((sample.way, id))
            });
        }
        let first = self.until(from - 2.0 * SAME);
        (first + 1..).take_while(|index| self.on_line(index - 1).is_some_and(|s| s.way < to - SAME)).find_map(
            |index| {
                let (id, sample) = (*self.line.get(index)?, self.on_line(index)?);
                counts(sample, id).then_some((self.on_line(index - 1)?.way, id))
            },
        )
    }

    /// The sample is on the line.
    pub(super) fn leads_through(&self, id: u64) -> bool {
        self.line.binary_search(&id).is_ok()
    }

    /// Where the way to a sample leaves the line; `None` if the place has been forgotten.
    pub(super) fn fork(&self, id: u64) -> Option<f64> {
        let mut id = id;
        loop {
            let sample = self.sample(id)?;
            if self.leads_through(id) {
                return Some(sample.way);
            }
            id = sample.parent?;
        }
    }

    /// Takes the line through a sample, down to the tip of its branch.
    pub(super) fn follow(&mut self, id: u64) {
        let Some(branch) = self.sample(id).map(|sample| sample.branch) else { return };
        let Some(tip) = self.samples.iter().rposition(|sample| sample.branch == branch) else { return };
        let mut next = Some(self.forgotten + tip as u64);
        self.line.clear();
        while let Some((id, parent)) = next.and_then(|id| Some((id, self.sample(id)?.parent))) {
            self.line.push_front(id);
            next = parent;
        }
    }
}

/// How far `value` is from `from` to `to`, 0 to 1.
fn share(value: f64, from: f64, to: f64) -> f64 {
    if to > from { ((value - from) / (to - from)).clamp(0.0, 1.0) } else { 0.0 }
}
