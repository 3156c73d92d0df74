//! The same path, slow and simple: every branch is written out whole from the beginning, and every question is answered by
//! going along it.

use super::{MOTION, PathEnd, SPACING, distance};

/// One point of a way, written out.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub(super) id: u64,
    pub(super) q: Vec<f64>,
    pub(super) event: bool,
    millis: u64,
    /// From the spot before it: way, and seconds of motion.
    pub(super) step: (f64, f64),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    /// Whole way of each branch, by the branch's number; empty while nobody has driven on it.
    pub(super) ways: Vec<Vec<Spot>>,
    /// Branch whose way the robot is on.
    on: usize,
    /// Way at which it stands, if not at the tip.
    pub(super) cursor: Option<f64>,
    rewinding: bool,
    next_branch: usize,
    ids: u64,
    agreed: Option<u64>,
    stopped_at: Option<u64>,
    pub(super) marks: Vec<u64>,
}

const SAME: f64 = 1e-9;

impl Model {
    fn line(&self) -> &[Spot] {
        self.ways.get(self.on).map_or(&[], Vec::as_slice)
    }

    /// Way and motion of each spot of the line, from the beginning.
    fn sums(&self) -> Vec<(f64, f64)> {
        let mut sum = (0.0, 0.0);
        let add = |spot: &Spot| {
            sum = (sum.0 + spot.step.0, sum.1 + spot.step.1);
            sum
        };
        self.line().iter().map(add).collect()
    }

    fn length(&self) -> f64 {
        self.sums().last().map_or(0.0, |sum| sum.0)
    }

    pub(super) fn here(&self) -> f64 {
        self.cursor.unwrap_or_else(|| self.length())
    }

    /// Position and motion at a way.
    pub(super) fn at(&self, way: f64) -> (Vec<f64>, f64) {
        let (line, sums) = (self.line(), self.sums());
        for index in 1..line.len() {
            if sums[index].0 > way + SAME {
                let share = ((way - sums[index - 1].0) / line[index].step.0).clamp(0.0, 1.0);
                let between = line[index - 1].q.iter().zip(&line[index].q);
                let q = between.map(|(a, b)| a + share * (b - a)).collect();
                return (q, sums[index - 1].1 + share * line[index].step.1);
            }
        }
        (line[line.len() - 1].q.clone(), sums[sums.len() - 1].1)
    }

    pub(super) fn motion(&self) -> (f64, f64) {
        (self.at(self.here()).1, self.sums().last().map_or(0.0, |sum| sum.1))
    }

    pub(super) fn record(&mut self, q: &[f64], event: bool, millis: u64) {
        let fresh = Spot { id: self.ids, q: q.to_vec(), event, millis, step: (0.0, 0.0) };
        if self.line().is_empty() {
            self.ways = vec![vec![fresh]];
            self.ids = 1;
            self.marks.push(0);
            return;
        }
        if distance(&self.at(self.here()).0, q) < SPACING && !event {
            return;
        }
        if let Some(cursor) = self.cursor.take() {
            let kept = self.sums().iter().filter(|sum| sum.0 <= cursor + SAME).count().max(1);
            let stem = self.line()[..kept].to_vec();
            self.ways.resize(self.next_branch + 1, Vec::new());
            self.on = self.next_branch;
            self.ways[self.on] = stem;
        }
        let last = self.ways[self.on].last().unwrap();
        let seconds = (millis - last.millis).min(u64::try_from(MOTION.as_millis()).unwrap());
        let step = (distance(&last.q, q).max(1e-6), seconds as f64 * 1e-3);
        self.ways[self.on].push(Spot { step, ..fresh });
        if event {
            self.marks.push(self.ids);
        }
        self.ids += 1;
        self.stopped_at = None;
    }

    pub(super) fn mark(&mut self) {
        let here = self.here();
        let count = self.sums().iter().filter(|sum| sum.0 <= here + SAME).count().max(1);
        self.marks.push(self.line()[count - 1].id);
    }

    pub(super) fn begin(&mut self) {
        self.agreed = self.stopped_at.take();
        self.cursor = Some(self.here());
        self.rewinding = true;
    }

    /// Number of the new branch, if one begins.
    pub(super) fn end(&mut self, branches: u32) -> Option<u32> {
        self.rewinding = false;
        if self.here() >= self.length() - SAME {
            self.cursor = None;
            return None;
        }
        self.next_branch = branches as usize + 1;
        Some(branches + 1)
    }

    /// Walks to a way of the line.
    pub(super) fn go(&mut self, wanted: f64) -> Result<(), PathEnd> {
        let (here, sums) = (self.here(), self.sums());
        let mut wanted = wanted.clamp(0.0, self.length());
        let mut pauses: Vec<(f64, u64)> = Vec::new();
        for index in 1..sums.len() {
            let spot = &self.line()[index];
            if !spot.event || self.agreed == Some(spot.id) {
                continue;
            }
            let (before, at) = (sums[index - 1].0, sums[index].0);
            if wanted < here && at > wanted + SAME && at <= here + SAME {
                pauses.push((at, spot.id));
            }
            if wanted > here && before >= here - SAME && before < wanted - SAME {
                pauses.push((before, spot.id));
            }
        }
        let nearest = |a: &&(f64, u64), b: &&(f64, u64)| (a.0 - here).abs().total_cmp(&(b.0 - here).abs());
        // Of two pauses at one place the first met counts: the later spot on the way back, the earlier forward.
        let met =
            if wanted < here { pauses.iter().rev().min_by(nearest) } else { pauses.iter().min_by(nearest) };
        if let Some((pause, event)) = met.copied() {
            if (pause - here).abs() <= SAME {
                self.stopped_at = Some(event);
                return Err(PathEnd::AtGripper);
            }
            wanted = pause;
        }
        self.cursor = Some(wanted);
        Ok(())
    }

    pub(super) fn walk(&mut self, way: f64) -> Result<(), PathEnd> {
        if way < 0.0 && self.here() <= SAME {
            return Err(PathEnd::Exhausted);
        }
        self.go(self.here() + way)
    }

    /// Walks towards a spot, over the end of what both ways have in common if it is on another branch.
    pub(super) fn walk_to(&mut self, id: u64, way: f64) -> Result<(), PathEnd> {
        let mut target = self.way_of(id);
        if target.is_none() {
            let other = self.ways.iter().position(|way| way.iter().any(|spot| spot.id == id)).unwrap();
            // Nearest to the end of the branch the spot was made on.
            let made = self.made_on(id, other);
            let there = self.ways[made].iter().map(|spot| spot.id).collect::<Vec<_>>();
            let to = there.iter().position(|spot| *spot == id).unwrap();
            let common = self.line().iter().zip(&there[..=to]).take_while(|(a, b)| a.id == **b).count();
            let fork = self.sums()[common - 1].0;
            if (self.here() - fork).abs() <= SAME {
                self.on = made;
                target = self.way_of(id);
            } else {
                target = Some(fork);
            }
        }
        let left = target.unwrap() - self.here();
        if left.abs() <= SAME {
            return Err(PathEnd::Arrived);
        }
        self.go(self.here() + left.clamp(-way, way))
    }

    /// Branch on which a spot was made: the first whose way has it.
    fn made_on(&self, id: u64, first: usize) -> usize {
        let has = |way: &Vec<Spot>| way.iter().any(|spot| spot.id == id);
        self.ways.iter().position(has).unwrap_or(first)
    }

    fn way_of(&self, id: u64) -> Option<f64> {
        let index = self.line().iter().position(|spot| spot.id == id)?;
        Some(self.sums()[index].0)
    }
}
