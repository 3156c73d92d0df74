//! What reads bytes from outside is given a corpus and ten thousands of changes of it, the same each time.

use std::{fs, path::PathBuf};

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use retake_devices::pad::PadMap;
use retake_log::{Recording, topic_of};
use retake_scripted::Script;
use retake_sim::World;
use retake_tasks::Task;
use retake_tests::{DECODERS, Deployment, Journal, Op};
use retake_wire::Topic;

/// Changes of each file of the corpus.
const CHANGES: usize = 300;
/// Bytes that lengths and numbers break at.
const EDGES: [u8; 8] = [0, 1, 0x7f, 0x80, 0xfe, 0xff, b'"', b'\n'];

fn corpus_of(name: &str) -> PathBuf {
    // Both read files of recordings.
    let name = if name == "recording" { "segment" } else { name };
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus")).join(name)
}

/// The corpus, in the order of its names.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(corpus_of(name)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut seeds: Vec<Vec<u8>> = paths.into_iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(!seeds.is_empty(), "the corpus of {name} is empty");
    if name == "snapshot" {
        // Too long for the tree, and always the same.
        seeds.push(
            World::new(&Task::by_name("lift").unwrap(), 1).unwrap().snapshot().unwrap().as_bytes().to_vec(),
        );
    }
    seeds
}

/// One to four small changes.
fn change(seed: &[u8], others: &[Vec<u8>], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..random.random_range(1..5) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = EDGES[random.random_range(0..EDGES.len())],
            2 => bytes.truncate(at),
            3 => bytes.insert(at, EDGES[random.random_range(0..EDGES.len())]),
            4 => {
                let end = (at + random.random_range(1..64)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            _ => {
                let other = &others[random.random_range(0..others.len())];
                let from = random.random_range(0..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
        }
    }
    bytes
}

#[test]
fn nothing_from_outside_makes_a_decoder_panic() {
    for decoder in DECODERS {
        let seeds = seeds(decoder.name);
        let mut random = ChaCha8Rng::seed_from_u64(7);
        (decoder.read)(&[]);
        for seed in &seeds {
            (decoder.read)(seed);
            for _ in 0..CHANGES {
                (decoder.read)(&change(seed, &seeds, &mut random));
            }
        }
    }
}

#[test]
fn each_decoder_is_a_target_of_the_fuzzer() {
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/Cargo.toml")).unwrap();
    for decoder in DECODERS {
        let target = format!("name = \"{0}\"\npath = \"targets/{0}.rs\"", decoder.name);
        assert!(manifest.contains(&target), "fuzz/Cargo.toml has no target {}", decoder.name);
    }
}

/// Writes the part of the corpus that is made by this program: `cargo test … --test it -- --ignored make_the_corpus`.
#[test]
#[ignore = "writes into the tree; for whoever changes a format"]
fn make_the_corpus() {
    let dir = tempfile::tempdir().unwrap();
    let segment: Vec<u8> = Journal::of_recording(dir.path(), "seed", 6_000)
        .into_iter()
        .skip_while(|op| !matches!(op, Op::Create(_)))
        .skip(1)
        .take_while(|op| !matches!(op, Op::Create(_)))
        .filter_map(|op| if let Op::Append(bytes) = op { Some(bytes) } else { None })
        .flatten()
        .collect();
    let put = |name: &str, file: &str, bytes: &[u8]| {
        fs::create_dir_all(corpus_of(name)).unwrap();
        fs::write(corpus_of(name).join(file), bytes).unwrap();
    };
    put("segment", "whole", &segment);
    put("segment", "cut", &segment[..segment.len() / 4]);
    put("pad_map", "default.toml", PadMap::default().to_toml().unwrap().as_bytes());
    let snapshot = World::new(&Task::by_name("lift").unwrap(), 1).unwrap().snapshot().unwrap();
    put("snapshot", "beginning", &snapshot.as_bytes()[..1_000]);
    let run = Deployment::new("lift", "expert").script(Script::Supervisor).episodes(1);
    let mut run = run.recorded(dir.path(), "rec").start();
    run.to_end();
    run.finish();
    for (number, topic) in (0..).zip(Topic::ALL) {
        let mut messages = Recording::open(&dir.path().join("rec")).unwrap().messages();
        // A short one that says something.
        while let Some((_, raw)) = messages.next_raw().unwrap() {
            if topic_of(&raw) == Some(*topic) && (20..1_000).contains(&raw.data.len()) {
                let bytes: Vec<u8> = std::iter::once(number).chain(raw.data).collect();
                put("message", raw.channel.topic.rsplit('/').next().unwrap(), &bytes);
                break;
            }
        }
    }
}
