//! What takes longer than the test suite: `cargo xtask NAME`.

mod bench;
mod conformance;
mod faults;
mod fuzz;
mod kill;
mod mutants;
mod pace;
mod report;
mod stats;
mod timed;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What takes longer than the test suite. Progress goes to standard error, figures to standard output.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure, beside a floor measured in the same minute, and check the bounds that are promised.
    Bench(bench::Options),
    /// Export recordings, and let `LeRobot` itself compare every row and train on them.
    Conformance(conformance::Options),
    /// Inject faults between real processes, and count unsafe commands that the driver applied.
    Faults(faults::Options),
    /// One process of a fault campaign.
    #[command(hide = true)]
    Node(faults::node::Options),
    /// Kill recorders, fill and break their disks, cut power at every byte, and count what was acknowledged and is lost.
    Kill(kill::Options),
    /// One recorder of `kill`.
    #[command(hide = true)]
    Recorder(kill::child::Options),
    /// Random walks and storms, judged by models that know no rule of the code.
    Fuzz(fuzz::Options),
    /// Small changes to the pure crates, and how many of them their tests notice.
    Mutants(mutants::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Bench(options) => bench::run(&options),
        Command::Conformance(options) => conformance::run(&options),
        Command::Faults(options) => faults::run(&options),
        Command::Node(options) => faults::node::run(&options),
        Command::Kill(options) => kill::run(&options),
        Command::Recorder(options) => kill::child::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Mutants(options) => mutants::run(&options),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            report::progress(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
