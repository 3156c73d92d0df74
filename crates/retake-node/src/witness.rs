use std::{collections::BTreeMap, time::Duration};

use retake_units::MonoTime;
use retake_wire::{
    Delivery, Message, Topic, fingerprint,
    pb::{ArbiterInfo, Schedule, ScheduleEntry, schedule_entry::What},
};

use crate::{Node, Outbox};

/// What the node is, is said again this often, so that a recording that begins late can say what it is of.
const INFO_PERIOD: Duration = Duration::from_secs(5);
/// Entries that are kept before they are published, even if the node does not wake.
const ENTRIES: usize = 128;
/// Bytes of whole messages that are kept before they are published.
const BYTES: usize = 64 << 10;
/// Whole messages that are longer are left to the recorder.
const LONGEST: usize = 256 << 10;

/// Writes down everything a node is told and when, so that what it made of it can be repeated: a node is a function of that.
///
/// Each call is passed on as it is; a note of it is published with the node's next wake, or before if there are many. Nothing
/// here waits, and what is kept until then is bounded.
#[derive(Debug)]
pub struct Witness<N> {
    node: N,
    info: ArbiterInfo,
    info_due: MonoTime,
    publications: Vec<Topic>,
    /// Number of the first entry that is not published yet.
    first: u64,
    entries: Vec<ScheduleEntry>,
    /// Bytes of the whole messages in the entries.
    bytes: usize,
    /// Fingerprint of the last message on each topic that lets receivers miss some.
    last: BTreeMap<Topic, u64>,
    buffer: Vec<u8>,
}

impl<N: Node> Witness<N> {
    /// `node` as `info` describes it, with everything noted that it is told.
    pub fn new(node: N, info: ArbiterInfo) -> Self {
        let mut publications = node.publications().to_vec();
        publications.extend([Topic::ArbiterInfo, Topic::Schedule]);
        Self {
            node,
            info,
            info_due: MonoTime::ZERO,
            publications,
            first: 0,
            entries: Vec::with_capacity(ENTRIES),
            bytes: 0,
            last: BTreeMap::new(),
            buffer: Vec::new(),
        }
    }

    /// Before anything the node says at this time, so that what it says is known to be its own.
    fn introduce(&mut self, now: MonoTime, out: &mut Outbox) {
        if now >= self.info_due {
            out.publish(self.info.clone());
            self.info_due = now + INFO_PERIOD;
        }
    }

    fn note(&mut self, now: MonoTime, what: What, message: Vec<u8>) {
        self.bytes += message.len();
        self.entries.push(ScheduleEntry { at_nanos: now.wire_nanos(), what: Some(what), message });
    }

    fn note_received(&mut self, now: MonoTime, message: &Message) {
        let topic = message.topic();
        message.encode_into(&mut self.buffer);
        let print = fingerprint(topic, &self.buffer);
        let whole = topic.delivery() == Delivery::Latest
            && self.last.insert(topic, print) != Some(print)
            && self.buffer.len() <= LONGEST;
        let bytes = if whole { self.buffer.clone() } else { Vec::new() };
        self.note(now, What::Received(print), bytes);
    }

    fn publish(&mut self, out: &mut Outbox) {
        if self.entries.is_empty() {
            return;
        }
        let entries = std::mem::replace(&mut self.entries, Vec::with_capacity(ENTRIES));
        let (first, count) = (self.first, entries.len() as u64);
        out.publish(Schedule { session: self.info.session, first, entries });
        self.first += count;
        self.bytes = 0;
    }
}

impl<N: Node> Node for Witness<N> {
    fn name(&self) -> &str {
        self.node.name()
    }

    fn subscriptions(&self) -> &[Topic] {
        self.node.subscriptions()
    }

    fn publications(&self) -> &[Topic] {
        &self.publications
    }

    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        self.introduce(now, out);
        self.note_received(now, message);
        self.node.receive(now, message, out);
        if self.entries.len() >= ENTRIES || self.bytes >= BYTES {
            self.publish(out);
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.introduce(now, out);
        self.note(now, What::Woken(true), Vec::new());
        self.node.wake(now, out);
        // After what the node said, so that who has heard of a call has heard what came of it.
        self.publish(out);
    }

    fn next_wake(&self) -> Option<MonoTime> {
        self.node.next_wake()
    }

    fn dropped(&mut self, now: MonoTime, count: u64) {
        self.node.dropped(now, count);
        if self.entries.len() >= ENTRIES
            && let Some(ScheduleEntry { what: Some(What::Dropped(before)), .. }) = self.entries.last_mut()
        {
            // Nothing can be published here, and nothing else was said in between: one note for both keeps the list bounded.
            *before = before.saturating_add(count);
            return;
        }
        self.note(now, What::Dropped(count), Vec::new());
    }

    fn finish(&mut self, now: MonoTime, out: &mut Outbox) {
        self.introduce(now, out);
        self.note(now, What::Finished(true), Vec::new());
        self.node.finish(now, out);
        self.publish(out);
    }
}

#[cfg(test)]
mod tests;
