use std::{collections::BTreeMap, time::Duration};

use retake_authority::{Protocol, Supervision};
use retake_autonomy::AutonomyConfig;
use retake_episode::EpisodesConfig;
use retake_shaping::{ClutchConfig, Profile, Sector, TeleopConfig, ToolSpeeds};
use serde::{Deserialize, Serialize};

/// What the arm may touch while it is rewound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContactConfig {
    /// Larger contact forces than this end the rewind, newtons,
    pub force: f64,
    /// if they are also this much larger than the smallest since it began: what the robot rests on or carries does not count;
    pub rise: f64,
    /// and if they last this long: putting down what it carries, where it was picked up, is a knock.
    pub lasts: Duration,
}

/// How the robot goes back along its path.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewindConfig {
    /// Speed of the fastest joint, rad/s.
    pub speed: f64,
    /// Measured further than this from the command, the robot does not follow: the rewind is blocked. Radians.
    pub tracking_error: f64,
    /// What it may touch.
    pub contact: ContactConfig,
    /// A tap moves the robot for at most this long.
    pub tap_limit: Duration,
}

/// How a tracked hand drives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HandConfig {
    /// What its clutch believes.
    pub clutch: ClutchConfig,
    /// How fast the tool goes after the hand.
    pub speeds: ToolSpeeds,
    /// Metres of the tool per metre of the hand; precision and the operator's gain are multiplied onto it.
    pub scale: f64,
}

/// How operators want their devices to feel, within bounds that hold for all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Profiles {
    /// The bounds.
    pub sector: Sector,
    /// Of an operator who has none of their own.
    pub usual: Profile,
    /// By operator.
    pub own: BTreeMap<String, Profile>,
}

impl Profiles {
    /// The profile of `operator`.
    pub fn of(&self, operator: &str) -> &Profile {
        self.own.get(operator).unwrap_or(&self.usual)
    }
}

/// How much an operator may add to what the policy wants, per value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResidualConfig {
    /// For values of a group that moves the tool, radians.
    pub joint: f64,
    /// For scalars, metres.
    pub scalar: f64,
}

/// Everything the intervention node depends on. There is no default: the deployment says each of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArbiterConfig {
    /// An operator not heard for this long is lost.
    pub operator_timeout: Duration,
    /// A policy that proposed nothing valid for this long is stale.
    pub policy_timeout: Duration,
    /// A robot not heard for this long is lost.
    pub robot_timeout: Duration,
    /// An input that answers to a beacon older than this is stale.
    pub input_age: Duration,
    /// A proposal that answers to a beacon older than this is stale.
    pub proposal_age: Duration,
    /// Whether the policy may drive while no operator is heard.
    pub supervision: Supervision,
    /// What may follow what in an episode.
    pub protocol: Protocol,
    /// An idle operator loses the lease after this long to whoever has asked for it.
    pub idle_release: Duration,
    /// Operator speeds.
    pub teleop: TeleopConfig,
    /// Tracked hands.
    pub hand: HandConfig,
    /// Operators' profiles.
    pub profiles: Profiles,
    /// What an operator may add to the policy.
    pub residual: ResidualConfig,
    /// A policy that wants a joint to be further than this from its command is held instead of followed, radians.
    pub policy_far: f64,
    /// When the policy is slowed or held because help is needed.
    pub autonomy: AutonomyConfig,
    /// Share of its speed that a slowed policy has.
    pub slowed: f64,
    /// Going back.
    pub rewind: RewindConfig,
    /// Attempts.
    pub episodes: EpisodesConfig,
    /// Named states to begin episodes in; without any, the scene is the seed's.
    pub start_states: Vec<String>,
    /// Higher than any epoch used with this robot before.
    pub first_epoch: u64,
    /// Seed of this run's nonces: random in the field, fixed where runs are compared.
    pub nonce_seed: u64,
}

impl ArbiterConfig {
    /// The named state an episode of this seed begins in; empty for the seed's own scene. Consecutive seeds go through all of
    /// them in turn.
    pub(crate) fn start_state(&self, seed: u64) -> &str {
        let count = self.start_states.len() as u64;
        let index = seed.checked_rem(count).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.start_states.get(index)).map_or("", String::as_str)
    }
}
