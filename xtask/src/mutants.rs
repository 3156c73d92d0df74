//! `cargo xtask mutants`: changes the pure crates in hundreds of small ways and counts how many of the changes their own tests notice.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, bail};
use clap::Args;
use retake_bus::wall_now;
use retake_log::utc_text;
use serde_json::json;

use crate::report::{Table, progress};

/// Which crates, and how thoroughly.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Crates; all pure ones when left away.
    #[arg(value_name = "CRATE")]
    crates: Vec<String>,
    /// One mutant in sixteen, chosen by the seed.
    #[arg(long)]
    quick: bool,
    /// Which sixteenth.
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Tells what the last run found, without a new one.
    #[arg(long)]
    last: bool,
    /// Mutants at a time; each is a build of its own.
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: u64,
    /// Write all figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The pure crates, and which of their files.
const PURE: [(&str, &[&str]); 8] = [
    ("retake-units", &[]),
    ("retake-authority", &[]),
    ("retake-gate", &[]),
    ("retake-shaping", &[]),
    ("retake-episode", &[]),
    ("retake-labels", &[]),
    ("retake-weights", &[]),
    // The rest of the node is tested by whole deployments, which would take minutes for each mutant.
    ("retake-intervention", &["**/freshness.rs", "**/chunk.rs"]),
];
const VERSION: &str = "27.1.0";
const SAMPLE: u64 = 16;
/// Of the viable mutants, in each crate.
const KILLED_PERCENT: f64 = 90.0;

struct Score {
    name: &'static str,
    killed: usize,
    survivors: Vec<String>,
    unviable: usize,
}

impl Score {
    const fn viable(&self) -> usize {
        self.killed + self.survivors.len()
    }

    fn percent(&self) -> f64 {
        if self.viable() == 0 { 100.0 } else { 100.0 * self.killed as f64 / self.viable() as f64 }
    }
}

/// Mutates; fails where a crate's tests notice too little.
#[expect(clippy::print_stdout, reason = "figures are this program's output")]
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let date = utc_text(wall_now());
    let chosen = |name: &str| options.crates.is_empty() || options.crates.iter().any(|wanted| wanted == name);
    if let Some(unknown) = options.crates.iter().find(|name| PURE.iter().all(|(pure, _)| pure != name)) {
        bail!("{unknown} is not one of the pure crates: {}", PURE.map(|(name, _)| name).join(", "));
    }
    let mut scores = Vec::new();
    for (name, files) in PURE.into_iter().filter(|(name, _)| chosen(name)) {
        let folder = PathBuf::from("target/mutants").join(name);
        if !options.last {
            mutate(options, name, files, &folder)?;
        }
        scores.push(score(name, &folder.join("mutants.out"))?);
    }
    let mut table = Table::new(&["crate", "viable", "killed", "percent", "unviable"]);
    for score in &scores {
        let percent = crate::report::Cell::Number(score.percent(), 1);
        table.row(vec![
            score.name.into(),
            score.viable().into(),
            score.killed.into(),
            percent,
            score.unviable.into(),
        ]);
    }
    println!("{table}");
    for survivor in scores.iter().flat_map(|score| &score.survivors) {
        println!("- survives: {survivor}");
    }
    if let Some(file) = &options.json {
        let each = scores.iter().map(|score| {
            json!({
                "crate": score.name, "viable": score.viable(), "killed": score.killed,
                "percent": score.percent(), "unviable": score.unviable, "survivors": score.survivors,
            })
        });
        let whole = json!({ "date": date, "quick": options.quick, "crates": each.collect::<Vec<_>>() });
        fs::write(file, serde_json::to_string_pretty(&whole)? + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let (viable, killed) = (sum(&scores, Score::viable), sum(&scores, |score| score.killed));
    let low: Vec<_> =
        scores.iter().filter(|score| score.percent() < KILLED_PERCENT).map(|s| s.name).collect();
    let verdict = if low.is_empty() {
        String::new()
    } else {
        format!("; below {KILLED_PERCENT} %: {}", low.join(", "))
    };
    println!("\nmutants: {killed} of {viable} viable mutants killed in {} crates{verdict}", scores.len());
    Ok(if low.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn sum(scores: &[Score], of: impl Fn(&Score) -> usize) -> usize {
    scores.iter().map(of).sum()
}

/// Runs `cargo mutants` on one crate. Each mutant is built with little optimisation and judged by the crate's own tests.
fn mutate(options: &Options, name: &str, files: &[&str], folder: &Path) -> anyhow::Result<()> {
    progress(&format!("{name}: its tests, then each mutant's"));
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut command = Command::new("cargo");
    command.args(["mutants", "--package", name, "--profile", "release", "--no-shuffle"]);
    command.args(["--jobs", &options.jobs.to_string(), "--timeout", "90", "--build-timeout", "900"]);
    command.arg("--output").arg(folder);
    files.iter().for_each(|file| _ = command.args(["--file", file]));
    if options.quick {
        command.args(["--shard", &format!("{}/{SAMPLE}", options.seed % SAMPLE)]);
    }
    command.env("CARGO_INCREMENTAL", "1").env("PROPTEST_CASES", "64");
    command.env("CARGO_PROFILE_RELEASE_DEBUG", "0").env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
    let done = command.status().context("cargo cannot be run")?;
    // 0: all killed; 2: some survived; 3: some ran too long, which is noticed, too.
    match done.code() {
        Some(0 | 2 | 3) => Ok(()),
        Some(101) => {
            bail!("cargo-mutants is missing: cargo install cargo-mutants --locked --version {VERSION}")
        }
        _ => bail!("cargo mutants failed on {name}: {done}"),
    }
}

fn score(name: &'static str, found: &Path) -> anyhow::Result<Score> {
    let lines = |file: &str| -> anyhow::Result<Vec<String>> {
        match fs::read_to_string(found.join(file)) {
            Ok(text) => Ok(text.lines().map(ToOwned::to_owned).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                bail!("{}: no results of a run there", found.display())
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", found.join(file).display())),
        }
    };
    // A mutant whose tests never end is noticed as well.
    let killed = lines("caught.txt")?.len() + lines("timeout.txt")?.len();
    Ok(Score { name, killed, survivors: lines("missed.txt")?, unviable: lines("unviable.txt")?.len() })
}
