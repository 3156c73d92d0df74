//! Reads numbers and strings from bytes that nobody vouches for.

use std::collections::BTreeMap;

/// Bytes and how far they have been read. Everything returns `None` where the bytes end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A length of 32 bits and as many bytes.
    pub(crate) fn block(&mut self) -> Option<&'a [u8]> {
        let len = self.u32()?;
        self.take(usize::try_from(len).ok()?)
    }

    pub(crate) fn string(&mut self) -> Option<&'a str> {
        str::from_utf8(self.block()?).ok()
    }

    pub(crate) fn strings(&mut self) -> Option<BTreeMap<String, String>> {
        let mut inner = Self(self.block()?);
        let mut map = BTreeMap::new();
        while !inner.0.is_empty() {
            map.insert(inner.string()?.to_owned(), inner.string()?.to_owned());
        }
        Some(map)
    }

    /// Opcode and body of the next MCAP record.
    pub(crate) fn record(&mut self) -> Option<(u8, &'a [u8])> {
        let op = self.u8()?;
        let len = usize::try_from(self.u64()?).ok()?;
        Some((op, self.take(len)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_past_the_end() {
        let mut cursor = Cursor::new(&[1, 0, 0]);
        assert_eq!((cursor.u32(), cursor.u16(), cursor.u64()), (None, Some(1), None));
        assert_eq!(Cursor::new(&[255, 255, 255, 255, 0]).block(), None);
        assert_eq!(Cursor::new(&[2, 0, 0, 0, 0xC3, 0x28]).string(), None);
        assert_eq!(Cursor::new(&[5, 255, 255, 255, 255, 255, 255, 255, 255]).record(), None);
        assert_eq!(Cursor::new(&[1, 0, 0, 0, 7]).strings(), None);
    }
}
