//! What has arrived for one node and was not read yet. Bounded in messages and in bytes.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use retake_wire::{Delivery, Message, Topic};

use crate::sequence::{Sequences, Stamp};

const QUEUED_MESSAGES: usize = 4096;
const QUEUED_BYTES: usize = 64 << 20;
const LATEST_KEYS: usize = 128;

/// A message that came.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) message: Message,
    order: u64,
    bytes: usize,
}

/// What went wrong since the last look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Losses {
    /// Arrived, and had no room.
    pub(crate) overflowed: u64,
    /// Never arrived, as the sender's numbering shows.
    pub(crate) missed: u64,
    /// Arrived, and is no message.
    pub(crate) undecodable: u64,
    /// A newer message of the same key replaced it, as is right for its topic.
    pub(crate) conflated: u64,
    /// The last decoder's complaint.
    pub(crate) complaint: Option<String>,
}

/// Where receiving threads leave messages for the node's thread. Its lock is held for a few moves at a time.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
    filled: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<Arrival>,
    queued_bytes: usize,
    latest: BTreeMap<(Topic, String), Arrival>,
    order: u64,
    sequences: Sequences,
    losses: Losses,
}

impl Mailbox {
    pub(crate) fn push(&self, message: Message, bytes: usize, stamp: Option<Stamp>) {
        let topic = message.topic();
        let mut inner = self.lock();
        inner.order += 1;
        let arrival = Arrival { message, order: inner.order, bytes };
        match topic.delivery() {
            Delivery::Latest => inner.replace(topic, arrival),
            Delivery::All => {
                if let Some(stamp) = stamp {
                    let missing = inner.sequences.missing(topic, stamp);
                    inner.losses.missed += missing;
                }
                inner.enqueue(arrival);
            }
        }
        drop(inner);
        self.filled.notify_one();
    }

    pub(crate) fn refuse(&self, complaint: String) {
        let mut inner = self.lock();
        inner.losses.undecodable += 1;
        inner.losses.complaint = Some(complaint);
        drop(inner);
        self.filled.notify_one();
    }

    /// Returns when there is something to read, or after `timeout`.
    pub(crate) fn wait(&self, timeout: Duration) {
        let inner = self.lock();
        let waited = self.filled.wait_timeout_while(inner, timeout, |inner| inner.is_empty());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Moves all that arrived to the end of `into`, oldest first.
    pub(crate) fn take(&self, into: &mut Vec<Arrival>) -> Losses {
        let mut inner = self.lock();
        let queue = std::mem::take(&mut inner.queue);
        let latest = std::mem::take(&mut inner.latest);
        inner.queued_bytes = 0;
        let losses = std::mem::take(&mut inner.losses);
        drop(inner);
        into.extend(queue.into_iter().chain(latest.into_values()));
        into.sort_by_key(|arrival| arrival.order);
        losses
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The data is counters and queues, whole after every statement: a panic elsewhere leaves it usable.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.latest.is_empty() && self.losses == Losses::default()
    }

    fn replace(&mut self, topic: Topic, arrival: Arrival) {
        let key = (topic, arrival.message.instance().to_owned());
        if self.latest.len() >= LATEST_KEYS && !self.latest.contains_key(&key) {
            self.losses.overflowed += 1;
        } else if self.latest.insert(key, arrival).is_some() {
            self.losses.conflated += 1;
        }
    }

    fn enqueue(&mut self, arrival: Arrival) {
        self.queued_bytes += arrival.bytes;
        self.queue.push_back(arrival);
        // The oldest goes: when a node is this far behind, only the newest can still matter to it.
        while self.queue.len() > QUEUED_MESSAGES || self.queued_bytes > QUEUED_BYTES {
            let Some(oldest) = self.queue.pop_front() else { break };
            self.queued_bytes -= oldest.bytes;
            self.losses.overflowed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use retake_wire::pb;

    use super::*;

    fn tick(tick: u64) -> Message {
        pb::TickRecord { tick, ..pb::TickRecord::default() }.into()
    }

    fn beacon(nonce: u64) -> Message {
        pb::Beacon { nonce, ..pb::Beacon::default() }.into()
    }

    fn push(mailbox: &Mailbox, message: Message) {
        mailbox.push(message, 10, None);
    }

    fn taken(mailbox: &Mailbox) -> (Vec<Message>, Losses) {
        let mut arrivals = Vec::new();
        let losses = mailbox.take(&mut arrivals);
        (arrivals.into_iter().map(|arrival| arrival.message).collect(), losses)
    }

    #[test]
    fn the_newest_of_a_key_stays_and_everything_else_keeps_its_order() {
        let mailbox = Mailbox::default();
        for message in [beacon(1), tick(1), beacon(2), tick(2)] {
            push(&mailbox, message);
        }
        let (messages, losses) = taken(&mailbox);
        assert_eq!(messages, [tick(1), beacon(2), tick(2)]);
        assert_eq!(losses, Losses { conflated: 1, ..Losses::default() });
    }

    #[test]
    fn a_full_queue_loses_the_oldest_and_says_how_many() {
        let mailbox = Mailbox::default();
        for number in 0..QUEUED_MESSAGES as u64 + 3 {
            push(&mailbox, tick(number));
        }
        let (messages, losses) = taken(&mailbox);
        assert_eq!((messages.len(), losses.overflowed), (QUEUED_MESSAGES, 3));
        assert_eq!(messages.first(), Some(&tick(3)));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mailbox = Mailbox::default();
        for number in 0..12 {
            mailbox.push(tick(number), QUEUED_BYTES / 8, None);
        }
        assert_eq!(taken(&mailbox).1.overflowed, 4);
    }

    #[test]
    fn keys_are_bounded_too() {
        let mailbox = Mailbox::default();
        for number in 0..LATEST_KEYS + 5 {
            let image =
                retake_wire::foxglove::CompressedImage { frame_id: number.to_string(), ..Default::default() };
            push(&mailbox, image.into());
        }
        let (messages, losses) = taken(&mailbox);
        assert_eq!((messages.len(), losses.overflowed), (LATEST_KEYS, 5));
    }

    #[test]
    fn a_gap_in_a_senders_numbers_is_a_loss() {
        let mailbox = Mailbox::default();
        for seq in [0, 1, 4] {
            mailbox.push(tick(seq), 10, Some(Stamp { session: 1, seq }));
        }
        assert_eq!(taken(&mailbox).1, Losses { missed: 2, ..Losses::default() });
    }

    #[test]
    fn waiting_ends_at_once_when_something_is_there() {
        let mailbox = Mailbox::default();
        mailbox.refuse("no such message".into());
        mailbox.wait(Duration::from_secs(3600));
        assert_eq!(taken(&mailbox).1.undecodable, 1);
        mailbox.wait(Duration::from_millis(1));
    }
}
