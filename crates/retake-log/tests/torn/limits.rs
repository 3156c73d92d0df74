//! Whatever a file claims, reading it takes a bounded amount of memory and time.

use std::{
    fs,
    io::{self, Cursor, Read, Seek, SeekFrom},
};

use retake_log::{Integrity, MAX_CHUNK_BYTES, MAX_RECORD_BYTES, SegmentReader, verify};

use crate::cuts::{keys_of, record};

const CHUNK: u8 = 0x06;
const MESSAGE: u8 = 0x05;
const METADATA: u8 = 0x0C;

fn read(source: impl Read + Seek) -> (u64, Integrity) {
    let mut reader = SegmentReader::new(source, "test.mcap".to_owned()).unwrap();
    let mut messages = 0;
    while reader.next_message().unwrap().is_some() {
        messages += 1;
    }
    (messages, reader.integrity().clone())
}

fn record_of(op: u8, body: &[u8]) -> Vec<u8> {
    [&[op][..], &(body.len() as u64).to_le_bytes(), body].concat()
}

/// A chunk record that claims `claimed` bytes.
fn chunk(claimed: u64, compression: &str, packed: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 16];
    body.extend(claimed.to_le_bytes());
    body.extend(0_u32.to_le_bytes());
    body.extend(u32::try_from(compression.len()).unwrap().to_le_bytes());
    body.extend(compression.as_bytes());
    body.extend((packed.len() as u64).to_le_bytes());
    body.extend(packed);
    record_of(CHUNK, &body)
}

/// The bytes of a good recording, and where its first chunk begins.
fn good() -> (Vec<u8>, usize) {
    let dir = tempfile::tempdir().unwrap();
    let made = record(dir.path(), "good", 40, 4);
    let bytes = fs::read(made.path.join("segment-00000.mcap")).unwrap();
    let mut at = 8;
    while bytes[at] != CHUNK {
        at += 9 + usize::try_from(u64::from_le_bytes(bytes[at + 1..at + 9].try_into().unwrap())).unwrap();
    }
    (bytes, at)
}

/// `piece` put before the first chunk of a good recording.
fn with(piece: &[u8]) -> Vec<u8> {
    let (bytes, at) = good();
    [&bytes[..at], piece, &bytes[at..]].concat()
}

#[test]
fn a_chunk_that_unpacks_to_too_much_is_left_out_and_the_rest_is_read() {
    let zeros = vec![0; usize::try_from(MAX_CHUNK_BYTES).unwrap() + 1];
    let bomb = zstd::bulk::compress(&zeros, 3).unwrap();
    assert!(bomb.len() < 100_000);
    for (claimed, reason) in [
        (zeros.len() as u64, "more than the"),
        (u64::MAX, "more than the"),
        (1_000, "1001 bytes where 1000 were claimed"),
    ] {
        let (messages, integrity) = read(Cursor::new(with(&chunk(claimed, "zstd", &bomb))));
        assert_eq!((messages, integrity.faults.len()), (80, 1), "{integrity:?}");
        assert!(integrity.faults[0].reason.contains(reason), "{integrity:?}");
    }
}

#[test]
fn an_lz4_bomb_is_cut_off_as_well() {
    let mut encoder = lz4::EncoderBuilder::new().build(Vec::new()).unwrap();
    io::copy(&mut io::repeat(0).take(32 << 20), &mut encoder).unwrap();
    let (bomb, done) = encoder.finish();
    done.unwrap();
    let (messages, integrity) = read(Cursor::new(with(&chunk(1_000, "lz4", &bomb))));
    assert_eq!((messages, integrity.faults.len()), (80, 1), "{integrity:?}");
    assert!(integrity.faults[0].reason.contains("1001 bytes"), "{integrity:?}");
}

/// A file with a record of `len` bytes in it that are never stored anywhere, and how many of them were read.
struct Sparse {
    head: Vec<u8>,
    len: u64,
    tail: Vec<u8>,
    at: u64,
    read: u64,
}

impl Read for Sparse {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (head, hole) = (self.head.len() as u64, self.head.len() as u64 + self.len);
        let count = if self.at < head {
            (&self.head[usize::try_from(self.at).unwrap()..]).read(buffer)?
        } else if self.at < hole {
            let count = buffer.len().min(usize::try_from((hole - self.at).min(1 << 20)).unwrap());
            buffer[..count].fill(0);
            self.read += count as u64;
            count
        } else {
            (&self.tail[usize::try_from(self.at - hole).unwrap()..]).read(buffer)?
        };
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(back) => {
                (self.head.len() as u64 + self.len + self.tail.len() as u64).strict_add_signed(back)
            }
            SeekFrom::Current(by) => self.at.strict_add_signed(by),
        };
        Ok(self.at)
    }
}

#[test]
fn a_record_that_is_too_long_is_skipped_unread_and_what_follows_is_read() {
    let (bytes, at) = good();
    for op in [CHUNK, MESSAGE, METADATA] {
        let len = MAX_RECORD_BYTES + 1;
        let head = [&bytes[..at], &[op], &len.to_le_bytes()].concat();
        let mut sparse = Sparse { head, len, tail: bytes[at..].to_vec(), at: 0, read: 0 };
        let (messages, integrity) = read(&mut sparse);
        assert_eq!((messages, integrity.faults.len()), (80, 1), "{integrity:?}");
        assert!(integrity.faults[0].reason.contains("longer than allowed"), "{integrity:?}");
        assert!(sparse.read < 1 << 20, "{} bytes of it were read", sparse.read);
    }
}

#[test]
fn definitions_without_end_are_bounded() {
    let mut piece = Vec::new();
    for number in 0..40_u32 {
        // A name, and one value of a megabyte.
        let pair =
            [&1_u32.to_le_bytes()[..], b"k", &(1_u32 << 20).to_le_bytes(), &vec![b'v'; 1 << 20]].concat();
        let name = format!("m{number:02}");
        let body = [
            &3_u32.to_le_bytes()[..],
            name.as_bytes(),
            &u32::try_from(pair.len()).unwrap().to_le_bytes(),
            &pair,
        ]
        .concat();
        piece.extend(record_of(METADATA, &body));
    }
    let mut reader = SegmentReader::new(Cursor::new(with(&piece)), "test.mcap".to_owned()).unwrap();
    while reader.next_message().unwrap().is_some() {}
    let kept: usize = reader.metadata().values().flat_map(|values| values.values()).map(String::len).sum();
    assert!((1 << 20..17 << 20).contains(&kept), "{kept} bytes of metadata are kept");
}

#[test]
fn hostile_files_are_verified_within_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hostile.mcap");
    let (bytes, at) = good();
    for piece in [
        [&[CHUNK][..], &u64::MAX.to_le_bytes()].concat(),
        [&[METADATA][..], &(u64::MAX - 9).to_le_bytes()].concat(),
        vec![0; 100],
        chunk(u64::MAX, "zstd", &[1; 50]),
    ] {
        fs::write(&path, [&bytes[..at], &piece, &bytes[at..]].concat()).unwrap();
        let found = verify(&path, &mut |_| {}).unwrap();
        assert!(!found.whole, "{found:?}");
    }
    fs::write(&path, &bytes).unwrap();
    assert!(verify(&path, &mut |_| {}).unwrap().whole);
    assert_eq!(keys_of(&bytes).len(), 80);
}
