//! What happens when the disk refuses: nothing acknowledged is lost, and everyone is told.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "deployment/disk.rs"]
mod disk;
#[path = "deployment/nodes.rs"]
mod nodes;

use std::{path::Path, time::Duration};

use disk::{Trouble, TroubledDisk};
use nodes::{Heard, Script, deployment, seconds};
use retake_log::{Durability, LocalDisk, Recording, State, recover, recover_all};
use retake_recorder::{Recorder, RecorderConfig, RecorderReport};
use retake_wire::{Message, Topic};

fn config(dir: &Path, name: &str) -> RecorderConfig {
    let mut config = RecorderConfig::lockstep(dir.to_owned(), name.to_owned(), "arm".parse().unwrap(), 7);
    config.writer.durability = Durability::EachCommit;
    config.commit_period = Duration::from_millis(100);
    config.writer.reserve_bytes = 256 << 10;
    config
}

fn ticks_of(path: &Path) -> Vec<u64> {
    let messages = Recording::open(path).unwrap().messages_on(&[Topic::Tick]);
    let tick = |message| if let Message::Tick(tick) = message { tick.tick } else { 0 };
    messages.map(|logged| tick(logged.unwrap().message)).collect()
}

fn run(recorder: Recorder, end: u64) -> (Heard, RecorderReport) {
    let report = recorder.report();
    let (mut lockstep, heard) = deployment(Script::default(), recorder);
    lockstep.run_until(seconds(end)).unwrap();
    lockstep.finish().unwrap();
    let heard = heard.lock().unwrap().clone();
    (heard, report.get().unwrap().clone())
}

/// Every tick up to the last watermark is there once, in order.
fn check_kept(path: &Path, heard: &Heard) -> Vec<u64> {
    let acknowledged = heard.watermarks.iter().map(|watermark| watermark.tick).max().unwrap();
    let ticks = ticks_of(path);
    assert!(ticks.iter().copied().eq(1..=ticks.len() as u64), "not a prefix: {ticks:?}");
    assert!(ticks.len() as u64 >= acknowledged, "{} of {acknowledged} acknowledged", ticks.len());
    ticks
}

#[test]
fn a_full_disk_closes_the_recording_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let disk = TroubledDisk::new(Trouble::FullAfter(20_000));
    let (heard, report) = run(Recorder::inline_on(config(dir.path(), "full"), Box::new(disk)).unwrap(), 20);
    let path = dir.path().join("full");
    let ticks = check_kept(&path, &heard);
    assert!(!ticks.is_empty() && ticks.len() < 1_900);
    let manifest = Recording::open(&path).unwrap().manifest().unwrap().clone();
    assert_eq!(manifest.state, State::Closed, "closed from the reserve");
    assert!(
        heard.codes.contains(&"recorder_disk_full".to_owned())
            && heard.codes.contains(&"recorder_stopped".to_owned())
    );
    let last = heard.watermarks.last().unwrap();
    assert!(!last.recording && !last.error.is_empty() && last.messages_lost > 0);
    assert_eq!(last.tick, ticks.len() as u64, "the watermark stopped where the recording did");
    assert_eq!(report.errors.len(), 1);
    mcap::Summary::read(&std::fs::read(path.join("segment-00000.mcap")).unwrap()).unwrap().unwrap();
}

#[test]
fn one_failed_sync_leads_to_a_fresh_segment_and_loses_nothing() {
    for trouble in [Trouble::FailSyncs(7..8), Trouble::FailAppends(9..10)] {
        let dir = tempfile::tempdir().unwrap();
        let disk = TroubledDisk::new(trouble.clone());
        let (heard, report) = run(Recorder::inline_on(config(dir.path(), "eio"), Box::new(disk)).unwrap(), 5);
        let path = dir.path().join("eio");
        assert_eq!(check_kept(&path, &heard).len(), 500, "{trouble:?}");
        assert_eq!((report.messages_lost, report.segments), (0, 2), "{trouble:?}");
        assert!(heard.codes.contains(&"recorder_new_segment".to_owned()));
        assert!(heard.watermarks.last().unwrap().recording);
        assert_eq!(recover(&path).unwrap().repaired.len(), 1, "the segment that failed had no footer");
        assert_eq!(check_kept(&path, &heard).len(), 500);
    }
}

#[test]
fn a_disk_that_keeps_failing_stops_the_recording() {
    let dir = tempfile::tempdir().unwrap();
    let disk = TroubledDisk::new(Trouble::FailSyncs(7..1_000));
    let (heard, report) = run(Recorder::inline_on(config(dir.path(), "eio"), Box::new(disk)).unwrap(), 5);
    let path = dir.path().join("eio");
    let kept = check_kept(&path, &heard).len() as u64;
    assert!(report.messages_lost > 0 && !heard.watermarks.last().unwrap().recording);
    assert!(kept < 500);
    assert!(recover_all(dir.path()).unwrap().failed.is_empty());
    check_kept(&path, &heard);
}

#[test]
fn a_real_full_disk_keeps_what_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mounted) = disk::small_tmpfs(dir.path(), 1 << 20) else {
        println!("not allowed to mount: the injected disk has to do");
        return;
    };
    let (heard, _) = run(Recorder::inline_on(config(dir.path(), "full"), Box::new(LocalDisk)).unwrap(), 300);
    let path = dir.path().join("full");
    let ticks = check_kept(&path, &heard);
    assert_eq!(Recording::open(&path).unwrap().manifest().unwrap().state, State::Closed);
    assert!(!heard.watermarks.last().unwrap().recording);
    assert!(heard.codes.contains(&"recorder_disk_full".to_owned()));
    println!("{} ticks on a disk of 1 MiB", ticks.len());
}
