//! Everything that reads bytes from outside, each as a function that any bytes may be given to: none may panic, hang or take
//! memory without bound. `fuzz/` runs them for hours, and the tests replay a small corpus and changes of it.

use std::{fs, io::Cursor};

use retake_devices::pad::{PadMap, parse_stream};
use retake_launch::LaunchFile;
use retake_log::{LogError, SegmentReader, repair, topic_of, verify};
use retake_sim::{Snapshot, World};
use retake_tasks::Task;
use retake_wire::{Message, Topic};

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    /// As in `fuzz/`.
    pub name: &'static str,
    /// Reads the bytes, and panics if something is wrong with how they were read.
    pub read: fn(&[u8]),
}

/// All of them.
pub const DECODERS: [Decoder; 7] = [
    Decoder { name: "segment", read: segment },
    Decoder { name: "recording", read: recording },
    Decoder { name: "message", read: message },
    Decoder { name: "pad_stream", read: pad_stream },
    Decoder { name: "pad_map", read: pad_map },
    Decoder { name: "launch", read: launch },
    Decoder { name: "snapshot", read: snapshot },
];

/// A file of a recording, message by message.
fn segment(bytes: &[u8]) {
    let mut reader = SegmentReader::new(Cursor::new(bytes), "fuzz.mcap".to_owned()).unwrap();
    while let Some(raw) = reader.next_message().unwrap() {
        if let Some(topic) = topic_of(&raw) {
            drop(Message::decode(topic, &raw.data));
        }
    }
    let integrity = reader.integrity();
    assert!(integrity.faults.len() <= 100, "{} faults are kept", integrity.faults.len());
}

/// The same as a file: verified, repaired, and whole afterwards.
fn recording(bytes: &[u8]) {
    let dir = if fs::exists("/dev/shm").unwrap_or(false) {
        tempfile::tempdir_in("/dev/shm").unwrap()
    } else {
        tempfile::tempdir().unwrap()
    };
    let path = dir.path().join("fuzz.mcap");
    fs::write(&path, bytes).unwrap();
    let before = verify(&path, &mut |_| {}).unwrap();
    match repair(&path, &mut |_| {}) {
        Ok(recovery) if recovery.repaired.is_empty() => assert_eq!(fs::read(&path).unwrap(), bytes),
        Ok(_) => {
            let after = verify(&path, &mut |_| {}).unwrap();
            assert_eq!(after.files[0].messages, before.files[0].messages, "{before:?} {after:?}");
            assert!(after.files[0].lost_bytes == 0 && after.files[0].index.is_empty(), "{after:?}");
        }
        Err(LogError::NotOurs { .. } | LogError::Mcap { .. }) => {
            assert_eq!(fs::read(&path).unwrap(), bytes, "touched all the same");
        }
        Err(error) => assert!(error.to_string().is_empty(), "{error}"),
    }
}

/// A message of the topic that the first byte says.
fn message(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let topic = Topic::ALL[usize::from(*first) % Topic::ALL.len()];
    if let Ok(message) = Message::decode(topic, rest) {
        Message::decode(topic, &message.encode()).unwrap();
    }
}

fn pad_stream(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(stream) = parse_stream(text) {
        assert!(stream.is_sorted_by_key(|stamped| stamped.at_nanos));
    }
}

fn pad_map(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(map) = PadMap::from_toml(text) {
        map.check().unwrap();
    }
}

fn launch(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match LaunchFile::parse("fuzz.toml", text) {
        Ok(file) => {
            for node in &file.nodes {
                assert!(file.endpoints(&node.name).is_some() && file.node(&node.name).is_some());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A state of the simulator, as it is and with a checksum that fits: what is behind that must hold by itself.
fn snapshot(bytes: &[u8]) {
    thread_local! {
        static WORLD: World = World::new(&Task::by_name("lift").unwrap(), 1).unwrap();
    }
    let mut fitting = bytes.to_vec();
    if let Some((head, body)) = fitting.split_at_mut_checked(12) {
        head[..4].copy_from_slice(b"RTS2");
        head[4..].copy_from_slice(&checksum(body).to_le_bytes());
    }
    WORLD.with(|world| {
        for bytes in [bytes, &fitting] {
            if let Some(snapshot) = Snapshot::from_bytes(bytes) {
                drop(world.check(&snapshot));
            }
        }
    });
}

/// FNV-1a, as snapshots have it.
fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
