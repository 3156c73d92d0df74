//! Everything a node hears, on its way in.

use std::sync::Arc;

use retake_wire::{Message, Topic};
use zenoh::{Wait, pubsub::Subscriber};

use crate::{Bus, BusError, mailbox::Mailbox, sequence::Stamp};

/// Subscribes to `topics` for as long as the result lives. Decoding happens on the receiving thread, which never waits.
pub(crate) fn open(
    bus: &Bus,
    topics: &[Topic],
    mailbox: &Arc<Mailbox>,
) -> Result<Vec<Subscriber<()>>, BusError> {
    topics.iter().map(|topic| subscribe(bus, *topic, Arc::clone(mailbox))).collect()
}

fn subscribe(bus: &Bus, topic: Topic, mailbox: Arc<Mailbox>) -> Result<Subscriber<()>, BusError> {
    bus.session
        .declare_subscriber(topic.pattern(&bus.robot))
        .callback(move |sample| {
            let bytes = sample.payload().to_bytes();
            match Message::decode(topic, &bytes) {
                Ok(message) => {
                    let stamp = sample.attachment().and_then(|stamp| Stamp::parse(&stamp.to_bytes()));
                    mailbox.push(message, bytes.len(), stamp);
                }
                Err(error) => mailbox.refuse(error.to_string()),
            }
        })
        .wait()
        .map_err(BusError::zenoh("subscribe"))
}
