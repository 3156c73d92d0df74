//! A tracked hand through squeeze, clutch, inverse kinematics and limit chain, whatever happens to it.

use std::time::Duration;

use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use retake_units::MonoTime;

use super::{
    balls::{cluttered, depth},
    *,
};
use crate::{ClutchConfig, Grip, HandFrame, OneEuroConfig, PoseClutch, Squeeze, ToolSpeeds};

const CLUTCH: ClutchConfig = ClutchConfig {
    filter: OneEuroConfig { min_cutoff: 1.5, beta_linear: 15.0, beta_angular: 3.0, speed_cutoff: 1.0 },
    freeze: Duration::from_millis(100),
    let_go: Duration::from_millis(300),
    leap_linear: 2.0,
    leap_angular: 10.0,
    leap_words: 30,
};
const SPEEDS: ToolSpeeds = ToolSpeeds { linear: 0.5, angular: 2.5 };

/// An operator's hand and the arm it drives.
struct Rig {
    chain: Chain,
    shaper: Shaper,
    clutch: PoseClutch,
    squeeze: Squeeze,
    teleop: Option<Teleop>,
    at: u64,
    hand: Isometry3<f64>,
    frame: HandFrame,
    grip: f64,
}

impl Rig {
    fn new(shaper: Shaper) -> Self {
        let frame = HandFrame {
            tracked: true,
            position: [0.0; 3],
            rotation: [0.0, 0.0, 0.0, 1.0],
            held: false,
            recentres: 0,
            in_tool_frame: false,
            scale: 1.0,
        };
        Self {
            chain: chain(),
            shaper,
            clutch: PoseClutch::new(CLUTCH),
            squeeze: Squeeze::default(),
            teleop: None,
            at: 1000,
            hand: Isometry3::identity(),
            frame,
            grip: 0.0,
        }
    }

    fn tool(&self) -> Isometry3<f64> {
        self.chain.forward(&self.shaper.position())
    }

    /// One period: the hand speaks unless it stalls, and the arm moves.
    fn tick(&mut self, silent: bool) -> Clamps {
        self.at += 20;
        let now = MonoTime::from_nanos(self.at * 1_000_000);
        if !silent {
            self.frame.held = self.squeeze.read(self.grip);
            self.frame.position = self.hand.translation.vector.into();
            self.frame.rotation = self.hand.rotation.coords.into();
            let home = self.tool();
            self.clutch.hear(&self.frame, &home, now);
        }
        self.clutch.elapsed(now);
        let command = self.shaper.position();
        let Some(goal) = self.clutch.goal() else {
            self.teleop = None;
            return self.shaper.step(&Wish::Rest);
        };
        let teleop = self.teleop.get_or_insert_with(|| Teleop::engage(&command));
        let position = teleop.reach(&self.chain, (&goal, &SPEEDS), &HOME, &command, DT);
        let clamps = self.shaper.step(&follow(position));
        teleop.carry_on_from(self.shaper.limited());
        clamps
    }

    fn ticks(&mut self, count: usize) {
        for _ in 0..count {
            self.tick(false);
        }
    }
}

#[test]
fn the_tool_goes_where_the_hand_goes() {
    for axis in [Vector3::x(), Vector3::y(), Vector3::z()] {
        let mut rig = Rig::new(shaper());
        rig.ticks(2);
        rig.grip = 1.0;
        rig.ticks(2);
        let home = rig.tool();
        for _ in 0..50 {
            rig.hand.translation.vector += axis * 0.002;
            rig.hand.rotation = UnitQuaternion::new(axis * 0.006) * rig.hand.rotation;
            rig.tick(false);
        }
        rig.ticks(100);
        let moved = rig.tool().translation.vector - home.translation.vector;
        let turned = (rig.tool().rotation * home.rotation.inverse()).scaled_axis();
        assert!((moved - axis * 0.1).norm() < 1e-3, "{moved:?}");
        assert!((turned - axis * 0.3).norm() < 3e-3, "{turned:?}");
    }
}

#[test]
fn engaging_a_thousand_times_moves_nothing() {
    let mut rig = Rig::new(shaper());
    for turn in 0..1000 {
        rig.grip = 0.0;
        let far = f64::from(turn % 13) * 0.05;
        rig.hand = Isometry3::new(Vector3::new(far, -far, 0.3), Vector3::new(far, 0.0, 0.4));
        rig.ticks(2);
        rig.grip = 1.0;
        rig.ticks(3);
        assert_eq!(rig.clutch.grip(), Grip::Engaged);
    }
    let drift = rig.shaper.position().iter().zip(HOME).map(|(q, home)| (q - home).abs()).fold(0.0, f64::max);
    assert!(drift < 1e-9, "{drift} rad");
}

/// What happens to a hand.
#[derive(Clone, Debug)]
enum Fate {
    /// It moves and turns with these speeds, m/s and rad/s.
    Move([f64; 3], [f64; 3]),
    /// It is elsewhere all of a sudden.
    Teleport([f64; 3], [f64; 3]),
    Squeeze(f64),
    Lost(bool),
    Recentred,
    Stalled,
    Scale(f64),
    Frame(bool),
    Nonsense,
    /// The driver put the arm elsewhere, and everything begins anew there.
    Reset([f64; 7]),
}

fn fates() -> impl Strategy<Value = Vec<(Fate, usize)>> {
    let vector = |size: f64| prop::array::uniform3(-size..size);
    let fate = prop_oneof![
        8 => (vector(0.8), vector(3.0)).prop_map(|(way, turn)| Fate::Move(way, turn)),
        2 => (vector(1.0), vector(3.0)).prop_map(|(way, turn)| Fate::Teleport(way, turn)),
        6 => prop_oneof![Just(0.0), Just(1.0), 0.0f64..1.0].prop_map(Fate::Squeeze),
        1 => any::<bool>().prop_map(Fate::Lost),
        1 => Just(Fate::Recentred),
        1 => Just(Fate::Stalled),
        1 => prop_oneof![Just(1.0), Just(0.3), 0.1f64..2.0].prop_map(Fate::Scale),
        1 => any::<bool>().prop_map(Fate::Frame),
        1 => Just(Fate::Nonsense),
        1 => prop::array::uniform7(-0.1f64..0.1).prop_map(Fate::Reset),
    ];
    proptest::collection::vec((fate, 1usize..40), 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_happens_to_a_hand_the_command_stays_within_every_limit(fates in fates()) {
        let mut rig = Rig::new(cluttered());
        let limits = limits(&rig.chain);
        // Squeezed from the start in most runs, so that most of what follows happens to an engaged hand.
        rig.ticks(2);
        rig.grip = 1.0;
        for (fate, ticks) in fates {
            let (mut way, mut turn, mut silent) = (Vector3::zeros(), Vector3::zeros(), false);
            let mut spoilt = false;
            match fate {
                Fate::Move(w, t) => (way, turn) = (Vector3::from(w), Vector3::from(t)),
                Fate::Teleport(to, t) => rig.hand = Isometry3::new(Vector3::from(to), Vector3::from(t)),
                Fate::Squeeze(grip) => rig.grip = grip,
                Fate::Lost(lost) => rig.frame.tracked = !lost,
                Fate::Recentred => {
                    rig.frame.recentres += 1;
                    rig.hand = Isometry3::identity();
                }
                Fate::Stalled => silent = true,
                Fate::Scale(scale) => rig.frame.scale = scale,
                Fate::Frame(tool) => rig.frame.in_tool_frame = tool,
                Fate::Nonsense => spoilt = true,
                Fate::Reset(offset) => {
                    let start: Vec<f64> = HOME.iter().zip(offset).map(|(home, offset)| home + offset).collect();
                    // As the arbiter does: after a reset nobody drives until they press again.
                    rig.shaper.rest_at(&start);
                    (rig.clutch, rig.teleop) = (PoseClutch::new(CLUTCH), None);
                }
            }
            for _ in 0..ticks {
                rig.hand.translation.vector += way * DT;
                rig.hand.rotation = UnitQuaternion::new(turn * DT) * rig.hand.rotation;
                let kept = rig.frame;
                if spoilt {
                    rig.frame.scale = f64::NAN;
                }
                let before: Vec<Motion> = rig.shaper.motion().collect();
                let (grip, stood) = (rig.clutch.grip(), rig.shaper.at_rest());
                rig.tick(silent);
                rig.frame.scale = kept.scale;
                within_limits(&before, &rig.shaper, &limits)?;
                if stood && grip != Grip::Engaged {
                    let moved = before.iter().zip(rig.shaper.motion()).map(|(a, b)| (a.position - b.position).abs());
                    prop_assert!(moved.fold(0.0, f64::max) < 1e-12, "engaging moved the arm");
                }
                let tip = rig.tool().translation.vector.into();
                prop_assert!(WALLS.excess(&tip) <= 0.006, "{} m outside", WALLS.excess(&tip));
                let deep = depth(&rig.shaper);
                prop_assert!(deep <= 0.006, "{} m inside a ball", deep);
            }
        }
    }
}
