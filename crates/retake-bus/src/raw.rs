//! Messages as they travel: for relays that pass on what they do not understand.

use std::{collections::BTreeMap, fmt};

use retake_wire::Topic;
use zenoh::{Wait, pubsub::Publisher};

use crate::{
    Bus, BusError,
    bus::RawSubscription,
    lane::declare,
    sequence::{Damaged, Stamp},
};

/// One message with everything that travels with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawMessage {
    /// Topic it was published on; never one with instances.
    pub topic: Topic,
    /// Its bytes.
    pub payload: Vec<u8>,
    /// The session and number that travel beside it; none for senders that do not number their messages.
    pub sender: Option<(u64, u64)>,
}

/// Sends messages as they are.
pub struct RawSender {
    publishers: BTreeMap<Topic, Publisher<'static>>,
}

impl fmt::Debug for RawSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawSender").field("topics", &self.publishers.keys()).finish()
    }
}

impl Bus {
    /// Gives every message of `topic` to `callback`, which runs on the receiving thread of all subscriptions of this process
    /// and must return at once.
    ///
    /// # Errors
    /// If zenoh refuses the subscription.
    pub fn tap(
        &self,
        topic: Topic,
        callback: impl Fn(RawMessage) + Send + Sync + 'static,
    ) -> Result<RawSubscription, BusError> {
        let subscriber = self
            .session
            .declare_subscriber(topic.key(&self.robot, ""))
            .callback(move |sample| {
                let payload = sample.payload().to_bytes().to_vec();
                let stamp = sample.attachment().map(|stamp| Stamp::open(&stamp.to_bytes(), &payload));
                match stamp.transpose() {
                    Ok(stamp) => {
                        let sender = stamp.map(|stamp| (stamp.session, stamp.seq));
                        callback(RawMessage { topic, payload, sender });
                    }
                    // To seal it again would hide it.
                    Err(Damaged) => tracing::debug!("a spoiled message on {topic:?} was not passed on"),
                }
            })
            .wait()
            .map_err(BusError::zenoh("subscribe"))?;
        Ok(RawSubscription { _subscriber: subscriber })
    }

    /// A sender of `topics`, each with the topic's quality of service.
    ///
    /// # Errors
    /// If zenoh refuses a publication.
    pub fn raw_sender(&self, topics: &[Topic]) -> Result<RawSender, BusError> {
        let declared = topics.iter().map(|topic| Ok((*topic, declare(self, *topic, "")?)));
        Ok(RawSender { publishers: declared.collect::<Result<_, BusError>>()? })
    }
}

impl RawSender {
    /// Sends a message of a declared topic, sealed anew; others are not sent.
    pub fn send(&self, message: &RawMessage) {
        let Some(publisher) = self.publishers.get(&message.topic) else { return };
        let put = publisher.put(message.payload.clone());
        let done = match message.sender {
            None => put.wait(),
            Some((session, seq)) => {
                put.attachment(Stamp { session, seq }.seal(&message.payload).to_vec()).wait()
            }
        };
        if let Err(error) = done {
            tracing::debug!("a message was not passed on: {error}");
        }
    }
}
