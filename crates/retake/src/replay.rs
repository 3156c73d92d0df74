//! `retake replay`: a recording in Rerun.

use std::io::{IsTerminal as _, Write as _, stderr};

use anyhow::bail;
use retake_bus::StopFlag;
use retake_log::Recording;
use retake_units::MonoTime;
use retake_viz::{Viz, replay};

use crate::{cli::ReplayOptions, spec::ViewSpec};

const PROGRESS_EVERY: u64 = 2_000;

#[expect(clippy::print_stderr, reason = "the person at the terminal is told where to look")]
pub(crate) fn run(options: &ReplayOptions) -> anyhow::Result<()> {
    let recording = Recording::open(&options.path)?;
    let Some(view) = options.view.view(None) else {
        bail!("replay needs a view: web, native, or a file ending in .rrd")
    };
    let mut messages = recording.messages().peekable();
    if messages.peek().is_none() {
        bail!(
            "{} holds nothing that can be shown: it is empty, damaged or no recording",
            options.path.display()
        );
    }
    let mut viz = Viz::open(&view, &options.path.display().to_string())?;
    let address = viz.address().map(str::to_owned);
    if let Some(address) = &address {
        eprintln!("watch: {address}");
    }
    let mut failed = None;
    let heard = std::iter::from_fn(|| match messages.next()? {
        Ok(logged) => Some((logged.at, logged.message)),
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    let replayed = replay(heard, &mut viz, progress)?;
    if stderr().is_terminal() {
        eprintln!();
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    eprintln!("{} messages shown, {} could not be", replayed.messages, replayed.refused);
    viz.flush()?;
    if matches!(options.view, ViewSpec::Web) {
        eprintln!("the viewer is served until Ctrl-C");
        wait(&StopFlag::on_signals()?);
    }
    Ok(())
}

fn progress(count: u64, at: MonoTime) {
    if count.is_multiple_of(PROGRESS_EVERY) && stderr().is_terminal() {
        // If the terminal is gone there is nobody to tell.
        let _written = write!(stderr(), "\r  {count} messages, {:.1} s", at.nanos() as f64 / 1e9);
    }
}

fn wait(stop: &StopFlag) {
    let (_never, ended) = std::sync::mpsc::channel::<()>();
    while !stop.is_set() {
        let _timeout = ended.recv_timeout(std::time::Duration::from_millis(100));
    }
}
