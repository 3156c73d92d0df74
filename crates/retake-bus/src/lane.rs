//! The record lane: a thread that encodes records and may wait for slow receivers, so that the node's thread never does.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender, TrySendError},
    },
    thread,
    time::Duration,
};

use retake_wire::{Message, Topic};
use zenoh::{Wait, pubsub::Publisher};

use crate::{Bus, BusError, bus::pause, qos, sequence::Stamp};

/// At 300 messages per second this is almost a minute of a receiver that does not read.
const LANE_MESSAGES: usize = 16_384;
/// A record is written right after a command, whose receivers wake one after the other now. On two cores the lane would take from
/// them the one that the node does not have.
const STEP_ASIDE: Duration = Duration::from_micros(200);

struct Parcel {
    message: Message,
    stamp: Stamp,
}

/// Sends in the background what must not be lost.
#[derive(Debug)]
pub(crate) struct Lane {
    sender: SyncSender<Parcel>,
    done: Receiver<()>,
    waiting: Arc<AtomicU64>,
    overflowed: u64,
}

impl Lane {
    pub(crate) fn start(bus: &Bus, topics: &[Topic]) -> Result<Self, BusError> {
        let mut publishers = BTreeMap::new();
        for topic in topics {
            publishers.insert(*topic, declare(bus, *topic, "")?);
        }
        let (sender, receiver) = mpsc::sync_channel::<Parcel>(LANE_MESSAGES);
        let (done_sender, done) = mpsc::sync_channel(1);
        let waiting = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&waiting);
        thread::Builder::new()
            .name(format!("{}-lane", bus.name))
            .spawn(move || {
                while let Ok(first) = receiver.recv() {
                    pause(STEP_ASIDE);
                    for Parcel { message, stamp } in std::iter::once(first).chain(receiver.try_iter()) {
                        if let Some(publisher) = publishers.get(&message.topic()) {
                            put(publisher, message.encode(), stamp);
                        }
                        counter.fetch_sub(1, Ordering::AcqRel);
                    }
                }
                // Nobody listens any more if the node gave up waiting for this.
                let _ = done_sender.try_send(());
            })
            .map_err(|source| BusError::Thread { name: bus.name.clone(), source })?;
        Ok(Self { sender, done, waiting, overflowed: 0 })
    }

    /// Never waits. What finds no room is counted, and its receivers see the gap in the numbering.
    pub(crate) fn send(&mut self, message: Message, stamp: Stamp) {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        match self.sender.try_send(Parcel { message, stamp }) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.waiting.fetch_sub(1, Ordering::AcqRel);
                self.overflowed += 1;
            }
        }
    }

    pub(crate) const fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Lets the lane finish what it has, for at most `patience`; returns how many messages it could not send.
    pub(crate) fn close(self, patience: Duration) -> u64 {
        drop(self.sender);
        match self.done.recv_timeout(patience) {
            Ok(()) => 0,
            Err(_) => self.waiting.load(Ordering::Acquire),
        }
    }
}

pub(crate) fn declare(bus: &Bus, topic: Topic, instance: &str) -> Result<Publisher<'static>, BusError> {
    let qos = qos::of(topic);
    bus.session
        .declare_publisher(topic.key(&bus.robot, instance))
        .priority(qos.priority)
        .congestion_control(qos.congestion)
        .express(qos.express)
        .wait()
        .map_err(BusError::zenoh("publish"))
}

pub(crate) fn put(publisher: &Publisher<'_>, payload: Vec<u8>, stamp: Stamp) {
    let sealed = stamp.seal(&payload).to_vec();
    // Fails only while the session closes, when there is nobody left to tell.
    if let Err(error) = publisher.put(payload).attachment(sealed).wait() {
        tracing::debug!("a message was not sent: {error}");
    }
}
