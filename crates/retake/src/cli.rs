//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use retake_policy::PolicySpec;

use crate::{
    dataset::DatasetCommand,
    learn::{EvalOptions, LearnOptions, PolicyCommand, StudyOptions, TrainOptions},
    spec::{OperatorSpec, ViewSpec},
};

/// Supervise a robot policy: watch it drive, take over, rewind, correct, hand back; every tick is recorded with who drove and
/// why.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything on the embedded simulator, in this process.
    Demo(DemoOptions),
    /// Run a deployment from a file, one process per node.
    Launch(LaunchOptions),
    /// Run one node of a deployment, here or on another machine.
    Node(NodeOptions),
    /// Look into a recording.
    #[command(subcommand)]
    Log(LogCommand),
    /// Work with recordings as a dataset: list, label, report, split, merge, export.
    #[command(subcommand)]
    Dataset(DatasetCommand),
    /// Train a policy on recordings by weighted behavioural cloning.
    Train(TrainOptions),
    /// Run a policy alone, in lockstep on the embedded simulator, and count successes.
    Eval(EvalOptions),
    /// Watch recordings being made; train when humans have driven enough, and announce what is not worse. Goes on until Ctrl-C.
    Learn(LearnOptions),
    /// Deploy, supervise, retrain and judge, round after round, with scripted operators on a fast task: methods compared over seeds.
    Study(StudyOptions),
    /// Say which trained policy is served: announce one, go back to the one before.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Find how far a failed attempt on the simulator must be rewound for the policy to succeed: tries from recorded states.
    Suggest(SuggestOptions),
    /// Show a recording in Rerun, or repeat its decisions and compare them.
    Replay(ReplayOptions),
    /// List gamepads and show live what each control does.
    Pad(PadOptions),
}

/// What a clutch makes of the operator's motion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DriveSpec {
    /// The operator alone drives.
    Direct,
    /// The policy goes on driving, and the operator adds a bounded difference.
    Residual,
}

#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// What the robot is to do: lift or nut-on-peg.
    #[arg(long, default_value = "nut-on-peg")]
    pub(crate) task: String,
    /// Who drives: learnt:DIR with a checkpoint of `retake train` or a folder of them, expert, or expert:DEFECT with one of bias=METRES, noise=RADIANS, wrong-turn, freeze, nan, short,
    /// late=MILLISECONDS, stale.
    #[arg(long, default_value = "expert:wrong-turn")]
    pub(crate) policy: PolicySpec,
    /// Who supervises: gamepad, scripted:supervisor, scripted:demonstrator, scripted:absent, replay:FILE (a recording, or a
    /// gamepad stream as JSON lines), or none. Without it, a gamepad if one is plugged in, else scripted:supervisor.
    #[arg(long)]
    pub(crate) operator: Option<OperatorSpec>,
    /// What may follow what in an episode: free (anything), sirius (take over and hand back, no rewind), rac (recover, correct,
    /// end), hg-dagger, hil-serl, or demo (only humans drive).
    #[arg(long, default_value = "free")]
    pub(crate) protocol: String,
    /// Groups that a gamepad's clutch takes, for example arm, while the policy keeps the others; all if left away.
    #[arg(long, value_delimiter = ',', value_name = "GROUP,…")]
    pub(crate) groups: Vec<String>,
    /// What a gamepad's clutch makes of its motion.
    #[arg(long, value_enum, default_value_t = DriveSpec::Direct)]
    pub(crate) drive: DriveSpec,
    /// Attempts to make.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) episodes: u64,
    /// Stop after this much robot time, whatever has been done by then.
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) seconds: Option<f64>,
    /// Seed of the first start state; each further attempt adds one.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Begin attempts in this state instead of the seed's: a .state file, or a name in the library. Several are gone through in
    /// turn, by seed.
    #[arg(long = "start-state", value_name = "NAME|FILE")]
    pub(crate) start_states: Vec<String>,
    /// Library of start states: NAME of a task is DIR/TASK/NAME.state.
    #[arg(long, value_name = "DIR", default_value = "states")]
    pub(crate) states: PathBuf,
    /// As fast as the machine allows, in one thread, the same every time; without the network between the nodes.
    #[arg(long)]
    pub(crate) lockstep: bool,
    /// Where recordings go; a folder with today's time is made in it.
    #[arg(long, value_name = "DIR", default_value = "recordings")]
    pub(crate) record: PathBuf,
    /// Record nothing.
    #[arg(long, conflicts_with = "record")]
    pub(crate) no_record: bool,
    /// Render no cameras: several times faster in lockstep.
    #[arg(long)]
    pub(crate) no_cameras: bool,
    /// Where to watch: web (serves the viewer on this machine and prints its address), native (a Rerun viewer that is installed
    /// here), a file ending in .rrd, or none. Default: web in real time, none with --lockstep or --json.
    #[arg(long)]
    pub(crate) view: Option<ViewSpec>,
    /// Print one machine-readable summary on standard output, and nothing else there.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write what the gamepad does to this file, to be played again with --operator replay:FILE.
    #[arg(long, value_name = "FILE")]
    pub(crate) save_pad: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct LaunchOptions {
    /// The deployment, for example launch/demo.toml.
    pub(crate) file: PathBuf,
    /// Only check the file and the wiring; start nothing.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NodeOptions {
    /// The node's name in the launch file.
    pub(crate) name: String,
    /// The deployment it belongs to.
    #[arg(long, value_name = "FILE", default_value = "launch/demo.toml")]
    pub(crate) launch: PathBuf,
    /// Stop if the process that started this one is gone.
    #[arg(long, hide = true)]
    pub(crate) supervised: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// What a recording holds: duration, topics, rates, size, gaps, who and what.
    Info(LogOptions),
    /// Episodes and segments: start, end, kind, owner per group, verdicts.
    Show(LogOptions),
    /// Each episode as the tree that its rewinds made of it: what was left, where it was joined again, who drove on from there.
    Tree(LogOptions),
    /// Whether every byte of a recording is as its writer left it: checksums, index, manifest, a torn end, missing ticks, known
    /// losses. Changes nothing. Exit code 0: whole; 1: cannot be read; 3: damaged or cut off, but readable.
    Verify(CheckOptions),
    /// Make a recording that was cut off whole: torn ends are left out, index and manifest completed. Refuses one that is being
    /// recorded. Exit code 0: whole now; 1: cannot be repaired; 3: still damaged.
    Repair(CheckOptions),
    /// Take a state of the simulator out of a recording, to begin attempts in.
    State(StateOptions),
}

#[derive(Debug, Args)]
pub(crate) struct StateOptions {
    /// A recording's folder, or one .mcap file.
    pub(crate) path: PathBuf,
    /// The attempt to look in; without --before or --tick, its last state is taken.
    #[arg(long, required_unless_present = "name")]
    pub(crate) episode: Option<u64>,
    /// The last state at least this many seconds before the attempt's end.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, conflicts_with_all = ["tick", "name"])]
    pub(crate) before: Option<f64>,
    /// The last state at or before this tick.
    #[arg(long, conflicts_with = "name")]
    pub(crate) tick: Option<u64>,
    /// The state that was saved under this name.
    #[arg(long, conflicts_with = "episode")]
    pub(crate) name: Option<String>,
    /// Where to write it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SuggestOptions {
    /// A recording's folder, or one .mcap file.
    pub(crate) path: PathBuf,
    /// The attempt that failed, or was rescued by a human.
    #[arg(long)]
    pub(crate) episode: u64,
    /// Tries from each state, each with noise of its own.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) rollouts: u32,
    /// Who tries, as `retake demo --policy` takes it. Without it, the policy that was recorded.
    #[arg(long)]
    pub(crate) policy: Option<PolicySpec>,
    /// Seed of the tries' noise.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Print one machine-readable answer on standard output, and nothing else there.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// A recording's folder, a folder of recordings, or one .mcap file.
    pub(crate) path: PathBuf,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogOptions {
    /// A recording's folder, or one .mcap file.
    pub(crate) path: PathBuf,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayOptions {
    /// A recording's folder, or one .mcap file.
    pub(crate) path: PathBuf,
    /// Where to show it: web, native, or a file ending in .rrd.
    #[arg(long, default_value = "web")]
    pub(crate) view: ViewSpec,
    /// Show nothing; tell the arbiter once more what it was told when this was recorded, and compare everything it decides
    /// with the recording, bit by bit. Says how much is identical, or at which tick they part. Exit code 0: all identical; 1:
    /// they part, or nothing can be verified; 3: what could be repeated is identical, but something is missing.
    #[arg(long, conflicts_with = "view")]
    pub(crate) verify: bool,
    /// With --verify: print the result as JSON.
    #[arg(long, requires = "verify")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PadOptions {
    /// A map file to try instead of the default map.
    #[arg(long, value_name = "FILE")]
    pub(crate) map: Option<PathBuf>,
    /// Only list, do not show live.
    #[arg(long)]
    pub(crate) list: bool,
}
