//! `cargo run --release -p retake-robomimic --example export -- OUT.hdf5 RECORDINGS... [--segments] [--pictures] [--every N]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a tool")]

use std::{error::Error, num::NonZeroUsize, path::PathBuf};

use retake_dataset::{Key, scan, select, split};
use retake_robomimic::{Options, Pictures, export};

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    let (mut segments, mut pictures, mut every) = (false, Pictures::Off, NonZeroUsize::MIN);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--segments" => segments = true,
            "--pictures" => pictures = Pictures::Observed,
            "--every" => every = arguments.next().ok_or("--every needs a number")?.parse()?,
            path => paths.push(path.into()),
        }
    }
    let Some((out, recordings)) = paths.split_first().filter(|(_, recordings)| !recordings.is_empty()) else {
        return Err("give the file to write, and recordings".into());
    };
    let sources = select(recordings)?;
    let mut options = Options { segments, pictures, every, ..Options::new(out) };
    let mut keys: Vec<Key> = Vec::new();
    for source in &sources {
        keys.extend(scan(source, &options.rule, |_| {})?.episodes.into_iter().map(|episode| episode.key));
    }
    let split = split(&keys, 0.3, 1).ok();
    options.split = split.as_ref();
    let exported = export(&sources, &options, |progress| eprintln!("{progress:?}"))?;
    println!("{exported:#?}");
    Ok(())
}
