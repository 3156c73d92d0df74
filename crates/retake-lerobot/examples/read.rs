//! Reads a LeRobot dataset by hand, and tells what is in it.

use std::path::PathBuf;

use anyhow::Context as _;

#[expect(clippy::print_stdout, reason = "it is told on the terminal")]
fn main() -> anyhow::Result<()> {
    let dir = std::env::args_os().nth(1).map(PathBuf::from).context("give the dataset's folder")?;
    let dataset = retake_lerobot::read(&dir)?;
    println!("{} episodes, {} rows, {} a second", dataset.episodes, dataset.rows, dataset.fps);
    println!("state {:?}, action {:?}", dataset.state_names, dataset.action_names);
    println!("pictures {:?}, videos that are not decoded {:?}", dataset.images, dataset.videos);
    for episode in dataset {
        let episode = episode?;
        let bytes: usize = episode.rows.iter().flat_map(|row| &row.images).map(Vec::len).sum();
        let last = episode.rows.last().map(|row| (row.timestamp, &row.action));
        println!(
            "{} {:?}: {} rows, {bytes} bytes, last {last:?}",
            episode.index,
            episode.task,
            episode.rows.len()
        );
    }
    Ok(())
}
