//! The command line of what learns.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use retake_policy::PolicySpec;

use super::ExamplesOptions;

#[derive(Debug, Args)]
pub(crate) struct TrainOptions {
    /// Recordings, or folders with recordings in them.
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    pub(crate) data: Vec<PathBuf>,
    /// The checkpoint: a folder that is made, or replaced when it is one already. Its name is the policy's version.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) examples: ExamplesOptions,
    #[command(flatten)]
    pub(crate) fit: FitOptions,
    /// Begin with the weights of this checkpoint instead of from scratch.
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub(crate) from: Option<PathBuf>,
    /// Go on with a training of the same options and data that was interrupted, in --out.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Announce it when it is trained: a policy node that serves the folder it is in changes to it at the next episode.
    #[arg(long)]
    pub(crate) announce: bool,
    /// Draw the losses into this file for Rerun.
    #[arg(long, value_name = "FILE.rrd")]
    pub(crate) plot: Option<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How a policy is trained.
#[derive(Debug, Args)]
pub(crate) struct FitOptions {
    /// The class of policy.
    #[arg(long, value_enum, default_value_t = NetworkOption::Mixture)]
    pub(crate) network: NetworkOption,
    /// Width of each hidden layer.
    #[arg(long, value_delimiter = ',', value_name = "N,…", default_value = "256,256")]
    pub(crate) hidden: Vec<usize>,
    /// Gaussians in the mixture.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) modes: usize,
    /// Control periods in a chunk.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(crate) horizon: usize,
    /// What is done with the weights; what the scheme's inventors do, if left away.
    #[arg(long, value_enum)]
    pub(crate) apply: Option<ApplyOption>,
    /// Steps of training.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) steps: u64,
    /// Steps of data in one step of training.
    #[arg(long, default_value_t = 256)]
    pub(crate) batch: usize,
    /// Step length of Adam.
    #[arg(long, default_value_t = 1e-3)]
    pub(crate) learning_rate: f64,
    /// Share of attempts that is held out to validate with.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub(crate) validation: f64,
    /// Stop when so many validations in a row brought nothing better; 0 for never. The best is kept in any case.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) patience: u64,
    /// Seed of the first weights, of the order of the data, and of which attempts validate.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct LearnOptions {
    /// Recordings, or folders that recordings are made in.
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    pub(crate) data: Vec<PathBuf>,
    /// The folder of checkpoints: each new one is put there and announced, so that a policy node that serves the folder
    /// (--policy learnt:FOLDER) changes to it at the next episode.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) policies: PathBuf,
    /// Train anew when humans have driven for so many more steps; a third of the demonstrations' if left away, as Sirius does.
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) after: Option<u64>,
    /// Judge each new policy alone on the embedded simulator, in so many attempts beside the one before, and announce it only if it is
    /// not worse.
    #[arg(long, value_name = "ATTEMPTS", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) evaluate: Option<u64>,
    /// Seed of the first attempt of an evaluation.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) evaluation_seed: u64,
    /// Stop after so many policies; otherwise go on until Ctrl-C.
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<u64>,
    #[command(flatten)]
    pub(crate) examples: ExamplesOptions,
    #[command(flatten)]
    pub(crate) fit: FitOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NetworkOption {
    /// One action at a time, as a mixture of Gaussians.
    Mixture,
    /// A chunk of actions at once, by flow matching.
    Chunk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ApplyOption {
    /// Each step's loss is multiplied by its weight.
    Loss,
    /// Steps are drawn as often as their weights say.
    Sampling,
}

#[derive(Debug, Args)]
pub(crate) struct EvalOptions {
    /// Who drives, as `retake demo --policy` takes it: learnt:DIR, expert, expert:DEFECT. Several are compared on the same seeds.
    #[arg(long, required = true, num_args = 1..)]
    pub(crate) policy: Vec<PolicySpec>,
    /// What the robot is to do: lift or nut-on-peg.
    #[arg(long, default_value = "nut-on-peg")]
    pub(crate) task: String,
    /// Attempts of each policy.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub(crate) episodes: u64,
    /// Seed of the first attempt; each further one adds one. Do not train on the same seeds.
    #[arg(long, default_value_t = 1_000_000)]
    pub(crate) seed: u64,
    /// Attempts at a time; the machine's cores if left away.
    #[arg(long, value_name = "N")]
    pub(crate) parallel: Option<usize>,
    /// Print one machine-readable result on standard output, and nothing else there.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StudyOptions {
    /// The study, for example sim/studies/study-a.toml.
    pub(crate) file: PathBuf,
    /// Where its parts are kept as they finish; a study that is there goes on.
    #[arg(long, value_name = "DIR", default_value = "study")]
    pub(crate) out: PathBuf,
    /// Parts at a time; the machine's cores if left away. It changes nothing about the results.
    #[arg(long, value_name = "N")]
    pub(crate) parallel: Option<usize>,
    /// Run nothing; show what the finished parts say.
    #[arg(long)]
    pub(crate) so_far: bool,
    /// Print the results as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// List the checkpoints of a folder, and which of them is announced.
    Ls {
        /// The folder.
        folder: PathBuf,
    },
    /// Announce a checkpoint: policy nodes that serve its folder (--policy learnt:FOLDER) change to it at the next episode.
    Announce {
        /// The checkpoint.
        checkpoint: PathBuf,
    },
    /// Go back to what was announced before.
    Back {
        /// The folder.
        folder: PathBuf,
    },
}
