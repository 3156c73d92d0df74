use core::time::Duration;

use crate::{GroupSet, Protocol};

/// Whether the policy may drive while no operator is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Supervision {
    /// An operator must be heard all the time; otherwise everything holds.
    Required,
    /// The policy goes on alone: for simulation and for fenced cells.
    Optional,
}

/// What the rules depend on. There is no default: the deployment says each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// The robot's groups.
    pub groups: GroupSet,
    /// An operator not heard for this long is lost.
    pub operator_timeout: Duration,
    /// A policy that proposed nothing valid for this long is stale.
    pub policy_timeout: Duration,
    /// A robot not heard for this long is lost.
    pub robot_timeout: Duration,
    /// Whether the policy may drive alone.
    pub supervision: Supervision,
    /// What may follow what in an episode.
    pub protocol: Protocol,
    /// A holder of the lease who does nothing for this long loses it to whoever has asked for it.
    pub idle_release: Duration,
    /// A tap on rewind moves the robot for at most this long.
    pub tap_limit: Duration,
}
