//! Whatever happens to the bytes of a recording, what was committed before them is read back.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "made/cuts.rs"]
mod cuts;
#[path = "torn/limits.rs"]
mod limits;
#[path = "made/recordings.rs"]
mod made;

use std::{fs, io::Cursor, path::Path};

use cuts::{Made, keys_of, record};
use rand::{Rng as _, SeedableRng as _};
use retake_log::{Fault, Recording, SegmentReader, State, recover, recover_all};

/// Ticks that can be read from the first bytes of a segment.
fn ticks_in(bytes: &[u8]) -> Vec<u64> {
    let mut reader = SegmentReader::new(Cursor::new(bytes), "cut.mcap".to_owned()).unwrap();
    let mut ticks = Vec::new();
    while let Some(raw) = reader.next_message().unwrap() {
        if raw.channel.topic.ends_with("arbiter/tick") {
            ticks.push(u64::from(raw.sequence));
        }
    }
    ticks
}

fn acknowledged(made: &Made, len: u64) -> u64 {
    made.commits.iter().filter(|(bytes, _)| *bytes <= len).map(|(_, tick)| *tick).max().unwrap_or(0)
}

fn check_cut(made: &Made, whole: &[u8], len: usize) {
    let ticks = ticks_in(&whole[..len]);
    let expected = acknowledged(made, len as u64);
    assert!(ticks.len() as u64 >= expected, "cut at {len}: {} ticks of {expected} acknowledged", ticks.len());
    assert!(ticks.iter().copied().eq(1..=ticks.len() as u64), "cut at {len}: not a prefix");
}

#[test]
fn a_small_recording_cut_at_every_byte_keeps_what_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let made = record(dir.path(), "cut", 40, 4);
    let whole = fs::read(made.path.join("segment-00000.mcap")).unwrap();
    for len in 0..=whole.len() {
        check_cut(&made, &whole, len);
    }
    assert_eq!(acknowledged(&made, whole.len() as u64), 40);
}

#[test]
fn a_large_recording_cut_anywhere_keeps_what_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let made = record(dir.path(), "cut", 6_000, 10);
    let whole = fs::read(made.path.join("segment-00000.mcap")).unwrap();
    assert!(whole.len() > 256 << 10, "{}", whole.len());
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    for _ in 0..100 {
        let len = random.random_range(0..whole.len());
        check_cut(&made, &whole, len);
    }
}

/// Cuts the recording at `len`, as a crash would, and repairs it.
fn repair_cut(made: &Made, whole: &[u8], len: usize) -> Vec<u8> {
    let segment = made.path.join("segment-00000.mcap");
    fs::write(&segment, &whole[..len]).unwrap();
    made::reopen(&made.path);
    let recovery = recover(&made.path).unwrap();
    assert_eq!(recovery.repaired.len(), 1, "cut at {len}");
    assert_eq!(recover(&made.path).unwrap().repaired.len(), 0, "not idempotent at {len}");
    let repaired = fs::read(&segment).unwrap();
    assert_eq!(ticks_in(&repaired), ticks_in(&whole[..len]), "cut at {len}");
    repaired
}

#[test]
fn repaired_files_open_with_the_stock_reader() {
    let dir = made::fast_dir();
    let made = record(dir.path(), "cut", 40, 4);
    let whole = fs::read(made.path.join("segment-00000.mcap")).unwrap();
    for len in (0..whole.len() - 1).step_by(61) {
        let repaired = repair_cut(&made, &whole, len);
        let stock: Vec<_> = mcap::MessageStream::new(&repaired).unwrap().map(Result::unwrap).collect();
        let ours = keys_of(&repaired);
        assert_eq!(stock.len(), ours.len(), "cut at {len}");
        let summary = mcap::Summary::read(&repaired).unwrap().unwrap();
        assert_eq!(summary.stats.unwrap().message_count, stock.len() as u64, "cut at {len}");
        let manifest = Recording::open(&made.path).unwrap().manifest().unwrap().clone();
        assert_eq!((manifest.state, manifest.segments[0].messages), (State::Recovered, stock.len() as u64));
    }
}

#[test]
fn reading_what_was_cut_changes_nothing_and_tells() {
    let dir = tempfile::tempdir().unwrap();
    let made = record(dir.path(), "cut", 40, 4);
    let segment = made.path.join("segment-00000.mcap");
    let whole = fs::read(&segment).unwrap();
    let len = usize::try_from(made.commits[3].0).unwrap() + 5;
    fs::write(&segment, &whole[..len]).unwrap();
    let mut messages = Recording::open(&made.path).unwrap().messages();
    assert!(messages.by_ref().all(|logged| logged.is_ok()));
    let fault = Fault {
        file: "segment-00000.mcap".to_owned(),
        offset: made.commits[3].0,
        bytes: 5,
        reason: "it was cut off while it was written".to_owned(),
    };
    assert_eq!(messages.integrity().faults, [fault]);
    assert_eq!(messages.integrity().unfinished_segments, 1);
    assert_eq!(fs::read(&segment).unwrap().len(), len);
}

#[test]
fn flipped_bits_never_panic_and_never_invent() {
    let dir = tempfile::tempdir().unwrap();
    let made = record(dir.path(), "flip", 400, 10);
    let whole = fs::read(made.path.join("segment-00000.mcap")).unwrap();
    let good: std::collections::BTreeSet<_> = keys_of(&whole).into_iter().collect();
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(2);
    for _ in 0..2_000 {
        let mut spoiled = whole.clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..spoiled.len());
            spoiled[at] ^= 1 << random.random_range(0..8);
        }
        // Chunks have checksums, so every message is one that was written.
        assert!(keys_of(&spoiled).iter().all(|key| good.contains(key)));
    }
}

#[test]
fn a_damaged_chunk_costs_itself_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let made = record(dir.path(), "flip", 400, 10);
    let mut bytes = fs::read(made.path.join("segment-00000.mcap")).unwrap();
    let inside = usize::try_from(made.commits[5].0).unwrap() + 80;
    bytes[inside] ^= 1;
    let ticks = ticks_in(&bytes);
    assert_eq!(ticks.len(), 390);
    assert_eq!((ticks[59], ticks[60]), (60, 71));
}

#[test]
fn a_recording_in_use_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = made::writer(dir.path(), "live");
    cuts::append(&mut writer, 1..=5);
    writer.commit(made::at(5)).unwrap();
    let found = recover_all(dir.path()).unwrap();
    assert_eq!((found.in_use.len(), found.recovered.len(), found.failed.len()), (1, 0, 0));
    drop(writer);
    assert_eq!(recover_all(dir.path()).unwrap().recovered.len(), 1);
    assert!(!Path::new(&dir.path().join("live/.reserve")).exists());
}
