//! A node with a stopwatch around it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use retake_bus::Clock;
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, Topic};

use crate::stats::Spans;

/// What comes in the first moments of a deployment is not measured: caches are cold and everybody announces themselves.
pub(crate) const WARM_UP: Duration = Duration::from_millis(1500);

/// What the stopwatch showed.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// The node's wakes, in order.
    pub(crate) wakes: Vec<WakeTimes>,
    /// Inside the node's receive, one message each.
    pub(crate) received: Vec<Duration>,
    /// When inputs and proposals arrived, by their sequence numbers.
    pub(crate) arrivals: Vec<(Topic, u64, MonoTime)>,
    /// How often the scene was reset: the attempts that were begun.
    pub(crate) attempts: u64,
    begun: Option<MonoTime>,
    publishing: Option<WakeTimes>,
}

/// One wake of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WakeTimes {
    /// When it began.
    pub(crate) at: MonoTime,
    /// From the time the node wanted to be woken.
    pub(crate) late: Duration,
    /// Inside the node.
    pub(crate) decided: Duration,
    /// From the wake's begin until all it said was published.
    pub(crate) published: Duration,
}

impl Times {
    fn warm(&mut self, now: MonoTime) -> bool {
        now.since(*self.begun.get_or_insert(now)) >= WARM_UP
    }

    fn close(&mut self) {
        if let Some(wake) = self.publishing.take() {
            self.wakes.push(WakeTimes { published: Clock::System.now().since(wake.at), ..wake });
        }
    }

    /// One span of each wake.
    pub(crate) fn of_wakes(&self, span: fn(&WakeTimes) -> Duration) -> Spans {
        Spans::new(self.wakes.iter().map(span).collect())
    }
}

/// Reads the stopwatch of a node that has gone to its thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stopwatch(Arc<Mutex<Times>>);

impl Stopwatch {
    fn times(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(&self) -> Times {
        std::mem::take(&mut *self.times())
    }
}

/// A node whose every call is timed. Only the node's own thread uses the stopwatch while it runs.
struct Timed {
    node: Box<dyn Node>,
    watch: Stopwatch,
}

/// Puts a stopwatch around `node`.
pub(crate) fn timed(node: impl Node + 'static) -> (Box<dyn Node>, Stopwatch) {
    let watch = Stopwatch::default();
    (Box::new(Timed { node: Box::new(node), watch: watch.clone() }), watch)
}

impl Node for Timed {
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
        self.watch.times().close();
        let began = Clock::System.now();
        self.node.receive(now, message, out);
        let took = Clock::System.now().since(began);
        let mut times = self.watch.times();
        if times.warm(began) {
            times.received.push(took);
        }
        let header = if let Message::Input(input) = message {
            input.header
        } else if let Message::Proposal(proposal) = message {
            proposal.header
        } else {
            None
        };
        if let Message::Observation(observation) = message {
            times.attempts = times.attempts.max(observation.resets);
        }
        times.arrivals.extend(header.map(|header| (message.topic(), header.seq, now)));
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        let due = self.node.next_wake();
        self.node.wake(now, out);
        let decided = Clock::System.now().since(now);
        let mut times = self.watch.times();
        if times.warm(now) {
            let late = due.map_or(Duration::ZERO, |due| now.since(due));
            times.publishing = Some(WakeTimes { at: now, late, decided, published: decided });
        }
    }

    /// The runtime asks for the next wake, or gives the next message, only after all that was said is published.
    fn next_wake(&self) -> Option<MonoTime> {
        self.watch.times().close();
        self.node.next_wake()
    }

    fn dropped(&mut self, now: MonoTime, count: u64) {
        self.node.dropped(now, count);
    }

    fn finish(&mut self, now: MonoTime, out: &mut Outbox) {
        self.node.finish(now, out);
    }
}
