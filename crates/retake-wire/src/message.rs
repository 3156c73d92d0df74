//! The closed set of messages, and their bytes.

use prost::Message as _;

use crate::{Topic, foxglove, pb};

/// Nothing longer is decoded: a 1280×720 JPEG fits, a bomb does not.
pub const MAX_MESSAGE_BYTES: usize = 8 << 20;

/// Bytes that are not the message their key promises.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// More bytes than any message may have.
    #[error("{topic:?} message of {bytes} bytes is over the {MAX_MESSAGE_BYTES} that are allowed")]
    TooLong {
        /// Topic it arrived on.
        topic: Topic,
        /// Its length.
        bytes: usize,
    },
    /// Not valid Protobuf for this topic.
    #[error("{topic:?} message cannot be decoded: {source}")]
    Malformed {
        /// Topic it arrived on.
        topic: Topic,
        /// What the decoder said.
        source: prost::DecodeError,
    },
}

macro_rules! messages {
    ($($name:ident($type:ty);)*) => {
        /// Anything that can arrive. Each variant belongs to the topic of the same name.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each variant is described at the topic of the same name")]
        pub enum Message { $($name($type),)* }

        impl Message {
            /// The topic this message is published on.
            pub const fn topic(&self) -> Topic {
                match self { $(Self::$name(_) => Topic::$name,)* }
            }

            /// Protobuf bytes.
            pub fn encode(&self) -> Vec<u8> {
                match self { $(Self::$name(message) => message.encode_to_vec(),)* }
            }

            /// Writes the Protobuf bytes into `buffer` instead of what it held.
            pub fn encode_into(&self, buffer: &mut Vec<u8>) {
                buffer.clear();
                // A vector has room for everything.
                let _always = match self { $(Self::$name(message) => message.encode(buffer),)* };
            }

            /// Reads a message of `topic`.
            ///
            /// # Errors
            /// If the bytes are too many or not such a message.
            pub fn decode(topic: Topic, bytes: &[u8]) -> Result<Self, DecodeError> {
                if bytes.len() > MAX_MESSAGE_BYTES {
                    return Err(DecodeError::TooLong { topic, bytes: bytes.len() });
                }
                match topic {
                    $(Topic::$name => <$type>::decode(bytes)
                        .map(Self::$name)
                        .map_err(|source| DecodeError::Malformed { topic, source }),)*
                }
            }
        }

        $(impl From<$type> for Message {
            fn from(message: $type) -> Self { Self::$name(message) }
        })*
    };
}

messages! {
    Descriptor(pb::RobotDescriptor);
    Observation(pb::Observation);
    Applied(pb::Applied);
    Command(pb::Command);
    Reset(pb::Reset);
    Camera(foxglove::CompressedImage);
    SimState(pb::SimState);
    Proposal(pb::Proposal);
    PolicyInfo(pb::PolicyInfo);
    Help(pb::HelpSignal);
    Input(pb::OperatorInput);
    Beacon(pb::Beacon);
    Status(pb::Status);
    Tick(pb::TickRecord);
    Segment(pb::SegmentRecord);
    Episode(pb::EpisodeRecord);
    Branch(pb::BranchRecord);
    ArbiterInfo(pb::ArbiterInfo);
    Schedule(pb::Schedule);
    Notice(pb::Notice);
    Watermark(pb::Watermark);
    Gap(pb::Gap);
}

impl Message {
    /// What follows the topic's key, for topics with many instances; empty for all others.
    pub fn instance(&self) -> &str {
        if let Self::Camera(image) = self { &image.frame_id } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_encoded_decodes_to_the_same() {
        let sent = Message::Beacon(pb::Beacon { nonce: 7, epoch: 3, tick: 9, session: 1 });
        assert_eq!(Message::decode(Topic::Beacon, &sent.encode()), Ok(sent));
    }

    #[test]
    fn too_long_is_refused_before_decoding() {
        let bytes = vec![0; MAX_MESSAGE_BYTES + 1];
        assert_eq!(
            Message::decode(Topic::Beacon, &bytes),
            Err(DecodeError::TooLong { topic: Topic::Beacon, bytes: MAX_MESSAGE_BYTES + 1 })
        );
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), topic in 0..Topic::ALL.len()) {
            let _ = Message::decode(Topic::ALL[topic], &bytes);
        }
    }
}
