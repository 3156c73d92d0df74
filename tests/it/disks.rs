//! Disks that fail and power that is cut, as `cargo xtask kill` tries them thousands of times.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use retake_log::{Disk, DiskFile, LocalDisk};
use retake_recorder::{Recorder, RecorderConfig};
use retake_tests::{Cuts, Journal, Op, Operation, Share, Trial, try_disk};

/// A folder whose syncs cost nothing, where there is one.
fn fast_dir() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

#[test]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let (source, target) = (tempfile::tempdir().unwrap(), fast_dir());
    let ops = Journal::of_recording(source.path(), "cut", 256 << 10);
    let tally = Cuts::of(&ops, target.path(), Share { every: 127, part: 0, of: 1 }, |_, _| {});
    assert!(tally.bytes >= 256 << 10 && tally.acknowledged > 400, "{tally:?}");
    assert!(tally.torn > 2_000 && tally.zeroed > 2_000 && tally.synced > 50, "{tally:?}");
    assert_eq!((tally.failed, tally.faults.as_slice()), (0, &[][..]));
}

#[test]
fn disks_that_fail_lose_nothing_that_was_acknowledged_and_are_told() {
    let dir = fast_dir();
    let (mut fired, mut survived, mut stopped) = (0, 0, 0);
    for seed in 0..60 {
        let trial = Trial::of_seed(seed);
        let place = dir.path().join(seed.to_string());
        let outcome = try_disk(&trial, &place, "trial");
        assert_eq!(outcome.faults, Vec::<String>::new(), "seed {seed}: {trial:?} {outcome:?}");
        fired += u64::from(outcome.fired > 0);
        survived += u64::from(outcome.survived);
        stopped += u64::from(outcome.fired > 0 && !outcome.survived && !outcome.refused);
    }
    assert!(
        fired > 30 && survived > 5 && stopped > 5,
        "{fired} fired, {survived} survived, {stopped} stopped"
    );
}

#[test]
fn each_kind_of_refusal_is_among_the_trials() {
    let tried: Vec<Operation> = (0..60).map(|seed| Trial::of_seed(seed).plan.operation).collect();
    for operation in Operation::ALL {
        assert!(tried.contains(&operation), "{operation:?} is never tried");
    }
}

#[test]
fn nothing_is_acknowledged_before_its_bytes_and_its_name_are_durable() {
    let dir = tempfile::tempdir().unwrap();
    let ops = Journal::of_recording(dir.path(), "order", 256 << 10);
    let (mut bytes_durable, mut name_durable, mut told, mut news) = (true, true, 0, 0);
    for op in &ops {
        match op {
            Op::Create(_) => name_durable = false,
            Op::SyncDir => name_durable = true,
            Op::Append(_) => {
                assert!(name_durable, "bytes go to a file whose name a power cut would take");
                bytes_durable = false;
            }
            Op::Sync => bytes_durable = true,
            Op::Acknowledged(tick) if *tick > told => {
                assert!(bytes_durable, "tick {tick} is acknowledged before it is synced");
                (told, news) = (*tick, news + 1);
            }
            Op::Acknowledged(_) | Op::Cut(_) | Op::Manifest(_) => {}
        }
    }
    assert!(matches!(ops.first(), Some(Op::Manifest(_))), "the manifest comes first");
    assert!(news > 10, "{news} acknowledgements");
}

/// The local disk, and the directories whose names were made durable.
#[derive(Clone, Debug, Default)]
struct Noting(Arc<Mutex<Vec<PathBuf>>>);

impl Disk for Noting {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        LocalDisk.create(path)
    }

    fn sync_dir(&mut self, path: &Path) -> io::Result<()> {
        self.0.lock().unwrap().push(path.to_owned());
        LocalDisk.sync_dir(path)
    }

    fn replace(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        LocalDisk.replace(path, bytes)
    }

    fn reserve(&mut self, path: &Path, bytes: u64) -> io::Result<()> {
        LocalDisk.reserve(path, bytes)
    }

    fn free_bytes(&self, path: &Path) -> Option<u64> {
        LocalDisk.free_bytes(path)
    }

    fn second(&self) -> Box<dyn Disk> {
        Box::new(self.clone())
    }
}

#[test]
fn the_names_of_all_new_directories_are_durable() {
    let dir = tempfile::tempdir().unwrap();
    let (noting, robot) = (Noting::default(), "arm".parse().unwrap());
    let config = RecorderConfig::lockstep(dir.path().join("new/recordings"), "one".to_owned(), robot, 7);
    drop(Recorder::inline_on(config, Box::new(noting.clone())).unwrap());
    let synced = noting.0.lock().unwrap().clone();
    for parent in ["", "new", "new/recordings"] {
        let parent = dir.path().join(parent);
        assert!(
            synced.iter().any(|dir| dir.components().eq(parent.components())),
            "{parent:?} is not in {synced:?}"
        );
    }
}
