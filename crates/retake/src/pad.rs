//! `retake pad`: which gamepads there are, and what each control does.

use std::{
    fs,
    io::{Write as _, stdout},
    path::Path,
    sync::mpsc::channel,
    time::Duration,
};

use anyhow::{Context as _, bail};
use retake_bus::{Clock, StopFlag};
use retake_devices::{
    doctor::{InputProbe, live_view, pad_list},
    pad::{GilrsSource, Mapper, PadMap, PadSource as _, Situation, legend, list_pads},
};

use crate::cli::PadOptions;

const REFRESH: Duration = Duration::from_millis(50);

pub(crate) fn run(options: &PadOptions) -> anyhow::Result<()> {
    let map = match &options.map {
        None => PadMap::default(),
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            PadMap::from_toml(&text).with_context(|| format!("{} is no gamepad map", path.display()))?
        }
    };
    let pads = list_pads().context("gamepads cannot be read")?;
    let mut screen = stdout();
    if pads.is_empty() {
        for line in InputProbe::read(Path::new("/")).advice() {
            writeln!(screen, "{line}")?;
        }
        bail!("no gamepad found");
    }
    writeln!(screen, "{}\n{}", pad_list(&pads), legend(&map))?;
    if options.list {
        return Ok(());
    }
    writeln!(screen, "Move the controls; Ctrl-C ends.\n")?;
    show(map, &mut screen)
}

fn show(map: PadMap, screen: &mut impl std::io::Write) -> anyhow::Result<()> {
    let stop = StopFlag::on_signals()?;
    let mut source = GilrsSource::open()?;
    let mut mapper = Mapper::new(map);
    let mut events = Vec::new();
    let (_never, ended) = channel::<()>();
    let mut lines = 0;
    while !stop.is_set() {
        let now = Clock::System.now();
        source.poll(now, &mut events);
        for (at, event) in events.drain(..) {
            mapper.event(at, &event, Situation::default());
        }
        let controls = mapper.sample(now, Situation::default());
        let view = live_view(mapper.state(), &controls);
        if lines > 0 {
            write!(screen, "\x1b[{lines}A\x1b[J")?;
        }
        lines = view.lines().count();
        writeln!(screen, "{}", view.trim_end())?;
        screen.flush()?;
        let _timeout = ended.recv_timeout(REFRESH);
    }
    Ok(())
}
