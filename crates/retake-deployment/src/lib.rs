//! Which nodes a deployment has, and with which settings.
//!
//! The one place where the service's numbers are chosen. Reasons stand beside them.

use std::time::Duration;

use retake_authority::Supervision;
use retake_episode::EpisodesConfig;
use retake_intervention::{Arbiter, ArbiterConfig, RewindConfig};
use retake_policy::{ExpertPolicy, PolicyConfig, PolicySpec};
use retake_scripted::{Script, ScriptedConfig, ScriptedOperator, Speeds};
use retake_shaping::TeleopConfig;
use retake_sim::{SimConfig, SimError, SimNode};
use retake_tasks::Task;
use retake_units::MonoTime;

/// Operator speeds: the tool at a quarter of a metre per second is what manual modes of industrial arms allow.
const TELEOP: TeleopConfig = TeleopConfig { linear_speed: 0.25, angular_speed: 1.5, precision: 0.3, gripper_speed: 0.15 };

/// What tells one run from another.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Robot's name in every key.
    pub robot: String,
    /// The task.
    pub task: Task,
    /// Which policy drives.
    pub policy: PolicySpec,
    /// Attempts; 0 for no end.
    pub episodes: u64,
    /// Seed of the first start state.
    pub seed: u64,
    /// Control rate, Hz.
    pub control_hz: f64,
    /// The policy may drive while no operator is heard.
    pub unattended: bool,
    /// Randomness of this run's nonces and sessions: random in the field, fixed where runs are compared.
    pub entropy: u64,
    /// Higher than any epoch used with this robot before.
    pub first_epoch: u64,
}

impl Settings {
    /// The simulated robot.
    ///
    /// # Errors
    /// If the simulator cannot be built.
    pub fn sim(&self, start: MonoTime) -> Result<SimNode, SimError> {
        let config =
            SimConfig { robot: self.robot.clone(), control_hz: self.control_hz, nonce_seed: self.entropy ^ 0x51 };
        SimNode::new(&config, &self.task, start)
    }

    /// The policy.
    pub fn policy(&self, start: MonoTime) -> ExpertPolicy {
        let session = self.entropy ^ 0x90;
        ExpertPolicy::new(PolicyConfig { spec: self.policy, task: self.task.clone(), session }, start)
    }

    /// A scripted operator.
    pub fn scripted(&self, script: Script, start: MonoTime) -> ScriptedOperator {
        let speeds = Speeds { linear: TELEOP.linear_speed, angular: TELEOP.angular_speed };
        let session = self.entropy ^ 0x09;
        ScriptedOperator::new(ScriptedConfig { script, task: self.task.clone(), speeds, session }, start)
    }

    /// The intervention node.
    pub fn arbiter(&self, start: MonoTime) -> Arbiter {
        Arbiter::new(self.arbiter_config(), start)
    }

    /// Settings of the intervention node.
    pub fn arbiter_config(&self) -> ArbiterConfig {
        ArbiterConfig {
            // The first loss of performance that people notice is at 70 ms; a lost hand must not drive for longer than 100.
            operator_timeout: Duration::from_millis(100),
            // Three of the policy's periods of eight ticks.
            policy_timeout: Duration::from_millis(480),
            robot_timeout: Duration::from_millis(200),
            input_age: Duration::from_millis(100),
            // A policy may take its time to compute, but not longer than its chunk is long.
            proposal_age: Duration::from_millis(320),
            supervision: if self.unattended { Supervision::Optional } else { Supervision::Required },
            teleop: TELEOP,
            rewind: RewindConfig { speed: 0.5, tracking_error: 0.2 },
            episodes: EpisodesConfig {
                count: self.episodes,
                seed: self.seed,
                time_limit: (self.task.time_limit > 0.0).then(|| Duration::from_secs_f64(self.task.time_limit)),
                auto_next: Some(Duration::from_millis(500)),
            },
            first_epoch: self.first_epoch,
            nonce_seed: self.entropy,
        }
    }
}
