use std::{fmt, path::PathBuf, time::Duration};

use serde::Deserialize;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// The simulated robot and its driver.
    Sim,
    /// Renders or captures images.
    Camera,
    /// Proposes.
    Policy,
    /// The arbiter.
    Intervention,
    /// Reads an operator's device, or plays one.
    Operator,
    /// Watches the policy, and calls the operator.
    Monitor,
    /// Writes the recording.
    Recorder,
    /// Shows it.
    Viz,
}

impl NodeKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Sim,
        Self::Camera,
        Self::Policy,
        Self::Intervention,
        Self::Operator,
        Self::Monitor,
        Self::Recorder,
        Self::Viz,
    ];

    /// As it is written in launch files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Camera => "camera",
            Self::Policy => "policy",
            Self::Intervention => "intervention",
            Self::Operator => "operator",
            Self::Monitor => "monitor",
            Self::Recorder => "recorder",
            Self::Viz => "viz",
        }
    }

    /// Nodes of a lower rank are stopped first. The arbiter goes first, so that it ends the episode while everything it needs
    /// is there; the recorder last, so that everyone's last words are recorded.
    pub const fn stop_rank(self) -> u8 {
        match self {
            Self::Intervention => 0,
            Self::Operator | Self::Policy | Self::Monitor => 1,
            Self::Sim | Self::Camera => 2,
            Self::Viz => 3,
            Self::Recorder => 4,
        }
    }

    /// What happens after a crash unless the file says otherwise. A driver or arbiter that comes back by itself would act in a
    /// scene that nobody has looked at.
    pub const fn default_restart(self) -> Restart {
        match self {
            Self::Sim | Self::Intervention => Restart::Never,
            Self::Camera | Self::Policy | Self::Operator | Self::Monitor | Self::Recorder | Self::Viz => {
                Restart::OnFailure
            }
        }
    }

    /// The deployment goes on without it when it cannot be kept running.
    pub const fn is_dispensable(self) -> bool {
        matches!(self, Self::Camera | Self::Monitor | Self::Viz)
    }
}

impl fmt::Display for NodeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a node that crashed is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// The deployment ends.
    Never,
    /// It is started again, after a growing pause and not for ever.
    OnFailure,
}

/// Whether the policy may drive while no operator is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Supervision {
    /// An operator must be heard all the time; otherwise everything holds.
    #[default]
    Required,
    /// The policy goes on alone.
    Optional,
}

fn default_states() -> PathBuf {
    "states".into()
}

/// What every node may say, and then its own options. The common part is written out in each, because serde cannot refuse
/// unknown keys through a flattened struct.
macro_rules! options {
    ($($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $field_doc:literal])* $(#[serde($($attr:tt)*)])* $field:ident: $type:ty,)* })*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            #[serde(rename = "kind")]
            _kind: NodeKind,
            /// Address of the machine it runs on, if not `bus.host`. It is started there, by `retake node`.
            pub host: Option<String>,
            /// Port of its own instead of the next from `bus.base_port`.
            pub port: Option<u16>,
            /// What happens after a crash.
            pub restart: Option<Restart>,
            $($(#[doc = $field_doc])* $(#[serde($($attr)*)])* pub $field: $type,)*
        }
    )*};
}

options! {
    /// The simulator.
    SimOptions {}

    /// The camera.
    CameraOptions {}

    /// The policy.
    PolicyOptions {
        /// Which policy, as `retake demo --policy` takes it.
        policy: String,
    }

    /// The arbiter.
    InterventionOptions {
        /// Whether the policy may drive while no operator is heard.
        #[serde(default)]
        supervision: Supervision,
        /// Attempts to make; none means until stopped.
        episodes: Option<u64>,
        /// Seed of the first attempt's start state; each further one adds one.
        #[serde(default)]
        seed: u64,
        /// States to begin attempts in instead of the seed's, as `retake demo --start-state` takes them.
        #[serde(default)]
        start_states: Vec<String>,
        /// Library of start states.
        #[serde(default = "default_states")]
        states: PathBuf,
        /// Operator silent for longer while driving: hold.
        #[serde(default, with = "humantime_serde::option")]
        operator_timeout: Option<Duration>,
        /// Policy silent for longer while driving: hold.
        #[serde(default, with = "humantime_serde::option")]
        policy_timeout: Option<Duration>,
        /// Where the last epoch used with the robot is kept; none means `$XDG_STATE_HOME/retake/ROBOT`, or
        /// `~/.local/state/retake/ROBOT`.
        state_dir: Option<PathBuf>,
        /// What may follow what in an episode: free, sirius, rac, hg-dagger, hil-serl or demo.
        protocol: Option<String>,
        /// An idle operator loses the lease after this long to whoever has asked for it.
        #[serde(default, with = "humantime_serde::option")]
        idle_release: Option<Duration>,
    }

    /// The operator.
    OperatorOptions {
        /// Who, as `retake demo --operator` takes it.
        operator: String,
        /// Name of the station, where there are several; the device's kind otherwise.
        station: Option<String>,
        /// Groups that a gamepad's clutch takes; all if left away.
        #[serde(default)]
        groups: Vec<String>,
        /// A gamepad adds to what the policy does, instead of driving alone.
        #[serde(default)]
        residual: bool,
    }

    /// The monitor of the policy.
    MonitorOptions {}

    /// The recorder.
    RecorderOptions {
        /// Where recordings go.
        dir: PathBuf,
    }

    /// The viewer.
    VizOptions {
        /// `web`, `native`, or a file to write.
        view: String,
        /// Port of the web viewer.
        web_port: Option<u16>,
    }
}

/// A node's options, by kind.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeOptions {
    /// A simulator.
    Sim(SimOptions),
    /// A camera.
    Camera(CameraOptions),
    /// A policy.
    Policy(PolicyOptions),
    /// An arbiter.
    Intervention(InterventionOptions),
    /// An operator.
    Operator(OperatorOptions),
    /// A monitor.
    Monitor(MonitorOptions),
    /// A recorder.
    Recorder(RecorderOptions),
    /// A viewer.
    Viz(VizOptions),
}

impl NodeOptions {
    /// What the node is.
    pub const fn kind(&self) -> NodeKind {
        match self {
            Self::Sim(_) => NodeKind::Sim,
            Self::Camera(_) => NodeKind::Camera,
            Self::Policy(_) => NodeKind::Policy,
            Self::Intervention(_) => NodeKind::Intervention,
            Self::Operator(_) => NodeKind::Operator,
            Self::Monitor(_) => NodeKind::Monitor,
            Self::Recorder(_) => NodeKind::Recorder,
            Self::Viz(_) => NodeKind::Viz,
        }
    }

    /// What every node may say.
    pub(crate) fn common(&self) -> Common {
        macro_rules! common {
            ($($kind:ident)*) => {
                match self { $(Self::$kind(options) => Common {
                    host: options.host.clone(),
                    port: options.port,
                    restart: options.restart,
                },)* }
            };
        }
        common!(Sim Camera Policy Intervention Operator Monitor Recorder Viz)
    }
}

/// What every node may say of itself.
pub(crate) struct Common {
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) restart: Option<Restart>,
}
