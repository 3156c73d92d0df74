//! Unpacks one MCAP chunk, with limits.

use std::io::{self, Read};

use crate::{MAX_CHUNK_BYTES, cursor::Cursor};

/// Largest window a Zstandard frame may ask for, as a power of two: what every decoder must support.
const ZSTD_WINDOW_LOG: u32 = 23;

/// Why a chunk cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChunkError {
    #[error("chunk header does not fit its record")]
    Header,
    #[error("chunk claims {0} bytes, more than the {MAX_CHUNK_BYTES} that are allowed")]
    TooLong(u64),
    #[error("chunk is compressed with {0:?}, which is not known here")]
    Compression(String),
    #[error("chunk cannot be decompressed: {0}")]
    Packed(String),
    #[error("chunk has {found} bytes where {claimed} were claimed")]
    Length { claimed: u64, found: usize },
    #[error("chunk has a wrong checksum")]
    Checksum,
}

/// Unpacks the chunk record `body` into `out`, whose old content is lost. Nothing of a chunk with a wrong checksum is used.
pub(crate) fn unpack(body: &[u8], out: &mut Vec<u8>) -> Result<(), ChunkError> {
    out.clear();
    let header = Header::parse(body).ok_or(ChunkError::Header)?;
    if header.claimed > MAX_CHUNK_BYTES {
        return Err(ChunkError::TooLong(header.claimed));
    }
    // One byte more than claimed, to notice when there is more.
    let limit = header.claimed + 1;
    match header.compression {
        "" => out.extend_from_slice(header.packed),
        "zstd" => {
            zstd_into(header.packed, limit, out).map_err(|error| ChunkError::Packed(error.to_string()))?
        }
        "lz4" => {
            lz4_into(header.packed, limit, out).map_err(|error| ChunkError::Packed(error.to_string()))?
        }
        other => return Err(ChunkError::Compression(other.chars().take(20).collect())),
    }
    if out.len() as u64 != header.claimed {
        return Err(ChunkError::Length { claimed: header.claimed, found: out.len() });
    }
    // Zero means that the writer computed none.
    if header.crc != 0 && crc32fast::hash(out) != header.crc {
        return Err(ChunkError::Checksum);
    }
    Ok(())
}

struct Header<'a> {
    claimed: u64,
    crc: u32,
    compression: &'a str,
    packed: &'a [u8],
}

impl<'a> Header<'a> {
    fn parse(body: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let (_start, _end) = (cursor.u64()?, cursor.u64()?);
        let (claimed, crc, compression) = (cursor.u64()?, cursor.u32()?, cursor.string()?);
        let len = usize::try_from(cursor.u64()?).ok()?;
        let packed = cursor.take(len)?;
        cursor.rest().is_empty().then_some(Self { claimed, crc, compression, packed })
    }
}

fn zstd_into(packed: &[u8], limit: u64, out: &mut Vec<u8>) -> io::Result<()> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG)?;
    decoder.take(limit).read_to_end(out).map(drop)
}

fn lz4_into(packed: &[u8], limit: u64, out: &mut Vec<u8>) -> io::Result<()> {
    lz4::Decoder::new(packed)?.take(limit).read_to_end(out).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(claimed: u64, crc: u32, compression: &str, packed: &[u8]) -> Vec<u8> {
        let mut body = vec![0; 16];
        body.extend(claimed.to_le_bytes());
        body.extend(crc.to_le_bytes());
        body.extend(u32::try_from(compression.len()).unwrap().to_le_bytes());
        body.extend(compression.as_bytes());
        body.extend((packed.len() as u64).to_le_bytes());
        body.extend(packed);
        body
    }

    #[test]
    fn a_good_chunk_unpacks() {
        let plain = b"hello hello hello hello".repeat(9);
        let packed = zstd::bulk::compress(&plain, 1).unwrap();
        let mut out = Vec::new();
        let body = chunk(plain.len() as u64, crc32fast::hash(&plain), "zstd", &packed);
        assert_eq!(unpack(&body, &mut out), Ok(()));
        assert_eq!(out, plain);
        assert_eq!(unpack(&chunk(3, crc32fast::hash(b"abc"), "", b"abc"), &mut out), Ok(()));
        assert_eq!(out, b"abc");
    }

    #[test]
    fn a_bomb_is_cut_off_at_what_it_claims() {
        let packed = zstd::bulk::compress(&vec![0; 100 << 20], 19).unwrap();
        let mut out = Vec::new();
        assert_eq!(unpack(&chunk(1 << 40, 0, "zstd", &packed), &mut out), Err(ChunkError::TooLong(1 << 40)));
        assert_eq!(
            unpack(&chunk(1000, 0, "zstd", &packed), &mut out),
            Err(ChunkError::Length { claimed: 1000, found: 1001 })
        );
        assert!(out.capacity() < 1 << 20);
    }

    #[test]
    fn spoiled_chunks_are_refused() {
        let mut out = Vec::new();
        assert_eq!(unpack(&chunk(3, 7, "", b"abc"), &mut out), Err(ChunkError::Checksum));
        assert_eq!(
            unpack(&chunk(3, 7, "brotli", b"abc"), &mut out),
            Err(ChunkError::Compression("brotli".into()))
        );
        assert_eq!(unpack(&chunk(3, 7, "", b"abc")[..30], &mut out), Err(ChunkError::Header));
        assert!(matches!(unpack(&chunk(3, 7, "zstd", b"abc"), &mut out), Err(ChunkError::Packed(_))));
        assert!(unpack(&chunk(3, 7, "lz4", b"abc"), &mut out).is_err());
    }
}
