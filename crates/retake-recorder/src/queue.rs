//! Bounds on what waits for the disk.
//!
//! All messages go through one queue, so that they stay in order; camera frames and everything else have separate
//! allowances in it, so that frames never take the room of what must not be lost.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use retake_log::Entry;
use retake_wire::Topic;

/// How much may wait for the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLimits {
    /// Messages other than camera frames …
    pub messages: usize,
    /// … and their bytes.
    pub message_bytes: usize,
    /// Camera frames …
    pub frames: usize,
    /// … and their bytes.
    pub frame_bytes: usize,
}

impl Default for QueueLimits {
    /// Half a minute of states at 100 Hz, and about a second of frames.
    fn default() -> Self {
        Self { messages: 32_768, message_bytes: 64 << 20, frames: 64, frame_bytes: 32 << 20 }
    }
}

/// What may still be sent on one lane.
#[derive(Debug)]
struct Allowance {
    count: AtomicUsize,
    bytes: AtomicUsize,
    max_count: usize,
    max_bytes: usize,
}

impl Allowance {
    const fn new(max_count: usize, max_bytes: usize) -> Self {
        Self { count: AtomicUsize::new(0), bytes: AtomicUsize::new(0), max_count, max_bytes }
    }

    /// Only one thread takes, so that looking first and adding then is enough.
    fn take(&self, bytes: usize) -> bool {
        let count = self.count.load(Ordering::Acquire);
        let waiting = self.bytes.load(Ordering::Acquire);
        let fits = count < self.max_count && waiting.saturating_add(bytes) <= self.max_bytes;
        if fits {
            self.count.fetch_add(1, Ordering::AcqRel);
            self.bytes.fetch_add(bytes, Ordering::AcqRel);
        }
        fits
    }

    fn give(&self, bytes: usize) {
        self.count.fetch_sub(1, Ordering::AcqRel);
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
    }
}

/// The allowances of both lanes, shared by the two ends of the queue.
#[derive(Clone, Debug)]
pub(crate) struct Allowances(Arc<(Allowance, Allowance)>);

impl Allowances {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self(Arc::new((
            Allowance::new(limits.messages, limits.message_bytes),
            Allowance::new(limits.frames, limits.frame_bytes),
        )))
    }

    fn lane(&self, topic: Topic) -> &Allowance {
        if topic == Topic::Camera { &self.0.1 } else { &self.0.0 }
    }

    /// Whether `entry` may be sent; if so, it counts until it is given back.
    pub(crate) fn take(&self, entry: &Entry) -> bool {
        self.lane(entry.topic).take(entry.bytes.len())
    }

    /// `entry` left the queue.
    pub(crate) fn give(&self, topic: Topic, bytes: usize) {
        self.lane(topic).give(bytes);
    }
}
