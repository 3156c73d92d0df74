//! Which side of the arbiter a topic is on.

use retake_wire::{Message, Topic};

/// What a topic is to an arbiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The arbiter may be told this.
    Told,
    /// The arbiter says this, in order with its schedule.
    SaidInOrder,
    /// The arbiter says this, on a faster way than its schedule.
    SaidAtOnce,
    /// Which arbiter it is.
    Info,
    /// What it was told.
    Schedule,
    /// What the recorder knows to be missing.
    Gap,
    /// No concern of the arbiter's.
    Neither,
}

pub(crate) const fn of(topic: Topic) -> Side {
    match topic {
        Topic::Descriptor
        | Topic::Observation
        | Topic::Applied
        | Topic::SimState
        | Topic::Proposal
        | Topic::PolicyInfo
        | Topic::Help
        | Topic::Input => Side::Told,
        Topic::Tick | Topic::Segment | Topic::Episode | Topic::Branch | Topic::Notice => Side::SaidInOrder,
        Topic::Command | Topic::Reset | Topic::Beacon | Topic::Status => Side::SaidAtOnce,
        Topic::ArbiterInfo => Side::Info,
        Topic::Schedule => Side::Schedule,
        Topic::Gap => Side::Gap,
        Topic::Camera | Topic::Watermark => Side::Neither,
    }
}

/// Session of the arbiter that said this, where the message tells.
#[expect(clippy::wildcard_enum_match_arm, reason = "no other message tells")]
pub(crate) fn session(message: &Message) -> Option<u64> {
    match message {
        Message::Command(command) => command.header.map(|header| header.session),
        Message::Reset(reset) => reset.header.map(|header| header.session),
        Message::Beacon(beacon) => Some(beacon.session),
        _ => None,
    }
}

/// Tells apart messages of one topic and one arbiter, however they differ otherwise; two with the same key come in order.
#[expect(clippy::wildcard_enum_match_arm, reason = "an arbiter says nothing else")]
pub(crate) fn key(message: &Message) -> u64 {
    match message {
        Message::Command(command) => command.tick,
        Message::Reset(reset) => reset.header.map_or(0, |header| header.seq),
        Message::Beacon(beacon) => beacon.tick,
        Message::Status(status) => status.tick,
        Message::Tick(tick) => tick.tick,
        Message::Segment(segment) => segment.end_tick,
        Message::Episode(episode) => episode.episode,
        Message::Branch(branch) => branch.began_tick,
        Message::Notice(notice) => notice.tick,
        _ => 0,
    }
}

/// The key is the number of the tick at which it was said.
pub(crate) const fn keyed_by_tick(topic: Topic) -> bool {
    matches!(topic, Topic::Command | Topic::Beacon | Topic::Status | Topic::Tick)
}
