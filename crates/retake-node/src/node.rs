use retake_units::MonoTime;
use retake_wire::{Message, Topic};

/// A part of a deployment.
///
/// All methods return quickly: a node that has slow work to do (files, screens, rendering) hands it to a thread of its own.
pub trait Node: Send {
    /// Name in launch files, logs and notices.
    fn name(&self) -> &str;

    /// Topics it wants to receive.
    fn subscriptions(&self) -> &[Topic];

    /// Topics it may publish; anything else it sends is refused by the runtime.
    fn publications(&self) -> &[Topic];

    /// A message arrived.
    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox);

    /// The time it asked for has come, or passed.
    fn wake(&mut self, now: MonoTime, out: &mut Outbox);

    /// When it wants to be woken next; `None` if only messages concern it.
    fn next_wake(&self) -> Option<MonoTime>;

    /// The runtime had to drop `count` messages before this node could read them, or could not decode them.
    fn dropped(&mut self, _now: MonoTime, _count: u64) {}

    /// Last call: publish what must be said and release what is held.
    fn finish(&mut self, _now: MonoTime, _out: &mut Outbox) {}
}

/// What a node wants to happen: messages in order, and perhaps the end.
#[derive(Debug, Default)]
pub struct Outbox {
    messages: Vec<Message>,
    finished: bool,
}

impl Outbox {
    /// Publishes `message` on its topic.
    pub fn publish(&mut self, message: impl Into<Message>) {
        self.messages.push(message.into());
    }

    /// The deployment's work is done; the runtime stops all nodes.
    pub const fn finish_deployment(&mut self) {
        self.finished = true;
    }

    /// Whether the end was asked for.
    pub const fn finished(&self) -> bool {
        self.finished
    }

    /// Takes the messages out, oldest first.
    pub fn drain(&mut self) -> impl Iterator<Item = Message> + '_ {
        self.messages.drain(..)
    }
}
