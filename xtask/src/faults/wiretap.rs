//! What a process of the deployment really hears and says, told through a pipe to the one who watches.

use std::io::{self, Read, Write};

use retake_bus::Clock;
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, Topic};

/// One message at one process.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    /// When the process dealt with it, on the machine's monotonic clock.
    pub(crate) at: MonoTime,
    /// It arrived there; else it was said there.
    pub(crate) arrived: bool,
    pub(crate) message: Message,
}

/// Longer frames are not written by a wiretap.
const LONGEST: usize = 1 << 20;

impl Frame {
    fn write(at: MonoTime, arrived: bool, message: &Message, to: &mut impl Write) -> io::Result<()> {
        let payload = message.encode();
        let topic = Topic::ALL.iter().position(|topic| *topic == message.topic()).unwrap_or_default();
        let mut bytes = Vec::with_capacity(payload.len() + 14);
        bytes.extend([u8::from(arrived), u8::try_from(topic).unwrap_or(u8::MAX)]);
        bytes.extend(at.nanos().to_le_bytes());
        bytes.extend(u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(payload);
        to.write_all(&bytes)?;
        to.flush()
    }

    /// The next frame; an error at the end of the pipe, also where the process was killed within a frame.
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; 14];
        from.read_exact(&mut head)?;
        let [arrived, topic, rest @ ..] = head;
        let (at, length) = rest.split_at(8);
        let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let at = u64::from_le_bytes(at.try_into().map_err(|_short| bad("no time"))?);
        let length = u32::from_le_bytes(length.try_into().map_err(|_short| bad("no length"))?) as usize;
        let topic = Topic::ALL.get(usize::from(topic)).ok_or_else(|| bad("no such topic"))?;
        if length > LONGEST {
            return Err(bad("a frame too long"));
        }
        let mut payload = vec![0; length];
        from.read_exact(&mut payload)?;
        let message = Message::decode(*topic, &payload).map_err(|error| bad(&error.to_string()))?;
        Ok(Self { at: MonoTime::from_nanos(at), arrived: arrived != 0, message })
    }
}

/// A node whose messages of some topics are told to standard output.
pub(crate) struct Wiretap<N> {
    node: N,
    topics: &'static [Topic],
    inner: Outbox,
}

impl<N: Node> Wiretap<N> {
    pub(crate) fn new(node: N, topics: &'static [Topic]) -> Self {
        Self { node, topics, inner: Outbox::default() }
    }

    fn tell(&self, arrived: bool, message: &Message) {
        if self.topics.contains(&message.topic()) {
            // If nobody watches any more, the process is about to end.
            let _ = Frame::write(Clock::System.now(), arrived, message, &mut io::stdout().lock());
        }
    }

    fn pass_on(&mut self, out: &mut Outbox) {
        let mut inner = std::mem::take(&mut self.inner);
        for message in inner.drain() {
            self.tell(false, &message);
            out.publish(message);
        }
        if inner.finished() {
            out.finish_deployment();
        }
    }
}

impl<N: Node> Node for Wiretap<N> {
    fn name(&self) -> &str {
        self.node.name()
    }

    fn subscriptions(&self) -> &[Topic] {
        self.node.subscriptions()
    }

    fn publications(&self) -> &[Topic] {
        self.node.publications()
    }

    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        self.tell(true, message);
        self.node.receive(now, message, &mut self.inner);
        self.pass_on(out);
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.node.wake(now, &mut self.inner);
        self.pass_on(out);
    }

    fn next_wake(&self) -> Option<MonoTime> {
        self.node.next_wake()
    }

    fn dropped(&mut self, now: MonoTime, count: u64) {
        self.node.dropped(now, count);
    }

    fn finish(&mut self, now: MonoTime, out: &mut Outbox) {
        self.node.finish(now, &mut self.inner);
        self.pass_on(out);
    }
}

#[cfg(test)]
mod tests {
    use retake_wire::pb::Beacon;

    use super::*;

    #[test]
    fn what_is_told_is_read_and_a_torn_frame_ends_the_reading() {
        let message = Message::Beacon(Beacon { nonce: 7, epoch: 2, tick: 9, session: 4 });
        let mut pipe = Vec::new();
        Frame::write(MonoTime::from_nanos(5), true, &message, &mut pipe).unwrap();
        let frame = Frame::read(&mut pipe.as_slice()).unwrap();
        assert_eq!(frame, Frame { at: MonoTime::from_nanos(5), arrived: true, message });
        assert!(Frame::read(&mut &pipe[..pipe.len() - 1]).is_err());
    }
}
