//! Runs one node in real time: the twin of `retake_node::Lockstep`.

use std::{num::NonZeroU64, sync::Arc, thread, time::Duration};

use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::pb;
use zenoh::pubsub::Subscriber;

use crate::{
    Bus, BusError, Clock, NodeReport, StopFlag,
    bus::Announcement,
    inlet,
    mailbox::{Arrival, Losses, Mailbox},
    outlet::Outlet,
    report::Spans,
};

/// A node looks at least this often whether it is to stop.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// A manual clock moves without waking anybody, so it is looked at this often.
const MANUAL_CHECK: Duration = Duration::from_millis(1);
/// A due wake does not wait for more arrivals than this.
const ARRIVALS_PER_LOOK: usize = 32;
/// Complaints are published at most this often.
const NOTICE_PERIOD: Duration = Duration::from_secs(1);
/// At the end, time for the record lane and for the last words to arrive.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A node whose subscriptions are open and whose thread has not begun.
pub struct AttachedNode {
    running: Running,
    bus: Bus,
}

/// A node's thread.
#[derive(Debug)]
pub struct NodeThread {
    name: String,
    thread: thread::JoinHandle<NodeReport>,
}

impl std::fmt::Debug for AttachedNode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttachedNode").field("bus", &self.bus).finish_non_exhaustive()
    }
}

/// Runs `node` on a thread of its own until `stop` is set, or until the node ends the deployment, which sets `stop`.
///
/// # Errors
/// If the node cannot be connected, or panics.
pub fn run_node(
    node: Box<dyn Node>,
    bus: Bus,
    clock: Clock,
    stop: &StopFlag,
) -> Result<NodeReport, BusError> {
    AttachedNode::open(node, bus, clock)?.spawn(stop, stop)?.join()
}

impl AttachedNode {
    /// Opens the node's subscriptions and publications. From here on its messages are kept for it.
    ///
    /// # Errors
    /// If zenoh refuses one of them.
    pub fn open(node: Box<dyn Node>, bus: Bus, clock: Clock) -> Result<Self, BusError> {
        let mailbox = Arc::new(Mailbox::default());
        let subscribers = inlet::open(&bus, node.subscriptions(), &mailbox)?;
        let outlet = Outlet::open(&bus, node.publications())?;
        // Last, so that who sees the announcement has seen the subscriptions.
        let announcement = bus.announce()?;
        let now = clock.now();
        let running = Running {
            node,
            clock,
            mailbox,
            outlet,
            outbox: Outbox::default(),
            batch: Vec::new(),
            now,
            began: now,
            lateness: Spans::new(),
            busy: Spans::new(),
            report: NodeReport { name: bus.name().to_owned(), ..NodeReport::default() },
            complaint: String::new(),
            complained: Complaints::default(),
            complained_at: MonoTime::ZERO,
            open: (subscribers, announcement),
        };
        Ok(Self { running, bus })
    }

    /// Waits until all the nodes called `names` hear this one.
    ///
    /// # Errors
    /// After `timeout`, with the names of those who are missing.
    pub fn wait_for_peers(&self, names: &[String], timeout: Duration) -> Result<(), BusError> {
        self.bus.wait_for_peers(names, timeout)
    }

    /// Starts the node's thread. It runs until `stop` is set; the node sets `end` when it ends the deployment.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn spawn(self, stop: &StopFlag, end: &StopFlag) -> Result<NodeThread, BusError> {
        let name = self.bus.name().to_owned();
        let (stop, end, bus, running) = (stop.clone(), end.clone(), self.bus, self.running);
        thread::Builder::new()
            .name(name.clone())
            .spawn(move || {
                let report = running.run(&bus, &stop, &end);
                bus.close();
                report
            })
            .map(|thread| NodeThread { name: name.clone(), thread })
            .map_err(|source| BusError::Thread { name, source })
    }
}

impl NodeThread {
    /// Whether the thread has ended, by itself or by a panic.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for the thread's end.
    ///
    /// # Errors
    /// If the node panicked.
    pub fn join(self) -> Result<NodeReport, BusError> {
        self.thread.join().map_err(|payload| {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let message = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
            BusError::Panicked { name: self.name, message: message.to_owned() }
        })
    }
}

struct Running {
    node: Box<dyn Node>,
    clock: Clock,
    mailbox: Arc<Mailbox>,
    outlet: Outlet,
    outbox: Outbox,
    batch: Vec<Arrival>,
    /// Never goes back.
    now: MonoTime,
    began: MonoTime,
    lateness: Spans,
    busy: Spans,
    report: NodeReport,
    complaint: String,
    complained: Complaints,
    complained_at: MonoTime,
    open: (Vec<Subscriber<()>>, Announcement),
}

/// What has been complained about already.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Complaints {
    lost: u64,
    undecodable: u64,
    refused: u64,
    lane: u64,
}

impl Running {
    fn run(mut self, bus: &Bus, stop: &StopFlag, end: &StopFlag) -> NodeReport {
        // The kernel's default lets a timer be 50 µs late to save power.
        if let Err(error) = rustix::thread::set_current_timer_slack(NonZeroU64::new(1)) {
            tracing::debug!("timer slack stays as it is: {error}");
        }
        self.began = self.clock.now();
        while !stop.is_set() {
            self.wait();
            self.turn();
            if self.outbox.finished() {
                end.set();
            }
        }
        self.turn();
        self.node.finish(self.now, &mut self.outbox);
        self.publish();
        self.complain();
        self.close(bus)
    }

    fn wait(&self) {
        let now = self.clock.now();
        let due = self.node.next_wake().map_or(STOP_CHECK, |due| due.since(now));
        let longest = match self.clock {
            Clock::System => STOP_CHECK,
            Clock::Manual(_) => MANUAL_CHECK,
        };
        if !due.is_zero() {
            self.mailbox.wait(due.min(longest));
        }
    }

    fn turn(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        let losses = self.mailbox.take(&mut batch);
        for (index, arrival) in batch.drain(..).enumerate() {
            if index % ARRIVALS_PER_LOOK == ARRIVALS_PER_LOOK - 1 {
                self.wake_if_due();
            }
            // Not when it arrived: what lay in the mailbox while this thread was kept from running has aged there.
            self.now = self.now.max(self.clock.now());
            self.report.received += 1;
            self.node.receive(self.now, &arrival.message, &mut self.outbox);
            self.publish();
        }
        self.batch = batch;
        self.account(losses);
        self.wake_if_due();
        if self.now.since(self.complained_at) >= NOTICE_PERIOD {
            self.complain();
        }
    }

    fn wake_if_due(&mut self) {
        let now = self.clock.now().max(self.now);
        self.now = now;
        let Some(due) = self.node.next_wake().filter(|due| *due <= now) else { return };
        // What was due before the node began to run is not late.
        self.lateness.record(now.since(due.max(self.began)));
        self.node.wake(now, &mut self.outbox);
        self.publish();
        self.busy.record(self.clock.now().since(now));
    }

    fn publish(&mut self) {
        for message in self.outbox.drain() {
            self.outlet.publish(message);
        }
    }

    fn account(&mut self, losses: Losses) {
        let Losses { overflowed, missed, undecodable, conflated, complaint } = losses;
        self.report.mailbox_dropped += overflowed;
        self.report.missed += missed;
        self.report.undecodable += undecodable;
        self.report.conflated += conflated;
        self.complaint = complaint.unwrap_or(std::mem::take(&mut self.complaint));
        let unread = overflowed.saturating_add(missed).saturating_add(undecodable);
        if unread > 0 {
            self.node.dropped(self.now, unread);
        }
    }

    /// Says in words what was lost or refused since the last time.
    fn complain(&mut self) {
        let now = Complaints {
            lost: self.report.mailbox_dropped + self.report.missed,
            undecodable: self.report.undecodable,
            refused: self.outlet.refused(),
            lane: self.outlet.lane_overflowed(),
        };
        let before = std::mem::replace(&mut self.complained, now);
        if now == before {
            return;
        }
        self.complained_at = self.now;
        for (count, code, text) in [
            (
                now.lost - before.lost,
                "messages_lost",
                "messages for this node were lost; it is too slow or was stopped",
            ),
            (now.undecodable - before.undecodable, "undecodable", self.complaint.as_str()),
            (
                now.refused - before.refused,
                "publication_refused",
                "messages of topics it had not declared were refused",
            ),
            (
                now.lane - before.lane,
                "record_lane_full",
                "messages were lost because a receiver does not read them",
            ),
        ] {
            if count > 0 {
                tracing::warn!("{}: {count} × {code}: {text}", self.report.name);
                let notice = pb::Notice {
                    tick: 0,
                    code: code.to_owned(),
                    text: format!("{count} times: {text}"),
                    source: self.report.name.clone(),
                };
                self.outlet.send(notice.into());
            }
        }
    }

    fn close(self, bus: &Bus) -> NodeReport {
        let mut report = self.report;
        report.finished = self.outbox.finished();
        report.lateness = self.lateness.quantiles();
        report.busy = self.busy.quantiles();
        report.refused = self.outlet.refused();
        report.lane_dropped = self.outlet.lane_overflowed();
        report.lane_unsent = self.outlet.close(LAST_WORDS);
        report.flushed = report.lane_unsent == 0 && bus.flush(LAST_WORDS);
        drop(self.open);
        report
    }
}
