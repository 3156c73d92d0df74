use retake_units::MonoTime;
use retake_wire::{Message, Topic};

/// Where in a session a decision was: the unit of what is acknowledged as recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Episode the tick belongs to.
    pub episode: u64,
    /// Control tick.
    pub tick: u64,
}

/// A message on its way to the disk, already encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its topic.
    pub topic: Topic,
    /// What follows the topic's key: the camera's name.
    pub instance: String,
    /// When it was received.
    pub at: MonoTime,
    /// The time of day it carries itself, if it does.
    pub published_nanos: Option<u64>,
    /// Protobuf bytes.
    pub bytes: Vec<u8>,
    /// Set for a tick record.
    pub mark: Option<Mark>,
}

impl Entry {
    /// `message` as received at `at`.
    pub fn new(message: &Message, at: MonoTime) -> Self {
        let mark = if let Message::Tick(tick) = message {
            Some(Mark { episode: tick.episode, tick: tick.tick })
        } else {
            None
        };
        Self {
            topic: message.topic(),
            instance: message.instance().to_owned(),
            at,
            published_nanos: published(message),
            bytes: message.encode(),
            mark,
        }
    }
}

/// Images carry the time of day of their capture; all other times on the wire are monotonic and need no second copy here.
fn published(message: &Message) -> Option<u64> {
    let Message::Camera(image) = message else { return None };
    let time = image.timestamp.as_ref()?;
    let seconds = u64::try_from(time.seconds).ok()?;
    let nanos = u64::try_from(time.nanos).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}
