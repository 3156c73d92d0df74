//! Where a pad's events come from: the device, a recorded stream, or a test.

use std::collections::VecDeque;

use retake_units::MonoTime;

use super::{Feel, PadEvent, Stamped};

/// Something that gives a pad's events.
pub trait PadSource: Send {
    /// Adds what happened since the last call to `events`, oldest first, each with the time it is to count from. Never
    /// waits.
    fn poll(&mut self, now: MonoTime, events: &mut Vec<(MonoTime, PadEvent)>);

    /// Lets the operator feel something, if the device can.
    fn feel(&mut self, _feel: Feel) {}
}

impl<S: PadSource + ?Sized> PadSource for Box<S> {
    fn poll(&mut self, now: MonoTime, events: &mut Vec<(MonoTime, PadEvent)>) {
        (**self).poll(now, events);
    }

    fn feel(&mut self, feel: Feel) {
        (**self).feel(feel);
    }
}

/// Replays a recorded stream, its start being the first poll.
#[derive(Clone, Debug)]
pub struct RecordedSource {
    start: Option<MonoTime>,
    stream: VecDeque<Stamped>,
}

impl RecordedSource {
    /// Replays `stream`, which must be in order; see [`super::parse_stream`].
    pub fn new(stream: Vec<Stamped>) -> Self {
        Self { start: None, stream: stream.into() }
    }

    /// Everything was replayed.
    pub fn finished(&self) -> bool {
        self.stream.is_empty()
    }
}

impl PadSource for RecordedSource {
    fn poll(&mut self, now: MonoTime, events: &mut Vec<(MonoTime, PadEvent)>) {
        let start = *self.start.get_or_insert(now);
        let passed = u64::try_from(now.since(start).as_nanos()).unwrap_or(u64::MAX);
        while let Some(next) = self.stream.pop_front_if(|next| next.at_nanos <= passed) {
            events.push((MonoTime::from_nanos(start.nanos().saturating_add(next.at_nanos)), next.event));
        }
    }
}

/// Gives what a test sends into it, at the time of the next poll.
#[derive(Debug)]
pub struct ScriptedSource {
    events: std::sync::mpsc::Receiver<PadEvent>,
    felt: std::sync::mpsc::SyncSender<Feel>,
}

impl ScriptedSource {
    /// The source, the end to send events into, and the end on which to see what the operator was made to feel. Both
    /// hold up to 1024; sending more before the next poll waits, feeling more is forgotten.
    pub fn new() -> (Self, std::sync::mpsc::SyncSender<PadEvent>, std::sync::mpsc::Receiver<Feel>) {
        let (send_event, events) = std::sync::mpsc::sync_channel(1024);
        let (felt, receive_felt) = std::sync::mpsc::sync_channel(1024);
        (Self { events, felt }, send_event, receive_felt)
    }
}

impl PadSource for ScriptedSource {
    fn poll(&mut self, now: MonoTime, events: &mut Vec<(MonoTime, PadEvent)>) {
        events.extend(self.events.try_iter().map(|event| (now, event)));
    }

    fn feel(&mut self, feel: Feel) {
        // A test that does not look loses nothing.
        let _ = self.felt.try_send(feel);
    }
}
