//! What surrounds the messages in one MCAP file: its checksums, its index and its footer.
//!
//! Chunks have checksums of their own, which [`crate::SegmentReader`] compares. Here the two that cover everything else are
//! compared, and the index with what it points at. Memory does not grow with the file.

use std::io::{self, Read};

use crc32fast::Hasher;

use crate::{cursor::Cursor, segment_reader::MAGIC};

mod op {
    pub(super) const FOOTER: u8 = 0x02;
    pub(super) const CHUNK: u8 = 0x06;
    pub(super) const CHUNK_INDEX: u8 = 0x08;
    pub(super) const STATISTICS: u8 = 0x0B;
    pub(super) const DATA_END: u8 = 0x0F;
}

/// What was found around the messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Chunks, whole or damaged.
    pub(crate) chunks: u64,
    /// It has a footer, and ends behind it.
    pub(crate) finished: bool,
    /// Where the last whole record ends, if the file is cut off there.
    pub(crate) torn: Option<u64>,
    /// Messages that the file says it holds.
    pub(crate) messages: Option<u64>,
    /// What does not agree, in words.
    pub(crate) problems: Vec<String>,
    listed: Chunks,
    met: Chunks,
}

/// Where chunks are, as a number that two lists have in common only if they are the same.
#[derive(Clone, Debug, Default)]
struct Chunks {
    count: u64,
    places: Hasher,
}

impl PartialEq for Chunks {
    fn eq(&self, other: &Self) -> bool {
        self.count == other.count && self.places.clone().finalize() == other.places.clone().finalize()
    }
}

impl Eq for Chunks {}

impl Chunks {
    fn add(&mut self, offset: u64, len: u64) {
        self.count += 1;
        self.places.update(&offset.to_le_bytes());
        self.places.update(&len.to_le_bytes());
    }
}

/// Reads a file of `len` bytes through; `tell` gets how far it is.
pub(crate) fn read(source: impl Read, len: u64, tell: &mut dyn FnMut(u64)) -> io::Result<Layout> {
    let mut layout = Layout::default();
    let mut tape = Tape { source, len, at: 0, hasher: Hasher::new() };
    if tape.pass(len.min(8))? != MAGIC {
        layout.torn = Some(0);
        return Ok(layout);
    }
    let expected = loop {
        let (begins, so_far) = (tape.at, tape.hasher.clone());
        let Some((op, body)) = tape.header()? else {
            layout.torn = Some(begins);
            return Ok(layout);
        };
        if op == op::DATA_END {
            let told = Cursor::new(&tape.pass(body)?).u32().unwrap_or_default();
            break (told, so_far.finalize());
        }
        if op == op::CHUNK {
            layout.chunks += 1;
            layout.met.add(begins, 9 + body);
        }
        tape.pass(body)?;
        tell(tape.at);
    };
    layout.compare("messages", expected);
    layout.index(&mut tape)?;
    Ok(layout)
}

impl Layout {
    /// Zero means that the writer computed none.
    fn compare(&mut self, what: &str, (told, found): (u32, u32)) {
        if told == 0 {
            self.problems.push(format!("the part with the {what} has no checksum"));
        } else if told != found {
            self.problems.push(format!("the part with the {what} has a wrong checksum"));
        }
    }

    /// Everything behind the data.
    fn index<R: Read>(&mut self, tape: &mut Tape<R>) -> io::Result<()> {
        tape.hasher = Hasher::new();
        let footer = loop {
            let Some((op, body)) = tape.header()? else {
                self.problems.push(format!("the index is cut off at byte {}", tape.at));
                return Ok(());
            };
            if op == op::FOOTER {
                break body;
            }
            let head = tape.pass(body)?;
            let mut cursor = Cursor::new(&head);
            if op == op::STATISTICS {
                self.messages = cursor.u64();
            } else if op == op::CHUNK_INDEX
                && cursor.take(16).is_some()
                && let Some((offset, len)) = cursor.u64().zip(cursor.u64())
            {
                self.listed.add(offset, len);
            }
        };
        if footer != 20 {
            self.problems.push("the footer has a wrong length".to_owned());
            return Ok(());
        }
        tape.pass(16)?;
        let found = tape.hasher.clone().finalize();
        let told = Cursor::new(&tape.pass(4)?).u32().unwrap_or_default();
        self.compare("index", (told, found));
        self.finished = tape.pass((tape.len - tape.at).min(8))? == MAGIC && tape.at == tape.len;
        if !self.finished {
            self.problems.push(format!("it does not end behind its footer, at byte {}", tape.at));
        }
        if self.listed != self.met {
            let (listed, met) = (self.listed.count, self.met.count);
            self.problems.push(format!("the index lists {listed} chunks, and not the {met} that are there"));
        }
        Ok(())
    }
}

/// A file read from front to back, under a running checksum.
struct Tape<R> {
    source: R,
    len: u64,
    at: u64,
    hasher: Hasher,
}

impl<R: Read> Tape<R> {
    /// So many bytes of what is passed are given back.
    const HEAD: usize = 64;

    /// Opcode and length of the next record, if it is there in full.
    fn header(&mut self) -> io::Result<Option<(u8, u64)>> {
        if self.len - self.at < 9 {
            return Ok(None);
        }
        let head = self.pass(9)?;
        let mut cursor = Cursor::new(&head);
        let header = cursor.u8().zip(cursor.u64());
        Ok(header.filter(|(op, len)| *op != 0 && *len <= self.len - self.at))
    }

    /// Goes on by `bytes`, which must be there, and returns the first of them.
    fn pass(&mut self, bytes: u64) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        let mut block = [0; 16 << 10];
        let mut rest = bytes;
        while rest > 0 {
            let wanted = usize::try_from(rest).unwrap_or(usize::MAX).min(block.len());
            let block = block.get_mut(..wanted).unwrap_or_default();
            self.source.read_exact(block)?;
            self.hasher.update(block);
            let room = Self::HEAD.saturating_sub(head.len());
            head.extend_from_slice(block.get(..room.min(wanted)).unwrap_or_default());
            rest -= wanted as u64;
        }
        self.at += bytes;
        Ok(head)
    }
}
