//! Random driving, gripping and going back: the tree beside the slow model, step by step.

use proptest::prelude::*;

use super::{model::Model, tests::point, *};

#[derive(Clone, Copy, Debug)]
enum Op {
    Drive(f64, f64, u8),
    Grip,
    Scrub(f64, u8),
    GoTo(u8),
    Press,
    Release,
    Mark,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => (-0.02..0.02, -0.02..0.02, 1u8..12).prop_map(|(a, b, n)| Op::Drive(a, b, n)),
        1 => Just(Op::Grip),
        5 => (-0.02..0.02, 1u8..12).prop_map(|(way, n)| Op::Scrub(way, n)),
        2 => (0u8..8).prop_map(Op::GoTo),
        3 => Just(Op::Press),
        2 => Just(Op::Release),
        1 => Just(Op::Mark),
    ];
    proptest::collection::vec(op, 1..60)
}

/// The path, the model, and a robot that goes wherever it is told.
struct Pair {
    path: Path,
    model: Model,
    robot: Vec<f64>,
    gripper: f64,
    millis: u64,
    pressed: bool,
}

impl Pair {
    fn new() -> Self {
        Self {
            path: Path::default(),
            model: Model::default(),
            robot: vec![0.0, 0.0],
            gripper: 0.08,
            millis: 0,
            pressed: false,
        }
    }

    fn record(&mut self, event: bool) {
        self.millis += 20;
        let base = point(0.0, self.gripper, self.millis);
        self.path.record(PathPoint { position: self.robot.clone(), ..base });
        self.model.record(&self.robot, event, self.millis);
    }

    /// One step of either walker: the same outcome, and no further than it may.
    fn step(&mut self, outcomes: (Result<Vec<f64>, PathEnd>, Result<(), PathEnd>), step: f64) -> bool {
        let (ours, theirs) = outcomes;
        assert_eq!(ours.as_ref().err(), theirs.as_ref().err());
        let Ok(position) = ours else { return false };
        // Where a rewind begins the robot may be a spacing away from the last sample.
        let moved = distance(&position, &self.robot);
        assert!(moved <= step.abs() + SPACING + 1e-9, "{moved} in a step of {step}");
        self.robot = position;
        true
    }

    fn release(&mut self) {
        if std::mem::take(&mut self.pressed) {
            let branches = self.path.branches;
            let join = self.path.end_rewind().map(|join| join.branch);
            assert_eq!(join, self.model.end(branches));
        }
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Drive(a, b, times) => {
                self.release();
                for _ in 0..times {
                    (self.robot[0], self.robot[1]) = (self.robot[0] + a, self.robot[1] + b);
                    self.record(false);
                }
            }
            Op::Grip => {
                self.release();
                self.gripper = 0.08 - self.gripper;
                self.record(true);
                self.record(false);
            }
            Op::Press => {
                self.release();
                self.pressed = true;
                self.path.begin_rewind();
                self.model.begin();
            }
            Op::Release => self.release(),
            Op::Mark => {
                self.path.mark(Mark::Operator);
                self.model.mark();
            }
            Op::Scrub(way, times) => {
                for _ in 0..if self.pressed { times } else { 0 } {
                    let outcomes = (self.path.walk(way), self.model.walk(way));
                    if !self.step(outcomes, way) {
                        break;
                    }
                }
            }
            Op::GoTo(which) => {
                let which = usize::from(which) % self.model.marks.len();
                for _ in 0..if self.pressed { 1000 } else { 0 } {
                    let aim = Aim::Checkpoint(u32::try_from(which).unwrap() + 1);
                    let outcomes =
                        (self.path.walk_to(aim, 0.02), self.model.walk_to(self.model.marks[which], 0.02));
                    if !self.step(outcomes, 0.02) {
                        break;
                    }
                }
            }
        }
    }

    fn compare(&self) {
        let (ours, theirs) = (self.path.tree.at(self.path.here()).unwrap(), self.model.at(self.model.here()));
        assert!(distance(&ours.0, &theirs.0) < 1e-6, "{ours:?} {theirs:?}");
        let (motion, tip) = self.model.motion();
        assert!((self.path.motion() - motion).abs() < 1e-6, "{} {motion}", self.path.motion());
        assert!((self.path.tip_motion() - tip).abs() < 1e-6);
        assert_eq!(self.path.is_rewound(), self.model.cursor.is_some());
    }

    /// Every spot of every branch is still there, and a walk along its branch leads over it.
    fn nothing_is_lost(&mut self) {
        self.release();
        assert_eq!(self.path.forgotten(), 0);
        for way in &self.model.ways {
            let Some(last) = way.last() else { continue };
            self.path.tree.follow(last.id);
            let mut along = 0.0;
            for spot in way {
                along += spot.step.0;
                let (position, _) = self.path.tree.at(along).unwrap();
                assert!(distance(&position, &spot.q) < 1e-6, "{position:?} instead of {:?}", spot.q);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn the_tree_is_the_slow_model(ops in ops()) {
        let mut pair = Pair::new();
        pair.record(false);
        for op in ops {
            pair.run(op);
            pair.compare();
        }
        pair.nothing_is_lost();
    }

    #[test]
    fn back_and_forward_again_retraces_the_same_points(
        way in proptest::collection::vec(-0.2f64..0.2, 2..100), step in 0.001f64..0.05,
    ) {
        let mut path = Path::default();
        let mut q = 0.0;
        for (i, delta) in (0..).zip(way) { q += delta; path.record(point(q, 0.08, i * 20)); }
        path.begin_rewind();
        let mut trace = vec![path.walk(0.0).unwrap()];
        for _ in 0..200 { trace.extend(path.walk(-step)); }
        // The last step back may have been a shorter one.
        let turned = path.here();
        let mut forward = vec![trace.pop().unwrap()];
        for _ in 0..trace.len() { forward.push(path.walk(step).unwrap()); }
        for pair in trace.windows(2).chain(forward.windows(2)) {
            prop_assert!(distance(&pair[0], &pair[1]) <= step + 1e-9);
        }
        if turned > SAME {
            for (there, again) in trace.iter().rev().zip(&forward[1..]) {
                prop_assert!(distance(there, again) < 1e-6, "{there:?} {again:?}");
            }
        }
    }
}
