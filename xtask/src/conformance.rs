//! `cargo xtask conformance`: what we export, judged by the tools that people read it with.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use crate::report::progress;

/// Which tools, and how thoroughly.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which; both when left away.
    #[arg(value_name = "TOOL")]
    tools: Vec<Tool>,
    /// Training steps of a stock policy on each export.
    #[arg(long, value_name = "N", default_value_t = 20)]
    train: u32,
    /// Python 3.11 that the environment is made with.
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// The environment, recordings and exports are kept here, and the environment is used again.
    #[arg(long, value_name = "DIR", default_value = "target/conformance")]
    dir: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tool {
    /// LeRobot 0.4.4: `LeRobotDataset` with video, with pictures, without extra columns (merged with a plain one); ACT.
    Lerobot,
    /// robomimic 0.3.0: `SequenceDataset` over attempts, with pictures, with segments of one class; BC and BC-GMM.
    Robomimic,
}

/// An export to be judged: its name, the arguments that make it, and those that it is judged with.
struct Case {
    name: &'static str,
    arguments: &'static [&'static str],
    judge: &'static [&'static str],
}

impl Tool {
    const fn name(self) -> &'static str {
        match self {
            Self::Lerobot => "lerobot",
            Self::Robomimic => "robomimic",
        }
    }

    const fn format(self) -> &'static str {
        match self {
            Self::Lerobot => "lerobot-v3",
            Self::Robomimic => "robomimic",
        }
    }

    const fn cases(self) -> &'static [Case] {
        match self {
            Self::Lerobot => &[
                Case {
                    name: "video",
                    arguments: &["--pictures", "video", "--weigh", "sirius", "--progress", "50"],
                    judge: &["--rabc", "50"],
                },
                Case { name: "pictures", arguments: &["--pictures", "image", "--every", "5"], judge: &[] },
                Case {
                    name: "twin",
                    arguments: &["--pictures", "video", "--twin"],
                    judge: &["--twin", "--merge-with", "plain"],
                },
            ],
            Self::Robomimic => &[
                Case { name: "attempts", arguments: &["--weigh", "sirius"], judge: &[] },
                Case { name: "pictures", arguments: &["--pictures", "image", "--every", "5"], judge: &[] },
                Case { name: "segments", arguments: &["--segments"], judge: &[] },
            ],
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Exports recordings of attempts that were rescued, demonstrated and failed, and lets each tool judge each export.
#[expect(clippy::print_stdout, reason = "the verdict is this program's output")]
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let tools = if options.tools.is_empty() { Tool::value_variants() } else { &options.tools };
    let dir = root().join(&options.dir);
    let work = dir.join("work");
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
    let retake = build()?;
    let python = environment(options, &dir)?;
    record(&retake, &work)?;
    let mut failed = Vec::new();
    for tool in tools {
        for case in tool.cases() {
            progress(&format!("{}: {}", tool.name(), case.name));
            if !judged(options, (&retake, &python, &work), *tool, case)? {
                failed.push(format!("{} {}", tool.name(), case.name));
            }
        }
    }
    let verdict =
        if failed.is_empty() { "all held".into() } else { format!("FAILED: {}", failed.join(", ")) };
    println!("conformance: {verdict}");
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn call(program: impl AsRef<OsStr>, dir: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let program = program.as_ref();
    let status = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .stdout(Stdio::null())
        .status()
        .with_context(|| format!("cannot run {}", program.display()))?;
    if status.success() { Ok(()) } else { bail!("{} {arguments:?}: {status}", program.display()) }
}

fn build() -> anyhow::Result<PathBuf> {
    progress("building retake");
    call(
        env!("CARGO"),
        &root(),
        &["build", "--release", "--locked", "--workspace", "--bin", "retake", "--quiet"],
    )?;
    Ok(root().join("target/release/retake"))
}

fn record(retake: &Path, work: &Path) -> anyhow::Result<()> {
    for (policy, operator, seed) in [
        ("expert:wrong-turn", "scripted:supervisor", "1"),
        ("expert", "scripted:demonstrator", "11"),
        ("expert:freeze", "none", "21"),
    ] {
        progress(&format!("recording {policy} with {operator}"));
        let arguments = [
            "demo",
            "--lockstep",
            "--json",
            "--episodes",
            "2",
            "--policy",
            policy,
            "--operator",
            operator,
            "--seed",
            seed,
        ];
        call(retake, work, &arguments)?;
    }
    Ok(())
}

/// An environment with all tools, made once. Returns its Python.
fn environment(options: &Options, dir: &Path) -> anyhow::Result<PathBuf> {
    let home = dir.join("env");
    let python = home.join("bin/python");
    let done = home.join("installed");
    if !done.exists() {
        progress(&format!("installing the tools into {}; this takes minutes, and 6 GB", home.display()));
        let at = home.to_string_lossy().into_owned();
        call(&options.python, dir, &["-m", "venv", "--clear", &at])?;
        let list = |tool: &Tool| root().join(format!("conformance/requirements-{}.txt", tool.name()));
        let lists: Vec<String> =
            Tool::value_variants().iter().map(|tool| list(tool).to_string_lossy().into_owned()).collect();
        let mut install = vec!["-m", "pip", "install", "--quiet", "--no-deps"];
        install.extend(lists.iter().flat_map(|list| ["--requirement", list.as_str()]));
        call(&python, dir, &install)?;
        fs::write(&done, "").with_context(|| format!("cannot write {}", done.display()))?;
    }
    Ok(python)
}

fn judged(
    options: &Options,
    (retake, python, work): (&Path, &Path, &Path),
    tool: Tool,
    case: &Case,
) -> anyhow::Result<bool> {
    let out = format!("{}-{}", tool.name(), case.name);
    let expected = format!("{}-{}.expected", tool.name(), case.name);
    let mut arguments = vec![
        "dataset",
        "export",
        "--format",
        tool.format(),
        "--out",
        &out,
        "--expected",
        &expected,
        "recordings",
    ];
    arguments.extend(case.arguments);
    call(retake, work, &arguments)?;
    let script = root().join(format!("conformance/{}.py", tool.name()));
    let train = options.train.to_string();
    let mut command = Command::new(python);
    command.current_dir(work).arg(script).arg(&out).arg(format!("{expected}/EXPECTED.jsonl"));
    command.args(["--train", &train, "--json", &format!("{out}.json")]).args(case.judge);
    Ok(command.status().context("cannot run the tool's Python")?.success())
}
