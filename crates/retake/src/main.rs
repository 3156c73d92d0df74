//! The one binary: reads the command line, runs the command, and says in one sentence what went wrong.

mod bisect;
mod check;
mod cli;
mod collect;
mod dataset;
mod demo;
mod launch;
mod learn;
mod log;
mod loud;
mod nodes;
mod pad;
mod paint;
mod progress;
mod replay;
mod spec;
mod states;
mod suggest;
mod summary;
mod verify;

use std::process::ExitCode;

use clap::Parser as _;
use cli::{Cli, Command, LogCommand};

/// The work was done, but something that should have been recorded was not, or is damaged.
const DATA_LOST: u8 = retake_launch::DATA_LOST;

/// Whether everything that happened was recorded, and is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    All,
    NotAll,
    /// A dataset has something in it that must not be trained on.
    Spoilt,
    /// What was looked at is cut off or damaged.
    Damaged,
}

#[expect(clippy::print_stderr, reason = "the program's last word")]
fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(Kept::All) => ExitCode::SUCCESS,
        Ok(Kept::NotAll) => {
            eprintln!("retake: finished, but not everything was recorded; see the messages above");
            ExitCode::from(DATA_LOST)
        }
        Ok(Kept::Spoilt | Kept::Damaged) => ExitCode::from(DATA_LOST),
        Err(error) => {
            eprintln!("retake: {}", sentence(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<Kept> {
    match cli.command {
        Command::Demo(options) => demo::run(&options),
        Command::Launch(options) => launch::run(&options),
        Command::Node(options) => launch::run_node(&options),
        Command::Log(LogCommand::Info(options)) => log::info(&options).map(|()| Kept::All),
        Command::Log(LogCommand::Show(options)) => log::show(&options).map(|()| Kept::All),
        Command::Log(LogCommand::Tree(options)) => log::tree(&options).map(|()| Kept::All),
        Command::Log(LogCommand::Verify(options)) => check::verify(&options),
        Command::Log(LogCommand::Repair(options)) => check::repair(&options),
        Command::Replay(options) if options.verify => verify::run(&options),
        Command::Log(LogCommand::State(options)) => states::extract(&options).map(|()| Kept::All),
        Command::Suggest(options) => suggest::run(&options).map(|()| Kept::All),
        Command::Replay(options) => replay::run(&options).map(|()| Kept::All),
        Command::Dataset(command) => dataset::run(&command),
        Command::Train(options) => learn::train(&options).map(|()| Kept::All),
        Command::Eval(options) => learn::eval(&options).map(|()| Kept::All),
        Command::Learn(options) => learn::learn(&options).map(|()| Kept::All),
        Command::Study(options) => learn::study(&options).map(|()| Kept::All),
        Command::Policy(command) => learn::policies(&command).map(|()| Kept::All),
        Command::Pad(options) => pad::run(&options).map(|()| Kept::All),
    }
}

/// The error and its causes in one line. A cause that the sentence before it already tells is left out.
fn sentence(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            let join = if text.is_empty() { "" } else { ": " };
            text = format!("{text}{join}{cause}");
        }
    }
    text
}
