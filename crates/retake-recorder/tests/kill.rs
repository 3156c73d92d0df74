//! A real process is killed while it records; what it acknowledged is in the recording afterwards.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use rand::{Rng as _, SeedableRng as _};
use retake_log::{Recording, State, recover_all};
use retake_wire::{Message, Topic};

const ROUNDS: usize = 20;

/// Cargo builds examples beside the tests of the same package.
fn endless() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("examples/endless")
}

/// Lets it record for about `life`, kills it, and returns the last acknowledged tick.
fn run_and_kill(dir: &Path, name: &str, life: Duration) -> u64 {
    let mut child = Command::new(endless()).arg(dir).arg(name).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (_never, timer) = mpsc::channel::<()>();
    assert!(timer.recv_timeout(life).is_err());
    child.kill().unwrap();
    child.wait().unwrap();
    // What it printed before it died is still in the pipe.
    let printed: Vec<u64> = lines.map_while(Result::ok).filter_map(|line| line.parse().ok()).collect();
    printed.into_iter().max().unwrap_or(0)
}

fn ticks_of(path: &Path) -> Vec<u64> {
    let messages = Recording::open(path).unwrap().messages_on(&[Topic::Tick]);
    let tick = |message| if let Message::Tick(tick) = message { tick.tick } else { 0 };
    messages.map(|logged| tick(logged.unwrap().message)).collect()
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(9);
    let (mut acknowledged, mut proven) = (0, 0);
    for round in 0..ROUNDS {
        let name = format!("round-{round:02}");
        let last = run_and_kill(dir.path(), &name, Duration::from_millis(random.random_range(40..900)));
        let path = dir.path().join(&name);
        if !path.join("recording.json").exists() {
            assert_eq!(last, 0);
            continue;
        }
        // First as a reader that may touch nothing, then repaired.
        let before = ticks_of(&path);
        let found = recover_all(dir.path()).unwrap();
        assert!(found.failed.is_empty(), "{:?}", found.failed);
        let after = ticks_of(&path);
        assert_eq!(before, after, "round {round}");
        assert!(after.len() as u64 >= last, "round {round}: {} ticks of {last} acknowledged", after.len());
        assert!(after.iter().copied().eq(1..=after.len() as u64), "round {round}: not a prefix");
        let manifest = Recording::open(&path).unwrap().manifest().unwrap().clone();
        assert_ne!(manifest.state, State::Recording);
        assert!(manifest.segments.iter().all(|segment| segment.complete));
        acknowledged += last;
        proven += usize::from(last > 0);
    }
    println!(
        "{proven} of {ROUNDS} kills after an acknowledgement, {acknowledged} ticks acknowledged, 0 lost"
    );
    assert!(proven >= ROUNDS / 2, "too few kills proved anything: {proven}");
}
