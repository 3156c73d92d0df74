//! `cargo run --release -p retake-robomimic --example read -- FILE`: what is in a robomimic file, whoever wrote it.

#![expect(clippy::print_stdout, reason = "it is a tool")]

use std::{error::Error, path::Path};

use retake_robomimic::read;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("give a file")?;
    let reader = read(Path::new(&path))?;
    println!("env_args {}, total {:?}", reader.env_args(), reader.total());
    for (name, demos) in reader.masks() {
        println!("filter key {name}: {} demos", demos.len());
    }
    for demo in reader.demos() {
        let demo = demo?;
        println!(
            "{}: {} steps, actions {:?}, {:?}",
            demo.name, demo.samples, demo.actions.shape, demo.attributes
        );
        for (name, array) in &demo.columns {
            println!("  {name} {:?}", array.shape);
        }
        println!("  not read: {:?} {:?}", demo.pictures, demo.others);
    }
    Ok(())
}
