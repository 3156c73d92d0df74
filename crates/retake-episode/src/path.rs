//! The measured way of one episode, and going back along it.

/// Where the robot was.
#[derive(Clone, Debug, PartialEq)]
pub struct PathPoint {
    /// Measured positions of the group that is rewound, radians.
    pub position: Vec<f64>,
    /// Commanded gripper opening, metres: what tells a gripper event from the jaws' own motion.
    pub gripper: f64,
}

/// Why the walk back cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathEnd {
    /// The path's beginning is reached.
    Exhausted,
    /// The gripper opened or closed here; going on needs the operator's word.
    AtGripper,
}

/// Samples closer than this to the last one, in the largest joint, are not kept: standing still is not part of the way.
const SPACING: f64 = 2e-3;
/// A commanded opening this far from where it last rested is a gripper event, metres.
const GRIPPER_EVENT: f64 = 4e-3;
/// An opening that changes by less than this from one point to the next has come to rest, metres.
const GRIPPER_REST: f64 = 1e-4;
/// Bound on memory: at this spacing more way than any episode has. The oldest is forgotten first, and counted.
const CAPACITY: usize = 65_536;

#[derive(Clone, Debug)]
struct Sample {
    point: PathPoint,
    /// Gripper events before it.
    grip: u64,
    /// Way from the beginning to here, radians of the largest joint.
    way: f64,
}

/// Counts gripper events: each time the opening leaves where it rested is one, however long it moves and however slowly,
/// and whether or not the arm moves with it.
#[derive(Clone, Copy, Debug, Default)]
struct Grip {
    events: u64,
    rested: f64,
    last: f64,
    moving: bool,
}

impl Grip {
    const fn at_rest(opening: f64) -> Self {
        Self { events: 0, rested: opening, last: opening, moving: false }
    }

    fn note(&mut self, opening: f64) {
        if self.moving {
            (self.rested, self.moving) = (opening, (opening - self.last).abs() > GRIPPER_REST);
        } else if (opening - self.rested).abs() > GRIPPER_EVENT {
            (self.rested, self.moving) = (opening, true);
            self.events += 1;
        }
        self.last = opening;
    }
}

/// The way an episode has gone so far, as a walk that can be taken back.
#[derive(Clone, Debug, Default)]
pub struct Path {
    samples: std::collections::VecDeque<Sample>,
    forgotten: u64,
    /// Way at which the rewind stands, while there is one.
    cursor: Option<f64>,
    grip: Grip,
    /// Gripper event the operator has agreed to cross.
    agreed: Option<u64>,
    /// Where the last rewind stopped at which gripper event.
    stopped_at: Option<(f64, u64)>,
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

impl Path {
    /// Forgets everything: a new episode begins.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Samples that did not fit in memory and cannot be rewound to.
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Way that can be rewound from here, radians of the largest joint.
    pub fn remaining(&self) -> f64 {
        let end = self.cursor.or_else(|| self.samples.back().map(|sample| sample.way)).unwrap_or(0.0);
        end - self.samples.front().map_or(0.0, |sample| sample.way)
    }

    /// The robot is at `point`, moved there by anyone but the rewinder.
    pub fn record(&mut self, point: PathPoint) {
        self.end_rewind();
        let Some(last) = self.samples.back() else {
            self.grip = Grip::at_rest(point.gripper);
            self.samples.push_back(Sample { point, grip: 0, way: 0.0 });
            return;
        };
        self.grip.note(point.gripper);
        let grip = self.grip.events;
        let moved = distance(&last.point.position, &point.position);
        let gripped = last.grip != grip;
        if moved < SPACING && !gripped {
            return;
        }
        let way = last.way + moved.max(f64::EPSILON);
        if self.samples.len() == CAPACITY {
            self.samples.pop_front();
            self.forgotten += 1;
        }
        self.samples.push_back(Sample { point, grip, way });
    }

    /// A rewind begins. Pressing again where it stopped at a gripper event agrees to cross it.
    pub fn begin_rewind(&mut self) {
        let end = self.samples.back().map(|sample| sample.way);
        let stopped = self.stopped_at.take();
        let still_there = stopped.filter(|(at, _)| end.is_some_and(|end| (end - at).abs() < SPACING * 4.0));
        self.agreed = still_there.map(|(_, event)| event);
        self.cursor = end;
    }

    /// The rewind is over: what was rewound is no longer part of the way ahead.
    pub fn end_rewind(&mut self) {
        let Some(cursor) = self.cursor.take() else { return };
        while self.samples.len() > 1 && self.samples.back().is_some_and(|sample| sample.way > cursor) {
            self.samples.pop_back();
        }
        // The gripper kept its state on the way back, with the operator's word: that it differs from then is no new event.
        self.grip.events = self.samples.back().map_or(0, |sample| sample.grip);
    }

    /// Walks back by `way` radians of the largest joint: where to be now.
    ///
    /// # Errors
    /// [`PathEnd`] if the walk cannot go on from where it is.
    pub fn walk_back(&mut self, way: f64) -> Result<Vec<f64>, PathEnd> {
        let (Some(cursor), Some(first)) = (self.cursor, self.samples.front()) else {
            return Err(PathEnd::Exhausted);
        };
        let mut wanted = (cursor - way).max(first.way);
        if let Some((event, number)) = self.gripper_event_between(wanted, cursor) {
            if wanted < cursor && event >= cursor - 1e-12 {
                self.stopped_at = Some((cursor, number));
                return Err(PathEnd::AtGripper);
            }
            wanted = wanted.max(event);
        }
        if wanted >= cursor && cursor <= first.way {
            return Err(PathEnd::Exhausted);
        }
        self.cursor = Some(wanted);
        Ok(self.at(wanted))
    }

    /// The latest gripper event on the way from `from` up to `to` that the operator has not agreed to cross: its way and
    /// number.
    fn gripper_event_between(&self, from: f64, to: f64) -> Option<(f64, u64)> {
        let mut later: Option<&Sample> = None;
        for sample in self.samples.iter().rev() {
            if let Some(later) = later
                && later.way <= to + 1e-12
                && later.grip != sample.grip
                && self.agreed != Some(later.grip)
            {
                return (later.way > from).then_some((later.way, later.grip));
            }
            if sample.way < from {
                return None;
            }
            later = Some(sample);
        }
        None
    }

    /// Position at a way, between the samples around it.
    fn at(&self, way: f64) -> Vec<f64> {
        let after = self.samples.partition_point(|sample| sample.way < way);
        let after_sample = self.samples.get(after).or_else(|| self.samples.back());
        let before_sample = self.samples.get(after.saturating_sub(1));
        match (before_sample, after_sample) {
            (Some(before), Some(after)) if after.way > before.way => {
                let share = ((way - before.way) / (after.way - before.way)).clamp(0.0, 1.0);
                let between = before.point.position.iter().zip(&after.point.position);
                between.map(|(a, b)| a + share * (b - a)).collect()
            }
            (_, Some(sample)) | (Some(sample), None) => sample.point.position.clone(),
            (None, None) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(q: f64, gripper: f64) -> PathPoint {
        PathPoint { position: vec![q, -q], gripper }
    }

    fn line(to: f64) -> Path {
        let mut path = Path::default();
        (0..=100).for_each(|i| path.record(point(to * f64::from(i) / 100.0, 0.08)));
        path
    }

    #[test]
    fn the_walk_back_ends_at_the_beginning() {
        let mut path = line(1.0);
        path.begin_rewind();
        let mut last = 1.0;
        for _ in 0..1000 {
            match path.walk_back(0.03) {
                Ok(position) => {
                    assert!(
                        position[0] < last && last - position[0] <= 0.03 + 1e-9,
                        "{position:?} after {last}"
                    );
                    last = position[0];
                }
                Err(end) => {
                    assert_eq!((end, last), (PathEnd::Exhausted, 0.0));
                    return;
                }
            }
        }
        panic!("no end");
    }

    #[test]
    fn standing_still_is_not_part_of_the_way() {
        let mut path = line(0.5);
        let before = path.remaining();
        (0..1000).for_each(|_| path.record(point(0.5, 0.08)));
        assert_eq!(path.remaining(), before);
    }

    #[test]
    fn what_was_rewound_is_not_walked_twice() {
        let mut path = line(1.0);
        path.begin_rewind();
        path.walk_back(0.4).unwrap();
        path.end_rewind();
        assert!((path.remaining() - 0.6).abs() < 0.011, "{}", path.remaining());
        path.record(point(0.7, 0.08));
        path.begin_rewind();
        assert!(path.walk_back(0.05).unwrap()[0] < 0.7);
    }

    #[test]
    fn a_gripper_event_stops_the_walk_until_it_is_pressed_again() {
        let mut path = line(0.5);
        path.record(point(0.5, 0.0));
        (51..=100).for_each(|i| path.record(point(f64::from(i) / 100.0, 0.0)));
        path.begin_rewind();
        let mut last = 1.0;
        let end = loop {
            match path.walk_back(0.05) {
                Ok(position) => last = position[0],
                Err(end) => break end,
            }
        };
        assert_eq!(end, PathEnd::AtGripper);
        assert!((last - 0.5).abs() < 0.02, "stopped at {last}");
        path.end_rewind();
        path.begin_rewind();
        assert!(path.walk_back(0.05).unwrap()[0] < 0.5, "pressed again, it goes on");
    }

    /// Opens from 0.08 m to nothing by `step` metres a point, while the arm moves by `moved` a point; how often the walk
    /// back stops for the operator's word.
    fn pauses(step: f64, moved: f64) -> usize {
        let mut path = line(0.5);
        let (mut q, mut gripper) = (0.5, 0.08);
        while gripper > 0.0 {
            (q, gripper) = (q + moved, f64::max(gripper - step, 0.0));
            path.record(point(q, gripper));
        }
        (1..=50).for_each(|i| path.record(point(q + f64::from(i) / 100.0, 0.0)));
        let mut pauses = 0;
        loop {
            path.begin_rewind();
            let end = loop {
                if let Err(end) = path.walk_back(0.01) {
                    break end;
                }
            };
            path.end_rewind();
            // It stays where it stopped, with the gripper as it was.
            let stopped = path.samples.back().unwrap().point.position.clone();
            path.record(PathPoint { position: stopped, gripper: 0.0 });
            match end {
                PathEnd::Exhausted => return pauses,
                PathEnd::AtGripper => pauses += 1,
            }
            assert!(pauses < 10);
        }
    }

    #[test]
    fn one_closing_of_the_gripper_is_one_event_however_it_was_done() {
        for (step, moved) in
            [(0.08, 0.0), (0.006, 0.0), (0.006, 0.01), (0.001, 0.0), (0.001, 0.01), (0.003, 0.02)]
        {
            assert_eq!(pauses(step, moved), 1, "{step} m a point, {moved} rad a point");
        }
    }

    #[test]
    fn an_empty_path_is_exhausted() {
        let mut path = Path::default();
        path.begin_rewind();
        assert_eq!(path.walk_back(0.1), Err(PathEnd::Exhausted));
    }

    proptest! {
        #[test]
        fn every_step_back_is_bounded(way in proptest::collection::vec(-0.2f64..0.2, 1..200), step in 0.001f64..0.2) {
            let mut path = Path::default();
            let mut q = 0.0;
            for delta in way { q += delta; path.record(point(q, 0.08)); }
            path.begin_rewind();
            let mut last: Option<f64> = None;
            for _ in 0..100_000 {
                let Ok(position) = path.walk_back(step) else { return Ok(()) };
                if let Some(last) = last { prop_assert!((position[0] - last).abs() <= step + 1e-9); }
                last = Some(position[0]);
            }
            prop_assert!(false, "no end");
        }
    }
}
