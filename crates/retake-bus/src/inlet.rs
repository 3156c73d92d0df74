//! Everything a node hears, on its way in.

use std::sync::Arc;

use retake_wire::{Message, Topic};
use zenoh::{Wait, bytes::ZBytes, pubsub::Subscriber};

use crate::{
    Bus, BusError,
    mailbox::Mailbox,
    sequence::{Damaged, Stamp},
};

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
            let stamp = sample.attachment().map(ZBytes::to_bytes);
            match open_one(topic, &bytes, stamp.as_deref()) {
                Ok((message, stamp)) => mailbox.push(message, bytes.len(), stamp),
                Err(complaint) => mailbox.refuse(complaint),
            }
        })
        .wait()
        .map_err(BusError::zenoh("subscribe"))
}

/// The message, unless it was spoiled on the way. Senders in other languages need no stamp, but nothing moves the robot without one.
fn open_one(topic: Topic, bytes: &[u8], stamp: Option<&[u8]>) -> Result<(Message, Option<Stamp>), String> {
    let damaged =
        |_: Damaged| format!("a message on {topic:?} was spoiled on the way: its checksum is wrong");
    let stamp = stamp.map(|stamp| Stamp::open(stamp, bytes).map_err(damaged)).transpose()?;
    if stamp.is_none() && topic == Topic::Command {
        return Err("a command came without a checksum".into());
    }
    Message::decode(topic, bytes).map(|message| (message, stamp)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use retake_wire::pb;

    use super::*;

    #[test]
    fn a_command_that_was_spoiled_or_has_no_checksum_is_refused() {
        let stamp = Stamp { session: 1, seq: 2 };
        for (topic, message) in [
            (Topic::Command, Message::from(pb::Command { tick: 9, ..pb::Command::default() })),
            (Topic::Input, pb::OperatorInput { clutch: true, ..pb::OperatorInput::default() }.into()),
        ] {
            let bytes = message.encode();
            let sealed = stamp.seal(&bytes);
            assert_eq!(open_one(topic, &bytes, Some(&sealed)), Ok((message.clone(), Some(stamp))));
            let unsealed = open_one(topic, &bytes, None);
            assert_eq!(unsealed.is_ok(), topic == Topic::Input, "{unsealed:?}");
            let mut spoiled = bytes.clone();
            *spoiled.last_mut().unwrap() ^= 1;
            assert!(open_one(topic, &spoiled, Some(&sealed)).unwrap_err().contains("checksum"));
        }
    }
}
