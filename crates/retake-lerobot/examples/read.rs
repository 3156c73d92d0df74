//! Reads a LeRobot dataset by hand, and tells what is in it.

use std::path::PathBuf;

use anyhow::Context as _;
use retake_lerobot::Videos;

#[expect(clippy::print_stdout, reason = "it is told on the terminal")]
fn main() -> anyhow::Result<()> {
    let dir = std::env::args_os().nth(1).map(PathBuf::from).context("give the dataset's folder")?;
    let dataset = retake_lerobot::read(&dir)?;
    println!("{} episodes, {} rows, {} a second", dataset.episodes, dataset.rows, dataset.fps);
    println!("state {:?}, action {:?}", dataset.state_names, dataset.action_names);
    println!("pictures {:?}, videos {:?}", dataset.images, dataset.videos);
    let mut videos = Videos::open(&dir, &dataset.videos, dataset.fps)?;
    for row in dataset {
        let row = row?;
        let pictures = videos.at(row.episode, row.timestamp)?;
        let sizes: Vec<(usize, usize)> = pictures.iter().map(|picture| picture.size).collect();
        println!("{} {:?} {:.3}: {:?}, pictures {sizes:?}", row.episode, row.task, row.timestamp, row.action);
    }
    Ok(())
}
