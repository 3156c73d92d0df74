//! Everything a node says, on its way out.

use std::{collections::BTreeMap, time::Duration};

use retake_wire::{Message, Topic};
use zenoh::pubsub::Publisher;

use crate::{
    Bus, BusError,
    lane::{Lane, declare, put},
    qos::{self, Path},
    sequence::Stamp,
};

/// Publishes a node's messages and refuses those it had not declared.
#[derive(Debug)]
pub(crate) struct Outlet {
    bus: Bus,
    session: u64,
    allowed: Vec<Topic>,
    direct: BTreeMap<(Topic, String), Direct>,
    lane: Lane,
    lane_seq: BTreeMap<Topic, u64>,
    refused: u64,
}

#[derive(Debug)]
struct Direct {
    publisher: Publisher<'static>,
    seq: u64,
}

impl Outlet {
    pub(crate) fn open(bus: &Bus, publications: &[Topic]) -> Result<Self, BusError> {
        let mut recorded: Vec<Topic> =
            publications.iter().copied().filter(|topic| qos::of(*topic).path == Path::Lane).collect();
        // The runtime itself speaks in notices.
        recorded.push(Topic::Notice);
        recorded.sort_unstable();
        recorded.dedup();
        let lane = Lane::start(bus, &recorded)?;
        let mut direct = BTreeMap::new();
        for topic in publications {
            if qos::of(*topic).path == Path::Direct && !topic.has_instances() {
                direct
                    .insert((*topic, String::new()), Direct { publisher: declare(bus, *topic, "")?, seq: 0 });
            }
        }
        Ok(Self {
            bus: bus.clone(),
            session: session_number(bus),
            allowed: publications.to_vec(),
            direct,
            lane,
            lane_seq: BTreeMap::new(),
            refused: 0,
        })
    }

    /// Publishes what the node said.
    pub(crate) fn publish(&mut self, message: Message) {
        if self.allowed.contains(&message.topic()) {
            self.send(message);
        } else {
            self.refused += 1;
        }
    }

    /// Publishes what the runtime says in the node's name.
    pub(crate) fn send(&mut self, message: Message) {
        let topic = message.topic();
        match qos::of(topic).path {
            Path::Lane => {
                let seq = self.lane_seq.entry(topic).or_default();
                let stamp = Stamp { session: self.session, seq: *seq };
                *seq += 1;
                self.lane.send(message, stamp);
            }
            Path::Direct => self.send_direct(topic, message.instance(), message.encode()),
        }
    }

    fn send_direct(&mut self, topic: Topic, instance: &str, payload: Vec<u8>) {
        let key = (topic, if topic.has_instances() { instance.to_owned() } else { String::new() });
        if !self.direct.contains_key(&key) {
            match self.declare_instance(topic, instance) {
                Some(publisher) => drop(self.direct.insert(key.clone(), Direct { publisher, seq: 0 })),
                None => return,
            }
        }
        if let Some(direct) = self.direct.get_mut(&key) {
            put(&direct.publisher, payload, Stamp { session: self.session, seq: direct.seq });
            direct.seq += 1;
        }
    }

    /// An instance becomes part of a key, so nothing that means something in a key may be in it.
    fn declare_instance(&mut self, topic: Topic, instance: &str) -> Option<Publisher<'static>> {
        let clean = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-' || c == '.';
        if (1..=64).contains(&instance.len()) && instance.chars().all(clean) {
            match declare(&self.bus, topic, instance) {
                Ok(publisher) => return Some(publisher),
                Err(error) => tracing::warn!("{}: {error}", self.bus.name()),
            }
        }
        self.refused += 1;
        None
    }

    pub(crate) const fn refused(&self) -> u64 {
        self.refused
    }

    pub(crate) const fn lane_overflowed(&self) -> u64 {
        self.lane.overflowed()
    }

    /// Lets the lane finish; returns how many messages it could not send.
    pub(crate) fn close(self, patience: Duration) -> u64 {
        self.lane.close(patience)
    }
}

/// Tells one run of a node from its next.
fn session_number(bus: &Bus) -> u64 {
    let id = bus.session.zid().to_le_bytes();
    id.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
