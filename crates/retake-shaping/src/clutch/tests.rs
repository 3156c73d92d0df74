use nalgebra::{Quaternion, Vector3};
use proptest::prelude::*;

use super::*;

mod engaging;

const CONFIG: ClutchConfig = ClutchConfig {
    filter: OneEuroConfig { min_cutoff: 1.5, beta_linear: 15.0, beta_angular: 3.0, speed_cutoff: 1.0 },
    freeze: Duration::from_millis(100),
    let_go: Duration::from_millis(300),
    leap_linear: 2.0,
    leap_angular: 10.0,
    leap_words: 30,
};
const PERIOD: u64 = 20;

/// A hand, the tool it moves, and the time.
struct Bench {
    clutch: PoseClutch,
    home: Isometry3<f64>,
    at: u64,
    frame: HandFrame,
}

fn home() -> Isometry3<f64> {
    Isometry3::new(Vector3::new(0.5, 0.1, 0.3), Vector3::new(3.0, 0.2, -0.4))
}

impl Bench {
    fn new() -> Self {
        let frame = HandFrame {
            tracked: true,
            position: [0.0; 3],
            rotation: [0.0, 0.0, 0.0, 1.0],
            held: false,
            recentres: 0,
            in_tool_frame: false,
            scale: 1.0,
        };
        Self { clutch: PoseClutch::new(CONFIG), home: home(), at: 1000, frame }
    }

    fn engaged() -> Self {
        let mut bench = Self::new();
        bench.says(1);
        bench.frame.held = true;
        bench.says(1);
        assert_eq!(bench.clutch.grip(), Grip::Engaged);
        bench
    }

    fn now(&self) -> MonoTime {
        MonoTime::from_nanos(self.at * 1_000_000)
    }

    /// The hand says the same so many times.
    fn says(&mut self, times: u32) {
        for _ in 0..times {
            self.at += PERIOD;
            self.clutch.hear(&self.frame, &self.home, self.now());
        }
    }

    fn says_once(&mut self, change: impl FnOnce(&mut HandFrame)) {
        let kept = self.frame;
        change(&mut self.frame);
        self.says(1);
        self.frame = kept;
    }

    /// Moves the hand there at a walking pace, and lets the filter arrive.
    fn moves(&mut self, to: [f64; 3], turn: Vector3<f64>) {
        let from = self.frame.position;
        for step in 1..=40 {
            let share = f64::from(step) / 40.0;
            self.frame.position = std::array::from_fn(|i| from[i] + share * (to[i] - from[i]));
            self.frame.rotation = UnitQuaternion::new(turn * share).coords.into();
            self.says(1);
        }
        self.says(100);
    }

    fn goal(&self) -> Isometry3<f64> {
        self.clutch.goal().unwrap()
    }

    fn barred(&self, doubt: Doubt) {
        assert_eq!((self.clutch.grip(), self.clutch.goal()), (Grip::Barred(doubt), None));
    }
}

fn close(a: Vector3<f64>, b: Vector3<f64>, what: &str) {
    assert!((a - b).norm() < 1e-5, "{what}: {a:?} is not {b:?}");
}

#[test]
fn engaging_is_the_home_pose_to_the_bit() {
    assert_eq!(Bench::engaged().goal(), home());
}

#[test]
fn a_clutch_that_is_down_at_first_sight_does_not_count() {
    let mut bench = Bench::new();
    bench.frame.held = true;
    bench.says(50);
    bench.barred(Doubt::Unseen);
}

#[test]
fn ten_centimetres_of_the_hand_are_ten_of_the_tool() {
    for axis in 0..3 {
        let mut bench = Bench::engaged();
        let mut to = [0.0; 3];
        to[axis] = 0.1;
        bench.moves(to, Vector3::zeros());
        close(bench.goal().translation.vector - home().translation.vector, Vector3::from(to), "way");
        assert!(bench.goal().rotation.angle_to(&home().rotation) < 1e-9);
    }
}

#[test]
fn turns_are_about_the_base_axes_and_move_nothing() {
    for axis in [Vector3::x(), Vector3::y(), Vector3::z()] {
        let mut bench = Bench::engaged();
        bench.moves([0.0; 3], axis * 0.5);
        let turned = bench.goal().rotation * home().rotation.inverse();
        close(turned.scaled_axis(), axis * 0.5, "turn");
        close(bench.goal().translation.vector, home().translation.vector, "place");
    }
}

#[test]
fn in_the_tools_frame_the_same_hand_moves_along_the_tools_axes() {
    for axis in [Vector3::x(), Vector3::y(), Vector3::z()] {
        let mut bench = Bench::new();
        bench.frame.in_tool_frame = true;
        // The hand is held at an angle: what counts is how it moves in its own axes.
        bench.frame.rotation = UnitQuaternion::new(Vector3::new(0.3, -0.2, 0.9)).coords.into();
        let own = UnitQuaternion::new(Vector3::new(0.3, -0.2, 0.9));
        bench.says(1);
        bench.frame.held = true;
        bench.says(1);
        let to = own * (axis * 0.1);
        for step in 1..=20 {
            bench.frame.position = (to * f64::from(step) / 20.0).into();
            bench.says(1);
        }
        bench.says(100);
        let moved = bench.goal().translation.vector - home().translation.vector;
        close(moved, home().rotation * (axis * 0.1), "way");
        for step in 1..=20 {
            let turn = own * UnitQuaternion::new(axis * 0.4 * f64::from(step) / 20.0);
            bench.frame.rotation = turn.coords.into();
            bench.says(1);
        }
        bench.says(100);
        let turned = home().rotation.inverse() * bench.goal().rotation;
        close(turned.scaled_axis(), axis * 0.4, "turn");
    }
}

#[test]
fn the_scale_shrinks_ways_and_no_turns() {
    let mut bench = Bench::new();
    bench.frame.scale = 0.3;
    bench.says(1);
    bench.frame.held = true;
    bench.says(1);
    bench.moves([0.2, 0.0, 0.0], Vector3::z() * 0.5);
    close(bench.goal().translation.vector - home().translation.vector, Vector3::x() * 0.06, "way");
    let turned = bench.goal().rotation * home().rotation.inverse();
    close(turned.scaled_axis(), Vector3::z() * 0.5, "turn");
}

#[test]
fn changing_scale_or_frame_steps_nothing_and_counts_from_there() {
    let mut bench = Bench::engaged();
    bench.moves([0.1, 0.0, 0.0], Vector3::zeros());
    let before = bench.goal();
    (bench.frame.scale, bench.frame.in_tool_frame) = (0.3, true);
    bench.says(1);
    close(bench.goal().translation.vector, before.translation.vector, "no step");
    bench.moves([0.2, 0.0, 0.0], Vector3::zeros());
    let along = home().rotation * Vector3::x() * 0.03;
    close(bench.goal().translation.vector - before.translation.vector, along, "slow, along the tool");
}

#[test]
fn a_hand_that_stops_and_engages_does_not_creep() {
    let mut bench = Bench::new();
    for step in 0..20 {
        bench.frame.position[0] = 0.02 * f64::from(step);
        bench.says(1);
    }
    bench.frame.held = true;
    for _ in 0..50 {
        bench.says(1);
        close(bench.goal().translation.vector, home().translation.vector, "creeps");
    }
}

#[test]
fn each_doubt_lets_go_until_the_next_press() {
    type Spoil = (Doubt, fn(&mut HandFrame));
    let spoil: [Spoil; 6] = [
        (Doubt::Untracked, |f| f.tracked = false),
        (Doubt::NotAPose, |f| f.position[1] = f64::NAN),
        (Doubt::NotAPose, |f| f.rotation = [0.0; 4]),
        (Doubt::NotAPose, |f| f.scale = 0.0),
        (Doubt::NotAPose, |f| f.scale = f64::NAN),
        (Doubt::Recentred, |f| f.recentres += 1),
    ];
    for (doubt, spoil) in spoil {
        let mut bench = Bench::engaged();
        bench.says_once(spoil);
        bench.barred(doubt);
        bench.says(10);
        assert!(matches!(bench.clutch.grip(), Grip::Barred(_)), "still squeezed");
        bench.frame.held = false;
        bench.says(1);
        bench.frame.held = true;
        // Far away: the hand may begin anywhere.
        bench.frame.position = [0.6, -0.3, 0.2];
        bench.says(1);
        assert_eq!((bench.clutch.grip(), bench.goal()), (Grip::Engaged, home()), "{doubt:?}");
    }
}

#[test]
fn a_press_on_a_hand_that_is_not_there_needs_another() {
    let mut bench = Bench::new();
    bench.says(1);
    bench.frame.held = true;
    bench.says_once(|frame| frame.tracked = false);
    bench.says(10);
    bench.barred(Doubt::Untracked);
}

#[test]
fn a_pause_freezes_and_a_long_one_lets_go() {
    let mut bench = Bench::engaged();
    bench.at += 90;
    bench.clutch.elapsed(bench.now());
    assert!(!bench.clutch.frozen(bench.now()));
    bench.at += 110;
    bench.clutch.elapsed(bench.now());
    assert!(bench.clutch.frozen(bench.now()));
    assert_eq!((bench.clutch.grip(), bench.goal()), (Grip::Engaged, home()));
    bench.says(1);
    assert!(!bench.clutch.frozen(bench.now()));
    bench.at += 301;
    bench.clutch.elapsed(bench.now());
    bench.barred(Doubt::Stalled);
    bench.says(1);
    bench.barred(Doubt::Stalled);
}

#[test]
fn a_word_after_a_long_pause_does_not_count_even_if_nobody_looked() {
    let mut bench = Bench::engaged();
    bench.at += 400;
    bench.says(1);
    bench.barred(Doubt::Stalled);
}

#[test]
fn one_bad_word_moves_nothing_and_a_new_place_lets_go() {
    let mut bench = Bench::engaged();
    // 73 cm in one word, as seen on a headset whose controller came back from behind something.
    bench.says_once(|frame| frame.position[0] = 0.73);
    assert_eq!(bench.goal(), home());
    bench.says(5);
    assert_eq!(bench.clutch.grip(), Grip::Engaged);
    bench.frame.position[0] = 0.73;
    bench.says(30);
    assert_eq!((bench.clutch.grip(), bench.goal()), (Grip::Engaged, home()), "waited for");
    bench.says(1);
    bench.barred(Doubt::Leapt);
}

#[test]
fn turning_faster_than_a_hand_can_is_a_leap_too() {
    let mut bench = Bench::engaged();
    bench.frame.rotation = UnitQuaternion::new(Vector3::z() * 1.5).coords.into();
    bench.says(31);
    bench.barred(Doubt::Leapt);
}

#[test]
fn a_thousand_engagements_drift_nothing() {
    let mut bench = Bench::new();
    for turn in 0..1000 {
        bench.frame.held = false;
        bench.frame.position = [0.01 * f64::from(turn % 7), 0.02, -0.01 * f64::from(turn % 3)];
        bench.says(2);
        bench.frame.held = true;
        bench.says(2);
        // The tool goes where the clutch wants it.
        bench.home = bench.goal();
    }
    close(bench.home.translation.vector, home().translation.vector, "place");
    assert!(bench.home.rotation.angle_to(&home().rotation) < 1e-9);
    assert!((bench.home.rotation.norm() - 1.0).abs() < 1e-12);
}

fn words() -> impl Strategy<Value = Vec<(HandFrame, u64)>> {
    let position =
        prop::array::uniform3(prop_oneof![20 => -0.5f64..0.5, 1 => Just(f64::NAN), 1 => Just(1e12)]);
    let rotation =
        prop::array::uniform4(prop_oneof![20 => -1.0f64..1.0, 1 => Just(f64::NAN), 1 => Just(0.0)]);
    let word = (position, rotation, any::<(bool, bool, bool)>(), 0u8..20, 0u32..3, 0u64..400).prop_map(
        |(position, rotation, (tracked, held, tool), unit, recentres, wait)| {
            let q = Quaternion::from(nalgebra::Vector4::from(rotation));
            let rotation = if unit > 0 && q.norm() > 0.1 { (q / q.norm()).coords.into() } else { rotation };
            let frame = HandFrame {
                tracked,
                position,
                rotation,
                held,
                recentres: recentres / 2,
                in_tool_frame: tool,
                scale: if unit % 2 == 0 { 1.0 } else { 0.3 },
            };
            (frame, wait)
        },
    );
    proptest::collection::vec(word, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_a_hand_says_the_goal_is_a_pose_and_begins_at_home(words in words()) {
        let mut bench = Bench::new();
        let (mut released, mut recentres) = (false, None);
        for (frame, wait) in words {
            bench.at += wait;
            let before = bench.clutch.clone();
            bench.clutch.hear(&frame, &bench.home, bench.now());
            let grip = bench.clutch.grip();
            prop_assert_eq!(grip == Grip::Engaged, bench.clutch.goal().is_some());
            if let Some(goal) = bench.clutch.goal() {
                prop_assert!(goal.translation.vector.iter().chain(goal.rotation.coords.iter()).all(|v| v.is_finite()));
                prop_assert!((goal.rotation.norm() - 1.0).abs() < 1e-9);
                prop_assert!(frame.held && frame.tracked && frame.pose().is_some() && recentres.is_none_or(|r| r == frame.recentres));
                prop_assert!(wait <= 300 || before.grip() == Grip::Open);
                if before.grip() == Grip::Engaged {
                    // One word moves the goal by no more than a believable hand moves.
                    let way = (goal.translation.vector - before.goal().unwrap().translation.vector).norm();
                    prop_assert!(way < 0.3, "{} m in one word", way);
                } else {
                    prop_assert_eq!(goal, bench.home);
                    prop_assert!(released, "it engaged without a press");
                }
            }
            released = !frame.held;
            recentres = Some(frame.recentres);
        }
    }
}
