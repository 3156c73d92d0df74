//! No byte that is read is trusted.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "made/recording.rs"]
mod made;

use std::fs;

use made::{fast_dir, record};
use rand::{Rng as _, SeedableRng as _};
use retake_robomimic::{Limits, Options, Pictures, Reader, export, read};
use retake_wire::pb::{SegmentKind, Verdict};

fn everything(path: &std::path::Path) -> Result<usize, retake_robomimic::RobomimicError> {
    let limits =
        Limits { dataset_bytes: 1 << 20, demo_bytes: 4 << 20, chunk_bytes: 1 << 20, ..Limits::default() };
    let reader = Reader::open(path, limits)?;
    let mut steps = 0;
    for demo in reader.demos() {
        let demo = demo?;
        steps += demo.samples;
        for name in demo.pictures.keys() {
            reader.picture(&demo.name, name, 0)?;
        }
    }
    Ok(steps)
}

#[test]
fn what_is_no_such_file_is_said_to_be_none() {
    let dir = fast_dir();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("empty"), b"").unwrap();
    fs::write(at("text"), b"this is no HDF5 file, but long enough to be looked at for a signature").unwrap();
    assert!(read(&at("absent")).unwrap_err().to_string().contains("cannot open"));
    assert!(read(&at("empty")).unwrap_err().to_string().contains("it is empty"));
    assert!(read(&at("text")).unwrap_err().to_string().contains("text, its start"));
    assert!(read(dir.path()).unwrap_err().to_string().contains("not a file"));
}

#[test]
fn claims_beyond_the_limits_are_refused() {
    let dir = fast_dir();
    let source = record(dir.path(), "rec", &vec![(vec![(SegmentKind::Policy, 20)], Verdict::Success)], Some);
    let out = dir.path().join("out.hdf5");
    export(&[source], &Options::new(&out), |_| {}).unwrap();
    for limits in [
        Limits { demos: 0, ..Limits::default() },
        Limits { dataset_bytes: 100, ..Limits::default() },
        Limits { demo_bytes: 1000, ..Limits::default() },
        Limits { text_bytes: 3, ..Limits::default() },
    ] {
        let opened = Reader::open(&out, limits).and_then(|reader| reader.demo("demo_0"));
        assert!(opened.is_err(), "{limits:?}");
    }
}

/// A type of three thousand arrays in one another fits into a header, and would exhaust a usual thread's stack.
#[test]
fn nesting_exhausts_no_stack() {
    use rust_hdf5::{DatatypeMessage, H5File};
    let dir = fast_dir();
    let path = dir.path().join("nested.hdf5");
    let write = || {
        let file = H5File::create(&path).unwrap();
        let data = file.create_group("data").unwrap();
        let demo = data.create_group("demo_0").unwrap();
        demo.set_attr_numeric("num_samples", &1_i64).unwrap();
        let nested =
            (0..3_000).fold(DatatypeMessage::u8_type(), |inner, _| DatatypeMessage::array(vec![1], inner));
        let dataset = demo.new_dataset::<u8>().datatype(nested).shape([1]).create("actions").unwrap();
        dataset.write_raw_bytes(&[7]).unwrap();
        drop((data, demo, dataset));
        file.close().unwrap();
    };
    std::thread::scope(|scope| {
        std::thread::Builder::new().stack_size(256 << 20).spawn_scoped(scope, write).unwrap().join().unwrap();
    });
    assert!(everything(&path).is_err());
}

/// Flips and cuts a small file some thousand times. Whatever comes of it, it is an answer.
#[test]
fn damage_is_an_error_and_never_a_panic() {
    let dir = fast_dir();
    let source = record(dir.path(), "rec", &vec![(vec![(SegmentKind::Policy, 4)], Verdict::Success)], Some);
    let out = dir.path().join("out.hdf5");
    export(&[source], &Options { pictures: Pictures::Observed, ..Options::new(&out) }, |_| {}).unwrap();
    assert_eq!(everything(&out).unwrap(), 4);
    let whole = fs::read(&out).unwrap();
    let broken = dir.path().join("broken.hdf5");
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let mut refused = 0;
    for round in 0..6_000 {
        let mut bytes = whole.clone();
        if round % 5 == 0 {
            bytes.truncate(random.random_range(0..bytes.len()));
        }
        for _ in 0..random.random_range(1..8) {
            if bytes.is_empty() {
                break;
            }
            let place = random.random_range(0..bytes.len());
            bytes[place] = match random.random_range(0..4) {
                0 => 0,
                1 => 0xff,
                2 => bytes[place] ^ (1 << random.random_range(0..8)),
                _ => random.random(),
            };
        }
        fs::write(&broken, &bytes).unwrap();
        if let Err(error) = everything(&broken) {
            assert!(error.to_string().contains("broken.hdf5"), "{error}");
            refused += 1;
        }
    }
    assert!(refused > 1_000, "{refused} of 6000 are refused");
}
