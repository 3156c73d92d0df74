//! A node whose notices are also written to standard error: whoever started it may watch nothing else.

use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, Topic};

/// The node inside, aloud.
#[derive(Debug)]
pub(crate) struct Loud<N>(pub(crate) N);

impl<N: Node> Loud<N> {
    /// Lets the node do something and gives on what it says.
    #[expect(clippy::print_stderr, reason = "the person who started it is told")]
    fn aloud(&mut self, out: &mut Outbox, act: impl FnOnce(&mut N, &mut Outbox)) {
        let mut said = Outbox::default();
        act(&mut self.0, &mut said);
        if said.finished() {
            out.finish_deployment();
        }
        for message in said.drain() {
            if let Message::Notice(notice) = &message {
                eprintln!("{}: {}", notice.source, notice.text);
            }
            out.publish(message);
        }
    }
}

impl<N: Node> Node for Loud<N> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn subscriptions(&self) -> &[Topic] {
        self.0.subscriptions()
    }

    fn publications(&self) -> &[Topic] {
        self.0.publications()
    }

    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        self.aloud(out, |node, said| node.receive(now, message, said));
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.aloud(out, |node, said| node.wake(now, said));
    }

    fn next_wake(&self) -> Option<MonoTime> {
        self.0.next_wake()
    }

    fn dropped(&mut self, now: MonoTime, count: u64) {
        self.0.dropped(now, count);
    }

    fn finish(&mut self, now: MonoTime, out: &mut Outbox) {
        self.aloud(out, |node, said| node.finish(now, said));
    }
}
