//! The command line of `retake dataset`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};
use retake_labels::Rule;
use retake_weights::Scheme;

use crate::learn::ExamplesOptions;

#[derive(Debug, Subcommand)]
pub(crate) enum DatasetCommand {
    /// List attempts: who made them, how they went, what it cost people.
    Ls(Look),
    /// Show one attempt: its interventions in order, its classes per group, what people said.
    Show(Show),
    /// Say how attempts went: verdict, tags, notes, discarded or not. Appended beside the recording, which is never changed.
    Label(Label),
    /// Count per policy and round: success, interventions, human time, recoveries, hand-overs, losses.
    Report(Report),
    /// Look for what would spoil a dataset: damage, missing ticks, other robots, attempts without a verdict.
    Validate(Look),
    /// Put recordings together into one folder, with what people said about them.
    Merge(Merge),
    /// Draw attempts to validate with, by seed.
    Split(Split),
    /// Write attempts so that stock tools read them: LeRobot (v3.0), robomimic (HDF5). Read again and checked before it has its name.
    Export(Export),
    /// Show what each class of steps would weigh in training by a scheme: counts, shares of the loss, how many steps it is worth.
    Weights(Weights),
    /// Take demonstrations from a robomimic file in, as a recording of our own.
    Import(Import),
}

/// Which recordings, and how their steps are labelled.
#[derive(Debug, Args)]
pub(crate) struct Look {
    /// Recordings, or folders with recordings in them.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) rule: RuleOptions,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    #[command(flatten)]
    pub(crate) look: Look,
    /// Also draw the figures over the rounds, into this file for Rerun.
    #[arg(long, value_name = "FILE.rrd")]
    pub(crate) plot: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct RuleOptions {
    /// The policy's steps at most this long before a human took over count as what led to it.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 750)]
    pub(crate) pre_intervention: u64,
    /// Steps at most this long from a change of who drives are on its edge.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 100)]
    pub(crate) edge: u64,
}

impl RuleOptions {
    pub(crate) const fn rule(self) -> Rule {
        Rule {
            pre_intervention: Duration::from_millis(self.pre_intervention),
            edge: Duration::from_millis(self.edge),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A recording, or a folder with recordings in it.
    pub(crate) path: PathBuf,
    /// The attempt, as `retake dataset ls` names it; its number alone where there is one recording.
    pub(crate) attempt: String,
    #[command(flatten)]
    pub(crate) rule: RuleOptions,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Label {
    /// A recording, or a folder with recordings in it.
    pub(crate) path: PathBuf,
    /// The attempts, as `retake dataset ls` names them; their numbers alone where there is one recording. None: all of them.
    pub(crate) attempts: Vec<String>,
    /// How they went: success or failure.
    #[arg(long)]
    pub(crate) verdict: Option<String>,
    /// Leave them out of training and counting.
    #[arg(long, conflicts_with = "undiscard")]
    pub(crate) discard: bool,
    /// Take them back in.
    #[arg(long)]
    pub(crate) undiscard: bool,
    /// A tag they have from now on. There are ambiguous, collision, dropped, exemplary, grasp-failed, hardware, near-miss,
    /// operator-error, sensor, slow, stuck, wrong-object, and those in the folder's tags.txt.
    #[arg(long)]
    pub(crate) tag: Vec<String>,
    /// A tag they have no longer.
    #[arg(long)]
    pub(crate) untag: Vec<String>,
    /// For people.
    #[arg(long)]
    pub(crate) note: Option<String>,
    /// Round of deployment and training they belong to.
    #[arg(long)]
    pub(crate) round: Option<u32>,
    /// Who says so.
    #[arg(long, default_value_t = std::env::var("USER").unwrap_or_default())]
    pub(crate) by: String,
}

#[derive(Debug, Args)]
pub(crate) struct Merge {
    /// The folder they are put into; created if it is not there.
    pub(crate) out: PathBuf,
    /// Recordings, or folders with recordings in them.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Split {
    /// Recordings, or folders with recordings in them.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// Share of the attempts to validate with. Discarded attempts are on neither side.
    #[arg(long, default_value_t = 0.1)]
    pub(crate) valid: f64,
    /// Seed of the draw.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where to write it, as JSON; standard output if left away.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// LeRobotDataset v3.0: Parquet, and video or pictures.
    #[value(name = "lerobot-v3")]
    LerobotV3,
    /// One HDF5 file, with Sirius's codes.
    Robomimic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PictureOption {
    /// H.264, a frame for each row (LeRobot only; its default).
    Video,
    /// Each row's picture: the recorded JPEG (LeRobot), or its pixels (robomimic).
    Image,
    /// Left out (robomimic's default).
    None,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Recordings, or folders with recordings in them.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// For whom.
    #[arg(long, value_enum)]
    pub(crate) format: Format,
    /// Where to write it: a folder (LeRobot), or a file ending in .hdf5 (robomimic). It must not be there.
    #[arg(long, value_name = "PATH")]
    pub(crate) out: PathBuf,
    /// Only attempts with this verdict. Discarded ones, and those that `validate` finds spoilt, are never exported.
    #[arg(long)]
    pub(crate) verdict: Option<String>,
    /// Only attempts with this tag.
    #[arg(long)]
    pub(crate) tag: Vec<String>,
    /// Only attempts without this tag.
    #[arg(long)]
    pub(crate) without_tag: Vec<String>,
    /// Take every n-th step only.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) every: u32,
    /// What becomes of camera pictures.
    #[arg(long, value_enum)]
    pub(crate) pictures: Option<PictureOption>,
    /// LeRobot: only the columns of its own recordings, so that the result merges with them.
    #[arg(long)]
    pub(crate) twin: bool,
    /// LeRobot: the task in words, for all attempts. Otherwise each attempt's own.
    #[arg(long)]
    pub(crate) task: Option<String>,
    /// LeRobot: the kind of robot. Otherwise the robot's name.
    #[arg(long)]
    pub(crate) robot_type: Option<String>,
    /// Round of attempts of which nobody has said one.
    #[arg(long)]
    pub(crate) round: Option<u32>,
    /// robomimic: each stretch of one class as a demo of its own, too, with a filter key per class and weights for stock training.
    #[arg(long)]
    pub(crate) segments: bool,
    /// robomimic: what `retake dataset split` wrote, for the masks train and valid.
    #[arg(long, value_name = "FILE")]
    pub(crate) split: Option<PathBuf>,
    /// robomimic: actions as they were sent, not scaled to -1..1.
    #[arg(long)]
    pub(crate) plain_actions: bool,
    /// Weights of steps by a scheme, as `retake train --scheme` takes it, in the column `weight` (robomimic: `weights`). They are 1 if
    /// left away.
    #[arg(long, value_name = "SCHEME")]
    pub(crate) weigh: Option<Scheme>,
    /// lerobot-v3: also write sarm_progress.parquet, from which LeRobot's own weighted training (--use_rabc=true) takes the weights, for a
    /// policy whose chunks have N rows (its chunk_size).
    #[arg(long, value_name = "N", requires = "weigh", conflicts_with = "twin", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) progress: Option<u32>,
    #[command(flatten)]
    pub(crate) rule: RuleOptions,
    /// Also write what the export must hold, straight from the recordings, into this folder: for conformance tests.
    #[arg(long, value_name = "DIR", hide = true)]
    pub(crate) expected: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Weights {
    /// Recordings, or folders with recordings in them.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) examples: ExamplesOptions,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A robomimic file, or a folder with a LeRobot dataset v3.0.
    pub(crate) path: PathBuf,
    /// The format it is in.
    #[arg(long, value_enum)]
    pub(crate) format: Format,
    /// The folder that the recording is made in.
    #[arg(long, value_name = "DIR", default_value = "recordings")]
    pub(crate) record: PathBuf,
    /// The recording's name; that of the file if left away.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Leaves the pictures of a LeRobot dataset out.
    #[arg(long)]
    pub(crate) no_pictures: bool,
}
