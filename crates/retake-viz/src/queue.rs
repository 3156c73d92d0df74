//! A bounded queue that never makes its writer wait.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use retake_units::MonoTime;
use retake_wire::{Message, Topic};

/// Seconds of a busy deployment; what a viewer this far behind would show is history anyway.
const ROOM: usize = 2048;
/// Pictures are the first to go: they may take this share only.
const PICTURES: usize = 64;

/// What the other side finds.
#[derive(Debug, PartialEq)]
pub(crate) enum Taken {
    /// Everything that waited, and how much was dropped since the last time.
    Some(Vec<(MonoTime, Message)>, u64),
    /// Nothing more will come.
    Closed,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<(MonoTime, Message)>,
    pictures: usize,
    dropped: u64,
    closed: bool,
}

/// Between the node and its logging thread.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

impl Queue {
    pub(crate) fn push(&self, at: MonoTime, message: &Message) {
        let mut waiting = self.lock();
        let picture = message.topic() == Topic::Camera;
        if waiting.messages.len() >= ROOM || (picture && waiting.pictures >= PICTURES) {
            waiting.dropped += 1;
            return;
        }
        waiting.pictures += usize::from(picture);
        waiting.messages.push_back((at, message.clone()));
        drop(waiting);
        self.arrived.notify_one();
    }

    pub(crate) fn lost(&self, count: u64) {
        self.lock().dropped += count;
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// Waits for messages, or for the end once all of them were taken.
    pub(crate) fn take(&self) -> Taken {
        let idle = |waiting: &mut Waiting| waiting.messages.is_empty() && !waiting.closed;
        let mut waiting = self.arrived.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        if waiting.messages.is_empty() {
            return Taken::Closed;
        }
        waiting.pictures = 0;
        Taken::Some(waiting.messages.drain(..).collect(), std::mem::take(&mut waiting.dropped))
    }

    /// A panic on the other side leaves the queue itself whole.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use retake_wire::{foxglove, pb};

    use super::*;

    #[test]
    fn pictures_go_first_and_every_loss_is_counted() {
        let queue = Queue::default();
        for _ in 0..PICTURES + 10 {
            queue.push(MonoTime::ZERO, &foxglove::CompressedImage::default().into());
        }
        for _ in 0..ROOM {
            queue.push(MonoTime::ZERO, &pb::TickRecord::default().into());
        }
        let Taken::Some(messages, dropped) = queue.take() else { panic!("closed") };
        assert_eq!(messages.len(), ROOM);
        assert_eq!(dropped, 10 + PICTURES as u64);
    }

    #[test]
    fn what_was_pushed_before_the_end_is_still_taken() {
        let queue = Queue::default();
        queue.push(MonoTime::ZERO, &pb::Notice::default().into());
        queue.close();
        assert!(matches!(queue.take(), Taken::Some(..)));
        assert_eq!(queue.take(), Taken::Closed);
    }
}
