//! Exports recordings as a LeRobot dataset by hand.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use retake_dataset::select;
use retake_lerobot::{Limits, Options, Pictures, expected, export};

/// Exports recordings as a LeRobotDataset v3.0.
#[derive(Debug, Parser)]
struct Args {
    /// Folder to write, which must not be there.
    out: PathBuf,
    /// Recordings, or folders with recordings in them.
    #[arg(required = true)]
    recordings: Vec<PathBuf>,
    /// Takes each n-th row.
    #[arg(long, default_value_t = 1)]
    every: u32,
    #[arg(long, value_enum, default_value = "video")]
    pictures: Kind,
    /// Only the columns that LeRobot has itself.
    #[arg(long)]
    twin: bool,
    #[arg(long)]
    task: Option<String>,
    /// Attempts in a set of files, at most.
    #[arg(long, default_value_t = Limits::default().episodes)]
    episodes_per_file: usize,
    /// Also writes what an export must hold into this folder.
    #[arg(long)]
    expected: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Video,
    Image,
    None,
}

#[expect(clippy::print_stdout, reason = "it is told on the terminal")]
fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let sources = select(&args.recordings)?;
    let options = Options {
        every: args.every,
        pictures: match args.pictures {
            Kind::Video => Pictures::Video,
            Kind::Image => Pictures::Image,
            Kind::None => Pictures::None,
        },
        twin: args.twin,
        task: args.task.as_deref(),
        limits: Limits { episodes: args.episodes_per_file, ..Limits::default() },
        ..Options::default()
    };
    if let Some(dir) = &args.expected {
        expected(&sources, &options, dir)?;
    }
    let exported = export(&sources, &options, &args.out, |done, rows| {
        if done % 10_000 == 0 || done == rows {
            println!("{done} of {rows} rows");
        }
    })?;
    println!("{exported:#?}");
    Ok(())
}
