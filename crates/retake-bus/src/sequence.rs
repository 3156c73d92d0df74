//! What travels beside each message: numbers, so that what the transport dropped is noticed by those who missed it, and a checksum,
//! so that what it spoiled is.

use std::collections::BTreeMap;

use retake_wire::Topic;

/// Which session sent a message, and how many of its topic it had sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) session: u64,
    pub(crate) seq: u64,
}

/// A message is not what was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

impl Stamp {
    const LEN: usize = 20;

    /// The bytes that go beside `payload`.
    pub(crate) fn seal(self, payload: &[u8]) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&self.session.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.seq.to_le_bytes());
        let sum = checksum(&bytes[..16], payload);
        bytes[16..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// The stamp that `payload` came with. TCP's own checksum lets one damaged packet in some ten thousand through, and a number in
    /// a command that has become another is still a number.
    pub(crate) fn open(bytes: &[u8], payload: &[u8]) -> Result<Self, Damaged> {
        let (numbers, sum) = bytes.split_at_checked(16).ok_or(Damaged)?;
        let (session, seq) = numbers.split_first_chunk::<8>().ok_or(Damaged)?;
        if *sum != checksum(numbers, payload).to_le_bytes() {
            return Err(Damaged);
        }
        let seq = seq.first_chunk::<8>().ok_or(Damaged)?;
        Ok(Self { session: u64::from_le_bytes(*session), seq: u64::from_le_bytes(*seq) })
    }
}

/// CRC-32 of the numbers and the message.
fn checksum(numbers: &[u8], payload: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(numbers);
    sum.update(payload);
    sum.finalize()
}

/// Senders remembered at once; a flood of invented sessions must not grow the table.
const SENDERS: usize = 256;

/// The next number expected of each sender.
#[derive(Debug, Default)]
pub(crate) struct Sequences(BTreeMap<(Topic, u64), u64>);

impl Sequences {
    /// Messages missing before this one. A sender that was not heard before has lost nothing yet.
    pub(crate) fn missing(&mut self, topic: Topic, stamp: Stamp) -> u64 {
        if self.0.len() >= SENDERS && !self.0.contains_key(&(topic, stamp.session)) {
            self.0.clear();
        }
        let next = self.0.entry((topic, stamp.session)).or_insert(stamp.seq);
        let missing = stamp.seq.saturating_sub(*next);
        *next = (*next).max(stamp.seq.saturating_add(1));
        missing.min(u64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_counted_per_sender_and_topic() {
        let mut sequences = Sequences::default();
        let mut missing = |topic, session, seq| sequences.missing(topic, Stamp { session, seq });
        assert_eq!(missing(Topic::Tick, 1, 40), 0, "a late joiner has lost nothing");
        assert_eq!(missing(Topic::Tick, 1, 41), 0);
        assert_eq!(missing(Topic::Tick, 1, 45), 3);
        assert_eq!(missing(Topic::Tick, 1, 44), 0, "a repeat is no gap");
        assert_eq!(missing(Topic::Tick, 1, 46), 0);
        assert_eq!(missing(Topic::Tick, 2, 0), 0, "another session counts for itself");
        assert_eq!(missing(Topic::Input, 1, 0), 0);
    }

    #[test]
    fn invented_senders_do_not_grow_the_table() {
        let mut sequences = Sequences::default();
        for session in 0..10_000 {
            assert_eq!(sequences.missing(Topic::Tick, Stamp { session, seq: u64::MAX }), 0);
        }
        assert!(sequences.0.len() <= SENDERS);
    }

    #[test]
    fn stamps_survive_the_wire_and_every_spoiled_bit_is_noticed() {
        let stamp = Stamp { session: 7, seq: u64::MAX };
        let sealed = stamp.seal(b"forward");
        assert_eq!(Stamp::open(&sealed, b"forward"), Ok(stamp));
        for bit in 0..sealed.len() * 8 {
            let mut spoiled = sealed;
            spoiled[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Stamp::open(&spoiled, b"forward"), Err(Damaged), "bit {bit} of the stamp");
        }
        for bit in 0..7 * 8 {
            let mut spoiled = *b"forward";
            spoiled[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Stamp::open(&sealed, &spoiled), Err(Damaged), "bit {bit} of the message");
        }
        for length in 0..40 {
            assert_eq!(Stamp::open(&vec![1; length], b"forward"), Err(Damaged));
        }
    }
}
