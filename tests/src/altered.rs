//! A robot that says something else than what is so.

use std::fmt;

use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, Topic, pb::Observation};

/// What a robot says instead of an observation.
pub type Alteration = Box<dyn FnMut(MonoTime, &mut Observation) + Send>;

/// A robot whose observations are altered before anyone hears them.
pub(crate) struct Altered<N> {
    pub(crate) robot: N,
    pub(crate) alter: Alteration,
}

impl<N: Node> fmt::Debug for Altered<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Altered").field("robot", &self.robot.name()).finish_non_exhaustive()
    }
}

impl<N: Node> Altered<N> {
    fn say(&mut self, now: MonoTime, mut said: Outbox, out: &mut Outbox) {
        for message in said.drain() {
            let Message::Observation(mut observation) = message else {
                out.publish(message);
                continue;
            };
            (self.alter)(now, &mut observation);
            out.publish(observation);
        }
    }
}

impl<N: Node> Node for Altered<N> {
    fn name(&self) -> &str {
        self.robot.name()
    }

    fn subscriptions(&self) -> &[Topic] {
        self.robot.subscriptions()
    }

    fn publications(&self) -> &[Topic] {
        self.robot.publications()
    }

    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        let mut said = Outbox::default();
        self.robot.receive(now, message, &mut said);
        self.say(now, said, out);
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        let mut said = Outbox::default();
        self.robot.wake(now, &mut said);
        self.say(now, said, out);
    }

    fn next_wake(&self) -> Option<MonoTime> {
        self.robot.next_wake()
    }

    fn finish(&mut self, now: MonoTime, out: &mut Outbox) {
        let mut said = Outbox::default();
        self.robot.finish(now, &mut said);
        self.say(now, said, out);
    }
}
