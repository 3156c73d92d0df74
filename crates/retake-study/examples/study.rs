//! Runs a study: `cargo run --release -p retake-study --example study -- STUDY.toml [FOLDER [THREADS]]`. With `so-far` instead of
//! a number of threads, it shows what is finished.

use std::error::Error;
use std::path::Path;

use retake_study::{Continue, Progress, Study, run, so_far};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("usage: study STUDY.toml [FOLDER [THREADS | so-far]]")?;
    let study = Study::from_toml(&std::fs::read_to_string(&file)?)?;
    let folder = arguments.next().unwrap_or_else(|| "study".into());
    let threads = match arguments.next().as_deref() {
        Some("so-far") => {
            println!("{}", so_far(&study, Path::new(&folder))?.to_markdown());
            return Ok(());
        }
        Some(threads) => threads.parse()?,
        None => std::thread::available_parallelism()?.get(),
    };
    let told = |progress: &Progress| {
        eprintln!("{} of {}: {}", progress.done, progress.of, progress.cell);
        Continue::Yes
    };
    let results = run(&study, Path::new(&folder), threads, &told)?;
    println!("{}", results.to_markdown());
    Ok(())
}
