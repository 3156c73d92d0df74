//! Reads one MCAP file from front to back, whatever state it is in.
//!
//! A torn tail ends the file where its last whole record ends. A damaged chunk is left out and reading goes on behind it.
//! Both are reported. Memory is bounded by [`MAX_RECORD_BYTES`] and [`MAX_CHUNK_BYTES`], whatever the file claims.

use std::{
    collections::BTreeMap,
    io::{self, Read, Seek, SeekFrom},
    sync::Arc,
};

use crate::{Fault, Integrity, chunk, cursor::Cursor};

/// No longer record is read.
pub const MAX_RECORD_BYTES: u64 = 64 << 20;
/// No chunk is unpacked to more than this.
pub const MAX_CHUNK_BYTES: u64 = 64 << 20;
/// All schemas and channels of a file together may have this many bytes.
const MAX_DEFINITION_BYTES: usize = 16 << 20;
pub(crate) const MAGIC: &[u8; 8] = b"\x89MCAP0\r\n";

mod op {
    pub(super) const FOOTER: u8 = 0x02;
    pub(super) const SCHEMA: u8 = 0x03;
    pub(super) const CHANNEL: u8 = 0x04;
    pub(super) const MESSAGE: u8 = 0x05;
    pub(super) const CHUNK: u8 = 0x06;
    pub(super) const METADATA: u8 = 0x0C;
    pub(super) const DATA_END: u8 = 0x0F;
}

/// A channel as the file defines it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// Topic: the full key.
    pub topic: String,
    /// `protobuf` in our files.
    pub encoding: String,
    /// The channel's own metadata.
    pub metadata: BTreeMap<String, String>,
    /// Name of the message type.
    pub schema: String,
    /// `protobuf` in our files.
    pub schema_encoding: String,
    /// The definition.
    pub schema_data: Arc<[u8]>,
}

/// A message as it is in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Its channel.
    pub channel: Arc<Channel>,
    /// Number that its writer gave it.
    pub sequence: u32,
    /// When it was recorded.
    pub log_nanos: u64,
    /// When it was published.
    pub publish_nanos: u64,
    /// Its bytes.
    pub data: Vec<u8>,
}

#[derive(Debug)]
struct Schema {
    name: String,
    encoding: String,
    data: Arc<[u8]>,
}

/// Reads one MCAP file.
#[derive(Debug)]
pub struct SegmentReader<R> {
    source: R,
    name: String,
    len: u64,
    at: u64,
    record: Vec<u8>,
    block: Vec<u8>,
    block_at: usize,
    block_begins: u64,
    blocks: u64,
    /// Met a chunk, good or damaged. Writers put either everything into chunks or nothing.
    chunked: bool,
    schemas: BTreeMap<u16, Schema>,
    channels: BTreeMap<u16, Arc<Channel>>,
    definition_bytes: usize,
    metadata: BTreeMap<String, BTreeMap<String, String>>,
    integrity: Integrity,
    ended: bool,
}

impl<R: Read + Seek> SegmentReader<R> {
    /// Reads `source`, which `name` names in reports.
    ///
    /// # Errors
    /// If the source cannot be read at all.
    pub fn new(mut source: R, name: String) -> io::Result<Self> {
        let len = source.seek(SeekFrom::End(0))?;
        source.rewind()?;
        let mut magic = Vec::new();
        source.by_ref().take(8).read_to_end(&mut magic)?;
        let mut reader = Self {
            source,
            name,
            len,
            at: 8,
            record: Vec::new(),
            block: Vec::new(),
            block_at: 0,
            block_begins: 0,
            blocks: 0,
            chunked: false,
            schemas: BTreeMap::new(),
            channels: BTreeMap::new(),
            definition_bytes: 0,
            metadata: BTreeMap::new(),
            integrity: Integrity::default(),
            ended: false,
        };
        if magic != MAGIC {
            reader.at = 0;
            reader.cut("it does not begin as an MCAP file");
        }
        Ok(reader)
    }

    /// What was wrong so far; all of it once the messages have ended.
    pub const fn integrity(&self) -> &Integrity {
        &self.integrity
    }

    /// Metadata records met so far, by name.
    pub const fn metadata(&self) -> &BTreeMap<String, BTreeMap<String, String>> {
        &self.metadata
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How far the file has been read.
    pub(crate) const fn offset(&self) -> u64 {
        self.at
    }

    /// Number of the chunk that the last message came from.
    pub(crate) const fn chunk_number(&self) -> u64 {
        self.blocks
    }

    /// The next message; `None` at the end.
    ///
    /// # Errors
    /// If the source cannot be read; what it holds is never an error.
    pub fn next_message(&mut self) -> io::Result<Option<Raw>> {
        loop {
            if let Some(message) = self.next_in_block() {
                return Ok(Some(message));
            }
            if self.ended || !self.next_block()? {
                return Ok(None);
            }
        }
    }

    /// Loads the next record that may hold messages; false at the end.
    fn next_block(&mut self) -> io::Result<bool> {
        self.block.clear();
        self.block_at = 0;
        while !self.ended {
            let begins = self.at;
            let Some((op, len)) = self.header()? else { break };
            self.block_begins = begins;
            match op {
                op::DATA_END => self.finish()?,
                op::FOOTER => self.cut("it has a footer without an end of its data"),
                op::CHUNK | op::SCHEMA | op::CHANNEL | op::MESSAGE | op::METADATA
                    if len > MAX_RECORD_BYTES =>
                {
                    self.fault(begins, len, format!("a record of {len} bytes is longer than allowed"));
                    self.skip(len)?;
                }
                op::SCHEMA | op::CHANNEL | op::MESSAGE if self.chunked => {
                    // It has no checksum here, so that a flipped bit could turn an index into a message.
                    self.fault(begins, len, format!("a record of kind {op} is outside the chunks"));
                    self.skip(len)?;
                }
                op::CHUNK | op::SCHEMA | op::CHANNEL | op::MESSAGE | op::METADATA => {
                    self.chunked |= op == op::CHUNK;
                    self.body(len)?;
                    if self.ended || self.load(op, begins) {
                        return Ok(!self.ended);
                    }
                }
                _ => self.skip(len)?,
            }
        }
        Ok(false)
    }

    fn skip(&mut self, len: u64) -> io::Result<()> {
        match i64::try_from(len) {
            Ok(len) => self.source.seek_relative(len),
            Err(_) => self.source.seek(SeekFrom::Start(self.at)).map(drop),
        }
    }

    /// Opcode and length of the next record, which is there in full; `at` is then behind it.
    fn header(&mut self) -> io::Result<Option<(u8, u64)>> {
        let mut bytes = Vec::with_capacity(9);
        self.source.by_ref().take(9).read_to_end(&mut bytes)?;
        let mut cursor = Cursor::new(&bytes);
        let header = cursor.u8().zip(cursor.u64());
        let whole = header.filter(|(op, len)| {
            *op != 0
                && len
                    .checked_add(9)
                    .and_then(|len| self.at.checked_add(len))
                    .is_some_and(|end| end <= self.len)
        });
        match whole {
            Some((op, len)) => {
                self.at += 9 + len;
                Ok(Some((op, len)))
            }
            None => {
                self.cut("it was cut off while it was written");
                Ok(None)
            }
        }
    }

    fn body(&mut self, len: u64) -> io::Result<()> {
        self.record.clear();
        self.source.by_ref().take(len).read_to_end(&mut self.record)?;
        if (self.record.len() as u64) < len {
            // The file shrank under us.
            self.at = self.block_begins;
            self.cut("it became shorter while it was read");
        }
        Ok(())
    }

    /// Makes the loaded record the current block; false if there is nothing in it to read.
    fn load(&mut self, op: u8, begins: u64) -> bool {
        match op {
            op::CHUNK => match chunk::unpack(&self.record, &mut self.block) {
                Ok(()) => {
                    self.blocks += 1;
                    true
                }
                Err(error) => {
                    self.block.clear();
                    self.fault(begins, self.record.len() as u64, error.to_string());
                    false
                }
            },
            op::METADATA => {
                self.remember();
                false
            }
            _ => {
                self.block.push(op);
                self.block.extend_from_slice(&(self.record.len() as u64).to_le_bytes());
                self.block.extend_from_slice(&self.record);
                true
            }
        }
    }

    fn remember(&mut self) {
        let mut cursor = Cursor::new(&self.record);
        if self.definition_bytes + self.record.len() <= MAX_DEFINITION_BYTES
            && let Some((name, values)) = cursor.string().zip(cursor.strings())
        {
            self.definition_bytes += self.record.len();
            self.metadata.insert(name.to_owned(), values);
        }
    }

    fn next_in_block(&mut self) -> Option<Raw> {
        let block = std::mem::take(&mut self.block);
        let message = self.scan(&block);
        self.block = block;
        message
    }

    /// Reads `block` up to its next message.
    fn scan(&mut self, block: &[u8]) -> Option<Raw> {
        loop {
            let mut cursor = Cursor::new(block.get(self.block_at..).unwrap_or_default());
            if cursor.rest().is_empty() {
                return None;
            }
            let Some((op, body)) = cursor.record() else {
                let rest = cursor.rest().len() as u64;
                self.fault(self.block_begins, rest, "a record ends outside its chunk".to_owned());
                self.block_at = block.len();
                return None;
            };
            self.block_at = block.len() - cursor.rest().len();
            let understood = match op {
                op::SCHEMA => self.define_schema(body),
                op::CHANNEL => self.define_channel(body),
                op::MESSAGE => match self.message(body) {
                    Some(message) => return Some(message),
                    None => None,
                },
                _ => Some(()),
            };
            if understood.is_none() {
                let reason = format!("a record of kind {op} makes no sense");
                self.fault(self.block_begins, body.len() as u64, reason);
            }
        }
    }

    fn define_schema(&mut self, body: &[u8]) -> Option<()> {
        let mut cursor = Cursor::new(body);
        let (id, name, encoding, data) = (cursor.u16()?, cursor.string()?, cursor.string()?, cursor.block()?);
        self.definition_bytes = self.definition_bytes.saturating_add(body.len());
        if self.definition_bytes > MAX_DEFINITION_BYTES {
            return None;
        }
        let schema = Schema { name: name.to_owned(), encoding: encoding.to_owned(), data: data.into() };
        self.schemas.insert(id, schema);
        Some(())
    }

    fn define_channel(&mut self, body: &[u8]) -> Option<()> {
        let mut cursor = Cursor::new(body);
        let (id, schema) = (cursor.u16()?, cursor.u16()?);
        let (topic, encoding, metadata) = (cursor.string()?, cursor.string()?, cursor.strings()?);
        self.definition_bytes = self.definition_bytes.saturating_add(body.len());
        if self.definition_bytes > MAX_DEFINITION_BYTES {
            return None;
        }
        let mut channel = Channel {
            topic: topic.to_owned(),
            encoding: encoding.to_owned(),
            metadata,
            ..Channel::default()
        };
        if let Some(schema) = self.schemas.get(&schema) {
            channel.schema.clone_from(&schema.name);
            channel.schema_encoding.clone_from(&schema.encoding);
            channel.schema_data = Arc::clone(&schema.data);
        }
        self.channels.insert(id, Arc::new(channel));
        Some(())
    }

    fn message(&self, body: &[u8]) -> Option<Raw> {
        let mut cursor = Cursor::new(body);
        let (id, sequence, log_nanos, publish_nanos) =
            (cursor.u16()?, cursor.u32()?, cursor.u64()?, cursor.u64()?);
        let channel = Arc::clone(self.channels.get(&id)?);
        Some(Raw { channel, sequence, log_nanos, publish_nanos, data: cursor.rest().to_vec() })
    }

    /// The data has ended; the file is finished if a footer ends it.
    fn finish(&mut self) -> io::Result<()> {
        self.ended = true;
        if !ends_with_footer(&mut self.source, self.len)? {
            self.integrity.unfinished_segments = 1;
        }
        Ok(())
    }

    fn cut(&mut self, reason: &str) {
        self.ended = true;
        self.integrity.unfinished_segments = 1;
        let bytes = self.len.saturating_sub(self.at);
        if bytes > 0 {
            let fault = Fault { file: self.name.clone(), offset: self.at, bytes, reason: reason.to_owned() };
            self.integrity.report(fault);
        }
    }

    fn fault(&mut self, offset: u64, bytes: u64, reason: String) {
        self.integrity.report(Fault { file: self.name.clone(), offset, bytes, reason });
    }
}

/// The source ends as a finished MCAP file does.
pub(crate) fn ends_with_footer<R: Read + Seek>(source: &mut R, len: u64) -> io::Result<bool> {
    const TAIL: u64 = 9 + 20 + 8;
    if len < TAIL + 8 {
        return Ok(false);
    }
    source.seek(SeekFrom::Start(len - TAIL))?;
    let mut tail = Vec::new();
    source.by_ref().take(TAIL).read_to_end(&mut tail)?;
    let mut cursor = Cursor::new(&tail);
    let footer = matches!(cursor.record(), Some((op::FOOTER, body)) if body.len() == 20);
    Ok(footer && cursor.rest() == MAGIC)
}
