//! Which nodes a deployment has, and with which settings.
//!
//! The one place where the service's numbers are chosen. Reasons stand beside them.

use std::{collections::BTreeMap, time::Duration};

pub use retake_authority::{Protocol, Supervision};
use retake_autonomy::AutonomyConfig;
use retake_episode::EpisodesConfig;
use retake_intervention::{
    Arbiter, ArbiterConfig, ContactConfig, HandConfig, Profiles, ResidualConfig, RewindConfig, witnessed,
};
use retake_monitor::{StallConfig, StallMonitor};
use retake_node::Witness;
use retake_policy::{PolicyConfig, PolicyNode, PolicySpec};
use retake_scripted::{Script, ScriptedConfig, ScriptedOperator, Speeds};
pub use retake_shaping::Profile;
use retake_shaping::{ClutchConfig, OneEuroConfig, Sector, TeleopConfig, ToolSpeeds};
pub use retake_sim::StartState;
use retake_sim::{CONTROL_HZ, SimError, SimNode, descriptor};
use retake_tasks::Task;
use retake_units::MonoTime;
use retake_wire::pb::RobotDescriptor;

/// Operator speeds: the tool at a quarter of a metre per second is what manual modes of industrial arms allow.
const TELEOP: TeleopConfig =
    TeleopConfig { linear_speed: 0.25, angular_speed: 1.5, precision: 0.3, gripper_speed: 0.15 };

/// Tracked hands. The filter's constants lag a slow hand by 50 ms and a fast one by 7, which is less than people notice. A headset's
/// link comes in bursts of 150 ms, so a pause of 300 still is one. No hand moves at 2 m/s while it steers a robot, but a controller
/// that comes back from behind something has been seen to leap by 73 cm in one frame. The tool may go twice as fast after a hand as
/// after a stick, since a hand has felt the way itself.
const HAND: HandConfig = HandConfig {
    clutch: ClutchConfig {
        filter: OneEuroConfig { min_cutoff: 1.5, beta_linear: 15.0, beta_angular: 3.0, speed_cutoff: 1.0 },
        freeze: Duration::from_millis(100),
        let_go: Duration::from_millis(300),
        leap_linear: 2.0,
        leap_angular: 10.0,
        leap_words: 30,
    },
    speeds: ToolSpeeds { linear: 0.5, angular: 2.5 },
    scale: 1.0,
};
/// Devices shape their own sticks, so nobody needs a profile. One that amplifies may do so by half: the full speeds stay what they are.
const SECTOR: Sector = Sector { least: 0.0, most: 1.5 };

/// What tells one run from another.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The robot; `descriptor.robot` is its name in every key.
    pub descriptor: RobotDescriptor,
    /// The task it is set up for.
    pub task: Task,
    /// Which policy drives.
    pub policy: PolicySpec,
    /// Attempts; 0 for no end.
    pub episodes: u64,
    /// Seed of the first start state.
    pub seed: u64,
    /// States to begin in instead of the seed's; each attempt's seed draws one of them.
    pub start_states: Vec<StartState>,
    /// Pause between an episode's end and the next one's reset.
    pub auto_next: Duration,
    /// Whether the policy may drive while no operator is heard.
    pub supervision: Supervision,
    /// What may follow what in an episode.
    pub protocol: Protocol,
    /// An idle operator loses the lease after this long to whoever has asked for it.
    pub idle_release: Duration,
    /// An operator not heard for this long is lost.
    pub operator_timeout: Duration,
    /// A policy that proposed nothing valid for this long is stale.
    pub policy_timeout: Duration,
    /// Randomness of this run's nonces and sessions: random in the field, fixed where runs are compared.
    pub entropy: u64,
    /// Higher than any epoch used with this robot before.
    pub first_epoch: u64,
    /// How operators want their devices to feel, by their names.
    pub profiles: BTreeMap<String, Profile>,
}

/// About seven centimetres at this arm's reach: enough to steer by, not enough to take the policy where it has never been.
const RESIDUAL: ResidualConfig = ResidualConfig { joint: 0.15, scalar: 0.02 };
/// A policy that follows the robot is ahead of its command by a tenth of this.
const POLICY_FAR: f64 = 0.5;
/// Half of the need slows, nine tenths hold, and one second of calm in twenty is the most a restless policy is slowed for.
const AUTONOMY: AutonomyConfig = AutonomyConfig {
    slow_above: 0.5,
    hold_above: 0.9,
    release: 0.5,
    dwell: Duration::from_millis(500),
    silence: Duration::from_secs(1),
    budget: 0.05,
};
/// The expert pauses for up to a second where the gripper closes; twice that is no pause any more.
const STALL: StallConfig =
    StallConfig { still: 0.02, patience: Duration::from_secs(2), rise: Duration::from_secs(2), session: 0 };
/// Slow enough to watch each motion; the precision that operators have.
const SLOWED: f64 = 0.3;
/// The first loss of performance that people notice is at 70 ms; a lost hand must not drive for longer than this.
const OPERATOR_TIMEOUT: Duration = Duration::from_millis(100);
/// Three of the policy's periods of eight ticks.
const POLICY_TIMEOUT: Duration = Duration::from_millis(480);

/// Long enough to say no by touching anything; short enough that nobody waits for a colleague who has left.
const IDLE_RELEASE: Duration = Duration::from_secs(10);
/// One second of the way, which may have been gone three times as fast as the rewind goes, and one second for starting and
/// stopping. A tap ends where it is to go; this bounds what a robot does that never gets there.
const TAP_LIMIT: Duration = Duration::from_secs(4);
/// What an arm may touch while it goes back. Measured in the simulator: doing its tasks the arm presses with up to 31 N, and
/// rewinding across a grasp knocks what it holds on the table with up to 63 N, over the bound in at most two observations in a
/// row, about 40 ms. The guard needs four.
const CONTACT: ContactConfig = ContactConfig { force: 35.0, rise: 15.0, lasts: Duration::from_millis(50) };

impl Settings {
    /// The simulated robot set up for `task`, with nothing random: the same settings always give the same run.
    ///
    /// # Errors
    /// If the simulated robot's own description cannot be read.
    pub fn simulated(robot: &str, task: Task, policy: PolicySpec) -> Result<Self, SimError> {
        Ok(Self {
            descriptor: descriptor(robot, &task, CONTROL_HZ)?,
            task,
            policy,
            episodes: 1,
            seed: 0,
            start_states: Vec::new(),
            auto_next: Duration::from_millis(500),
            supervision: Supervision::Required,
            protocol: Protocol::Free,
            idle_release: IDLE_RELEASE,
            operator_timeout: OPERATOR_TIMEOUT,
            policy_timeout: POLICY_TIMEOUT,
            entropy: 1,
            first_epoch: 1,
            profiles: BTreeMap::new(),
        })
    }

    /// The simulated robot as a node.
    ///
    /// # Errors
    /// If the simulator cannot be built, or cannot begin in one of the start states.
    pub fn sim(&self, start: MonoTime) -> Result<SimNode, SimError> {
        SimNode::new(self.descriptor.clone(), &self.task, &self.start_states, self.entropy ^ 0x51, start)
    }

    /// The policy.
    pub fn policy(&self, start: MonoTime) -> PolicyNode {
        let session = self.entropy ^ 0x90;
        PolicyNode::new(PolicyConfig { spec: self.policy.clone(), task: self.task.clone(), session }, start)
    }

    /// The monitor that calls the operator when the policy stands still.
    pub fn monitor(&self, start: MonoTime) -> StallMonitor {
        StallMonitor::new(StallConfig { session: self.entropy ^ 0x30, ..STALL }, start)
    }

    /// A scripted operator.
    pub fn scripted(&self, script: Script, start: MonoTime) -> ScriptedOperator {
        let speeds = Speeds { linear: TELEOP.linear_speed, angular: TELEOP.angular_speed };
        let session = self.entropy ^ 0x09;
        ScriptedOperator::new(ScriptedConfig { script, task: self.task.clone(), speeds, session }, start)
    }

    /// The intervention node, with a note of everything it is told.
    pub fn arbiter(&self, start: MonoTime) -> Witness<Arbiter> {
        witnessed(self.arbiter_config(), start)
    }

    /// Settings of the intervention node.
    pub fn arbiter_config(&self) -> ArbiterConfig {
        ArbiterConfig {
            operator_timeout: self.operator_timeout,
            policy_timeout: self.policy_timeout,
            robot_timeout: Duration::from_millis(200),
            input_age: Duration::from_millis(100),
            // A policy may take its time to compute, but not longer than its chunk is long.
            proposal_age: Duration::from_millis(320),
            supervision: self.supervision,
            protocol: self.protocol,
            idle_release: self.idle_release,
            teleop: TELEOP,
            hand: HAND,
            profiles: Profiles { sector: SECTOR, usual: Profile::PLAIN, own: self.profiles.clone() },
            residual: RESIDUAL,
            policy_far: POLICY_FAR,
            autonomy: AUTONOMY,
            slowed: SLOWED,
            rewind: RewindConfig { speed: 0.5, tracking_error: 0.2, contact: CONTACT, tap_limit: TAP_LIMIT },
            episodes: EpisodesConfig {
                count: self.episodes,
                seed: self.seed,
                time_limit: (self.task.time_limit > 0.0)
                    .then(|| Duration::from_secs_f64(self.task.time_limit)),
                auto_next: Some(self.auto_next),
            },
            start_states: self.start_states.iter().map(|state| state.name.clone()).collect(),
            first_epoch: self.first_epoch,
            nonce_seed: self.entropy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arbiters_configuration_comes_back_from_its_text() {
        let task = Task::by_name("lift").unwrap();
        let mut settings = Settings::simulated("arm", task, "expert".parse().unwrap()).unwrap();
        (settings.entropy, settings.first_epoch) = (u64::MAX, u64::MAX - 1);
        let config = settings.arbiter_config();
        let text = config.to_json().unwrap();
        assert_eq!(ArbiterConfig::from_json(&text).unwrap(), config);
        assert!(text.contains(r#""linear_speed":"=0.25""#), "{text}");
    }
}
