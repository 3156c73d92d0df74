//! Shows an episode that never happened: `cargo run --release -p retake-viz --example synthetic -- web|native|FILE.rrd`.

#[expect(clippy::expect_used, reason = "a made-up run is right by construction")]
#[path = "../src/tests/run.rs"]
mod run;

use std::{error::Error, io::Read as _};

use retake_viz::{View, Viz, replay};

#[expect(clippy::print_stdout, reason = "its output")]
fn main() -> Result<(), Box<dyn Error>> {
    let target = std::env::args().nth(1).unwrap_or_else(|| "web".into());
    let view = match target.as_str() {
        "web" => View::Web { port: None },
        "native" => View::Native,
        path => View::File(path.into()),
    };
    let mut viz = Viz::open(&view, "synthetic")?;
    if let Some(address) = viz.address() {
        println!("{address}");
    }
    let shown = replay(run::messages(run::SECONDS), &mut viz, |_, _| {})?;
    println!("{} messages, {} refused", shown.messages, shown.refused);
    if matches!(view, View::Web { .. }) {
        println!("serving until standard input ends");
        std::io::stdin().read_to_end(&mut Vec::new())?;
    }
    Ok(())
}
