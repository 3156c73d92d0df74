//! States of the simulator as files: taken out of a recording, and given to a run to begin in.

use std::{
    ffi::OsStr,
    fs,
    io::{Read as _, Write as _, stdout},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use retake_deployment::StartState;
use retake_log::{EpisodeStates, PlacedState, Recording, episode_states, named_state};
use retake_sim::{SNAPSHOT_LIMIT, Snapshot, World, is_state_name};
use retake_tasks::Task;
use retake_wire::pb::SimState;

use crate::cli::StateOptions;

/// How a state's file name ends.
const ENDING: &str = "state";

/// The states that are asked for, each a file or a name in the library. Whether the simulator can begin in them it says itself.
pub(crate) fn load(asked: &[String], library: &Path, task: &Task) -> anyhow::Result<Vec<StartState>> {
    let mut states: Vec<StartState> = Vec::new();
    for text in asked {
        let state = read(text, library, task)?;
        if states.iter().any(|known| known.name == state.name) {
            bail!("two start states are called {:?}; give one of them another file name", state.name);
        }
        states.push(state);
    }
    Ok(states)
}

fn read(text: &str, library: &Path, task: &Task) -> anyhow::Result<StartState> {
    let given = PathBuf::from(text);
    let is_file = given.extension() == Some(OsStr::new(ENDING)) || given.components().count() > 1;
    let path = if is_file { given } else { library.join(&task.name).join(format!("{text}.{ENDING}")) };
    let name = path.file_stem().and_then(OsStr::to_str).unwrap_or_default().to_owned();
    if !is_state_name(&name) {
        bail!(
            "{} cannot be a start state: its name may have only letters, digits, '-', '_' and '.'",
            path.display()
        );
    }
    let file = fs::File::open(&path)
        .with_context(|| format!("cannot read the start state {}{}", path.display(), there_are(&path)))?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells that it is too long.
    let most = SNAPSHOT_LIMIT as u64 + 1;
    file.take(most).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    let Some(snapshot) = Snapshot::from_bytes(&bytes) else {
        bail!("{} is no start state: it is longer than any may be", path.display())
    };
    // Said here, where the file is known.
    World::new(task, 0)?.check(&snapshot).with_context(|| format!("cannot start in {}", path.display()))?;
    Ok(StartState { name, snapshot })
}

/// What lies beside a file that is missing, for the message.
fn there_are(path: &Path) -> String {
    let entries = path.parent().and_then(|dir| fs::read_dir(dir).ok()).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension() == Some(OsStr::new(ENDING)))
        .filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .take(20)
        .collect();
    names.sort();
    if names.is_empty() || path.exists() {
        String::new()
    } else {
        format!(" (there are {})", names.join(", "))
    }
}

/// `retake log state`.
pub(crate) fn extract(options: &StateOptions) -> anyhow::Result<()> {
    if options.out.extension() != Some(OsStr::new(ENDING)) {
        bail!("--out {} must end in .{ENDING}", options.out.display());
    }
    if options.before.is_some_and(|seconds| !(seconds.is_finite() && seconds >= 0.0)) {
        bail!("--before must be a number of seconds, 0 or more");
    }
    let recording = Recording::open(&options.path)?;
    let (state, told) = match (&options.name, options.episode) {
        (Some(name), _) => named(&recording, name)?,
        (None, Some(episode)) => placed(&recording, episode, options)?,
        (None, None) => bail!("--episode or --name is needed"),
    };
    let mut file = fs::File::create_new(&options.out)
        .with_context(|| format!("cannot write {}", options.out.display()))?;
    file.write_all(&state.state).with_context(|| format!("cannot write {}", options.out.display()))?;
    let told =
        format!("{}: {told}, task {}, {} bytes\n", options.out.display(), state.task, state.state.len());
    Ok(stdout().write_all(told.as_bytes())?)
}

fn named(recording: &Recording, name: &str) -> anyhow::Result<(SimState, String)> {
    let Some(state) = named_state(recording, name)? else {
        bail!("no state was saved as {name:?} in {}", recording.path().display())
    };
    let told = format!("the state saved as {name:?}");
    Ok((state, told))
}

fn placed(recording: &Recording, episode: u64, options: &StateOptions) -> anyhow::Result<(SimState, String)> {
    let mut found = states_of(recording, episode)?;
    let (end, latest) = (found.end, options.tick.unwrap_or(u64::MAX));
    let before = options.before.unwrap_or(0.0);
    // A millionth for the rounding of what was printed.
    let wanted =
        |placed: &PlacedState| placed.place.tick <= latest && placed.place.seconds_to(end) >= before - 1e-6;
    let Some(index) = found.states.iter().rposition(wanted) else {
        let first = found.states.first().map(|placed| placed.place).unwrap_or_default();
        bail!(
            "there is no state that early in episode {episode}: its first is at tick {}, {:.1} s before the end",
            first.tick,
            first.seconds_to(end)
        )
    };
    let PlacedState { place, state } = found.states.swap_remove(index);
    let told =
        format!("episode {episode}, tick {}, {:.1} s before the end", place.tick, place.seconds_to(end));
    Ok((state, told))
}

/// The states of an episode that is there and has some.
pub(crate) fn states_of(recording: &Recording, episode: u64) -> anyhow::Result<EpisodeStates> {
    let found = episode_states(recording, episode)?;
    let path = recording.path().display();
    if found.start.is_none() {
        match (found.episodes.first(), found.episodes.last()) {
            (Some(first), Some(last)) => bail!("no episode {episode} in {path}; there are {first} to {last}"),
            _ => bail!("no episodes in {path}"),
        }
    }
    if found.states.is_empty() {
        bail!(
            "no states of the simulator in episode {episode} of {path}; a real robot has none, nor have recordings before 0.2"
        );
    }
    Ok(found)
}
