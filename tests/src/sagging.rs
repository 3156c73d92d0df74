//! A robot whose arm hangs a little below where it is held, as every real one does.

use std::fmt;

use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, Topic};

use crate::ARM;

/// The simulated robot with a sag. What its driver says of where it holds the arm is lost from a reset to the first observation
/// after it, so that what is known of it then is out of date.
pub(crate) struct Sagging<N> {
    pub(crate) robot: N,
    /// Every joint measures itself this much below its set-point, radians.
    pub(crate) sag: f64,
    pub(crate) unheard: bool,
}

impl<N> fmt::Debug for Sagging<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sagging").field("sag", &self.sag).finish_non_exhaustive()
    }
}

impl<N> Sagging<N> {
    fn pass(&mut self, said: &mut Outbox, out: &mut Outbox) {
        for mut message in said.drain() {
            if let Message::Observation(observation) = &mut message
                && let Some(arm) = observation.position.get_mut(ARM)
            {
                arm.values.iter_mut().for_each(|joint| *joint -= self.sag);
                self.unheard = false;
            }
            if !(self.unheard && matches!(message, Message::Applied(_))) {
                out.publish(message);
            }
        }
    }
}

impl<N: Node> Node for Sagging<N> {
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
        self.unheard |= self.sag > 0.0 && matches!(message, Message::Reset(_));
        self.pass(&mut said, out);
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        let mut said = Outbox::default();
        self.robot.wake(now, &mut said);
        self.pass(&mut said, out);
    }

    fn next_wake(&self) -> Option<MonoTime> {
        self.robot.next_wake()
    }

    fn dropped(&mut self, now: MonoTime, count: u64) {
        self.robot.dropped(now, count);
    }

    fn finish(&mut self, now: MonoTime, out: &mut Outbox) {
        self.robot.finish(now, out);
    }
}
