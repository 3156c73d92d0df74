//! Recorded messages by their fingerprint, for as long as an arbiter may still have been told them.

use std::collections::{BTreeMap, VecDeque};

use retake_wire::{Message, Topic, fingerprint};

/// Bytes held at a time; at 1000 observations of a kilobyte per second this is four minutes.
const BYTES: usize = 256 << 20;

#[derive(Debug)]
struct Held {
    topic: Topic,
    bytes: Vec<u8>,
    /// When it was recorded last.
    at: u64,
}

/// What an arbiter may have been told.
#[derive(Debug, Default)]
pub(crate) struct Index {
    held: BTreeMap<u64, Held>,
    order: VecDeque<(u64, u64)>,
    bytes: usize,
}

impl Index {
    /// Holds a message recorded at `at` nanoseconds, and returns its fingerprint.
    pub(crate) fn insert(&mut self, topic: Topic, bytes: Vec<u8>, at: u64) -> u64 {
        let print = fingerprint(topic, &bytes);
        self.order.push_back((at, print));
        let length = bytes.len();
        match self.held.insert(print, Held { topic, bytes, at }) {
            None => self.bytes += length,
            Some(before) => self.bytes = self.bytes + length - before.bytes.len(),
        }
        print
    }

    /// Lets go of what was recorded before `oldest`.
    pub(crate) fn forget(&mut self, oldest: u64) {
        while let Some((at, print)) = self.order.front().copied() {
            if at >= oldest && self.bytes <= BYTES {
                break;
            }
            self.order.pop_front();
            // It may have been recorded again since.
            if self.held.get(&print).is_some_and(|held| held.at == at)
                && let Some(held) = self.held.remove(&print)
            {
                self.bytes -= held.bytes.len();
            }
        }
    }

    pub(crate) fn contains(&self, print: u64) -> bool {
        self.held.contains_key(&print)
    }

    pub(crate) fn get(&self, print: u64) -> Option<Message> {
        let held = self.held.get(&print)?;
        Message::decode(held.topic, &held.bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_is_forgotten_unless_it_came_again() {
        let mut index = Index::default();
        let [first, second] = [vec![8, 1], vec![8, 2]].map(|bytes| index.insert(Topic::Help, bytes, 10));
        assert_ne!(first, second);
        assert_eq!(index.insert(Topic::Help, vec![8, 1], 20), first);
        index.forget(15);
        assert!(index.contains(first) && !index.contains(second));
        index.forget(25);
        assert_eq!((index.bytes, index.order.len(), index.held.len()), (0, 0, 0));
    }
}
