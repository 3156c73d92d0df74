//! The measured way of one episode, and going back along it.
//!
//! The way is a tree. Going back moves a cursor and erases nothing; who drives on from there begins a new branch. The robot
//! can be taken forward again to where it came from, and along an older branch to a checkpoint on it.

mod checkpoints;
mod grip;
mod tree;

#[cfg(test)]
mod model;
#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;

use std::time::Duration;

use retake_units::{MonoTime, Tick};

use checkpoints::Checkpoints;
pub use checkpoints::{Checkpoint, Mark};
use grip::{Grip, GripEvent};
use tree::{SAME, Tree};

/// Where the robot was.
#[derive(Clone, Debug, PartialEq)]
pub struct PathPoint {
    /// Measured positions of the groups that are rewound, one after the other, radians.
    pub position: Vec<f64>,
    /// Commanded gripper opening, metres: what tells a gripper event from the jaws' own motion.
    pub gripper: f64,
    /// The tick.
    pub tick: Tick,
    /// Number of the observation.
    pub seq: u64,
    /// The time.
    pub at: MonoTime,
}

/// Why the walk cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathEnd {
    /// The path's beginning is reached.
    Exhausted,
    /// The gripper opened or closed here; going on needs the operator's word.
    AtGripper,
    /// It is where it was to go.
    Arrived,
    /// There is no such place, or no longer.
    Unknown,
}

/// Where to go along the path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// The place of the line with this many seconds of motion before it, counted from the episode's start.
    Motion(f64),
    /// A checkpoint, on whichever branch it is.
    Checkpoint(u32),
}

/// A rewind that has ended, and the branch that begins there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join {
    /// The new branch.
    pub branch: u32,
    /// The branch the place is on.
    pub parent: u32,
    /// When the robot was first there.
    pub tick: Tick,
    /// Observation of then.
    pub seq: u64,
}

/// Samples closer than this to the last one, in the largest joint, are not kept: standing still is not part of the way.
const SPACING: f64 = 2e-3;
/// At most so much motion is between two samples: a robot that takes longer for [`SPACING`] stands still.
const MOTION: Duration = Duration::from_millis(100);
/// Bound on memory: at this spacing more way than any episode has. The oldest is forgotten first, and counted.
const CAPACITY: usize = 65_536;

/// The way an episode has gone so far.
#[derive(Clone, Debug)]
pub struct Path {
    tree: Tree,
    checkpoints: Checkpoints,
    /// Way at which the robot stands, if not at the line's tip.
    cursor: Option<f64>,
    rewinding: bool,
    /// Branches so far; 0 while there is only the trunk.
    branches: u32,
    /// Branch that what is driven next belongs to.
    branch: u32,
    grip: Grip,
    /// Gripper event the operator has agreed to cross.
    agreed: Option<u64>,
    /// Gripper event at which the last rewind stopped.
    stopped_at: Option<u64>,
    /// Checkpoint on another branch that is being gone to, and where the way to it leaves the line.
    fork: Option<(u64, f64)>,
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

impl Default for Path {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl Path {
    /// A path that remembers so many samples.
    fn with_capacity(samples: usize) -> Self {
        Self {
            tree: Tree::new(samples),
            checkpoints: Checkpoints::default(),
            cursor: None,
            rewinding: false,
            branches: 0,
            branch: 0,
            grip: Grip::default(),
            agreed: None,
            stopped_at: None,
            fork: None,
        }
    }

    /// Forgets everything: a new episode begins.
    pub fn clear(&mut self) {
        *self = Self::with_capacity(self.tree.capacity());
    }

    /// Samples that did not fit in memory and cannot be gone to.
    pub const fn forgotten(&self) -> u64 {
        self.tree.forgotten()
    }

    /// Branch the robot is on.
    pub fn branch(&self) -> u32 {
        match self.cursor.filter(|_| self.rewinding) {
            Some(cursor) => self.tree.before(cursor).map_or(self.branch, |(_, sample)| sample.branch),
            None => self.branch,
        }
    }

    /// The robot stands behind the line's tip: what is driven next begins a new branch.
    pub const fn is_rewound(&self) -> bool {
        self.cursor.is_some()
    }

    /// Way at which the robot stands.
    fn here(&self) -> f64 {
        self.cursor.or_else(|| self.tree.tip().map(|tip| tip.way)).unwrap_or(0.0)
    }

    /// Seconds of motion from the start to where the robot stands.
    pub fn motion(&self) -> f64 {
        self.tree.at(self.here()).map_or(0.0, |(_, motion)| motion)
    }

    /// Seconds of motion from the start to the line's tip.
    pub fn tip_motion(&self) -> f64 {
        self.tree.tip().map_or(0.0, |tip| tip.motion)
    }

    /// Seconds of motion that can be gone back from here.
    pub fn behind(&self) -> f64 {
        self.motion() - self.tree.first().map_or(0.0, |first| first.motion)
    }

    /// Seconds of motion that can be gone forward from here.
    pub fn ahead(&self) -> f64 {
        self.tip_motion() - self.motion()
    }

    /// The robot is at `point`, moved there by anyone but the rewinder. Behind the tip this begins a new branch.
    pub fn record(&mut self, point: PathPoint) {
        if self.rewinding {
            return;
        }
        let Some(tip) = self.tree.tip() else {
            self.grip = Grip::at_rest(point.gripper);
            self.tree.push(point, self.branch, false, 0.0);
            self.mark(Mark::Start);
            return;
        };
        let event = self.grip.note(point.gripper);
        let moved = match self.cursor.and_then(|cursor| self.tree.at(cursor)) {
            Some((place, _)) => distance(&place, &point.position),
            None => distance(&tip.point.position, &point.position),
        };
        if moved < SPACING && event.is_none() {
            return;
        }
        if let Some(cursor) = self.cursor.take() {
            self.tree.leave(cursor);
        }
        let last = self.tree.tip().map_or(point.at, |tip| tip.point.at);
        let seconds = point.at.since(last).min(MOTION).as_secs_f64();
        self.tree.push(point, self.branch, event.is_some(), seconds);
        self.stopped_at = None;
        self.checkpoints.forget_before(self.tree.forgotten());
        match event {
            Some(GripEvent::Closes) => self.mark(Mark::GripperCloses),
            Some(GripEvent::Opens) => self.mark(Mark::GripperOpens),
            None => None,
        };
    }

    /// Makes a checkpoint of where the robot stands. Returns its number; `None` before the first sample.
    pub fn mark(&mut self, mark: Mark) -> Option<u32> {
        let (sample, _) = self.tree.before(self.here())?;
        Some(self.checkpoints.add(mark, sample))
    }

    /// All checkpoints, oldest first.
    pub fn checkpoints(&self) -> impl Iterator<Item = Checkpoint> {
        let here = self.motion();
        self.checkpoints.iter().filter_map(move |(number, mark, sample)| {
            let sample = self.tree.sample(*sample)?;
            let seconds_back = here - sample.motion;
            Some(Checkpoint { number: *number, mark: *mark, tick: sample.point.tick, seconds_back })
        })
    }

    /// A rewind begins. Pressing again where it stopped at a gripper event agrees to cross it.
    pub fn begin_rewind(&mut self) {
        self.agreed = self.stopped_at.take();
        self.fork = None;
        self.cursor = self.tree.tip().map(|_| self.here());
        self.rewinding = true;
    }

    /// The rewind is over. A new branch begins unless the robot is back where it came from.
    pub fn end_rewind(&mut self) -> Option<Join> {
        if !std::mem::take(&mut self.rewinding) {
            return None;
        }
        let (cursor, tip) = (self.cursor?, self.tree.tip()?);
        if cursor >= tip.way - SAME {
            (self.cursor, self.branch) = (None, tip.branch);
            return None;
        }
        self.join()
    }

    /// Everything was put back as it was where the robot stands on the path, the gripper to this opening.
    pub fn restored(&mut self, gripper: f64) -> Option<Join> {
        self.grip = Grip::at_rest(gripper);
        self.stopped_at = None;
        let began = self.cursor.is_none();
        self.cursor = self.tree.before(self.here()).map(|(_, sample)| sample.way);
        // A branch on which nobody has driven yet begins at this place already.
        if began { self.join() } else { self.place().map(|place| Join { branch: self.branch, ..place }) }
    }

    fn join(&mut self) -> Option<Join> {
        let place = self.place()?;
        self.branches += 1;
        self.branch = self.branches;
        Some(Join { branch: self.branch, ..place })
    }

    /// The sample the robot stands at, or after, and its branch.
    pub fn place(&self) -> Option<Join> {
        let (_, sample) = self.tree.before(self.here())?;
        let (branch, point) = (sample.branch, &sample.point);
        Some(Join { branch, parent: branch, tick: point.tick, seq: point.seq })
    }

    /// Walks by `way` radians of the largest joint, back if it is negative: where to be now. Forward, it ends at the tip.
    ///
    /// # Errors
    /// [`PathEnd`] if the walk cannot go on from where it is.
    pub fn walk(&mut self, way: f64) -> Result<Vec<f64>, PathEnd> {
        let (cursor, first) = self.walking()?;
        if way < 0.0 && cursor <= first + SAME {
            return Err(PathEnd::Exhausted);
        }
        self.go(cursor, cursor + way)
    }

    /// Walks by at most `way` radians of the largest joint towards `aim`: where to be now.
    ///
    /// # Errors
    /// [`PathEnd`] if the walk cannot go on from where it is.
    pub fn walk_to(&mut self, aim: Aim, way: f64) -> Result<Vec<f64>, PathEnd> {
        let (cursor, first) = self.walking()?;
        let target = match aim {
            Aim::Motion(motion) => {
                let target = self.tree.way_at_motion(motion).ok_or(PathEnd::Unknown)?;
                let before_all = self.tree.first().is_some_and(|first| motion < first.motion - SAME);
                if before_all && cursor <= first + SAME {
                    return Err(PathEnd::Exhausted);
                }
                target
            }
            Aim::Checkpoint(number) => self.next_leg(number, cursor).ok_or(PathEnd::Unknown)?,
        };
        let left = target - cursor;
        if left.abs() <= SAME {
            return Err(PathEnd::Arrived);
        }
        self.go(cursor, cursor + left.clamp(-way.abs(), way.abs()))
    }

    /// Where to walk on the line for a checkpoint: to it, or, if it is on another branch, to where that leaves the line.
    fn next_leg(&mut self, number: u32, cursor: f64) -> Option<f64> {
        let sample = self.checkpoints.find(number)?;
        if self.tree.leads_through(sample) {
            return Some(self.tree.sample(sample)?.way);
        }
        let fork = match self.fork {
            Some((known, fork)) if known == sample => fork,
            Some(_) | None => self.tree.fork(sample)?,
        };
        self.fork = Some((sample, fork));
        if (cursor - fork).abs() > SAME {
            return Some(fork);
        }
        self.tree.follow(sample);
        self.fork = None;
        Some(self.tree.sample(sample)?.way)
    }

    /// Cursor and beginning of the line while a rewind is going on.
    fn walking(&self) -> Result<(f64, f64), PathEnd> {
        match (self.cursor.filter(|_| self.rewinding), self.tree.first()) {
            (Some(cursor), Some(first)) => Ok((cursor, first.way)),
            (None | Some(_), _) => Err(PathEnd::Exhausted),
        }
    }

    fn go(&mut self, cursor: f64, wanted: f64) -> Result<Vec<f64>, PathEnd> {
        let (first, tip) = (self.tree.first().map_or(0.0, |s| s.way), self.tree.tip().map_or(0.0, |s| s.way));
        let mut wanted = wanted.clamp(first, tip.max(first));
        if let Some((pause, event)) = self.tree.event_between(cursor, wanted, self.agreed) {
            if (pause - cursor).abs() <= SAME {
                self.stopped_at = Some(event);
                return Err(PathEnd::AtGripper);
            }
            wanted = pause;
        }
        self.cursor = Some(wanted);
        self.tree.at(wanted).map(|(position, _)| position).ok_or(PathEnd::Unknown)
    }
}
