//! Numbers that travel beside each message, so that what the transport dropped is noticed by those who missed it.

use std::collections::BTreeMap;

use retake_wire::Topic;

/// Which session sent a message, and how many of its topic it had sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) session: u64,
    pub(crate) seq: u64,
}

impl Stamp {
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.session.to_le_bytes());
        bytes[8..].copy_from_slice(&self.seq.to_le_bytes());
        bytes
    }

    /// `None` for senders that do not number their messages, such as a policy in another language.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (session, seq) = bytes.split_first_chunk::<8>()?;
        Some(Self { session: u64::from_le_bytes(*session), seq: u64::from_le_bytes(seq.try_into().ok()?) })
    }
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
    fn stamps_survive_the_wire_and_garbage_is_no_stamp() {
        let stamp = Stamp { session: 7, seq: u64::MAX };
        assert_eq!(Stamp::parse(&stamp.to_bytes()), Some(stamp));
        for length in (0..40).filter(|length| *length != 16) {
            assert_eq!(Stamp::parse(&vec![1; length]), None);
        }
    }
}
