//! What the simulator remembers of where it has been: exact snapshots by observation, oldest forgotten first.

use std::collections::VecDeque;

use crate::Snapshot;

/// Bytes of snapshots kept. At five a second of about 30 kB each they reach back more than three minutes.
pub(crate) const PAST_BYTES: usize = 32 << 20;

/// Snapshots in the order of the observations that show them.
#[derive(Debug)]
pub(crate) struct Past {
    kept: VecDeque<(u64, Snapshot)>,
    bytes: usize,
    limit: usize,
}

impl Past {
    /// Keeps at most `limit` bytes.
    pub(crate) const fn new(limit: usize) -> Self {
        Self { kept: VecDeque::new(), bytes: 0, limit }
    }

    /// The world as observation `seq` shows it; numbers only grow.
    pub(crate) fn keep(&mut self, seq: u64, snapshot: Snapshot) {
        self.bytes += snapshot.as_bytes().len();
        self.kept.push_back((seq, snapshot));
        while self.bytes > self.limit
            && let Some((_, oldest)) = self.kept.pop_front()
        {
            self.bytes -= oldest.as_bytes().len();
        }
    }

    /// The newest at or before observation `seq`.
    pub(crate) fn at(&self, seq: u64) -> Option<&Snapshot> {
        let after = self.kept.partition_point(|(kept, _)| *kept <= seq);
        self.kept.get(after.checked_sub(1)?).map(|(_, snapshot)| snapshot)
    }

    /// The first observation that can be gone back to.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.kept.front().map(|(seq, _)| *seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(len: usize, fill: u8) -> Snapshot {
        Snapshot::from_bytes(&vec![fill; len]).unwrap()
    }

    #[test]
    fn the_newest_at_or_before_is_found_and_the_oldest_is_forgotten() {
        let mut past = Past::new(100);
        assert_eq!((past.at(5), past.oldest()), (None, None));
        for (seq, fill) in [(10, 1), (20, 2), (30, 3)] {
            past.keep(seq, of(40, fill));
        }
        assert_eq!(past.oldest(), Some(20));
        assert_eq!(past.at(19), None);
        assert_eq!((past.at(20), past.at(29)), (Some(&of(40, 2)), Some(&of(40, 2))));
        assert_eq!(past.at(u64::MAX), Some(&of(40, 3)));
        for seq in 31..1000 {
            past.keep(seq, of(7, 0));
            assert!(past.bytes <= 100 && past.kept.len() <= 14);
            assert_eq!(past.bytes, past.kept.iter().map(|(_, kept)| kept.as_bytes().len()).sum::<usize>());
        }
    }
}
