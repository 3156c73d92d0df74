//! What two runs decided, compared.

use std::fmt;

use retake_wire::{
    Message, Topic,
    pb::{Cause, GroupTick, Owner, Phase, SegmentKind, TickRecord},
};

use crate::{LogError, Messages, Recording};

/// A digest over everything the arbiter decided, tick by tick, and over no times: two lockstep runs of the same seed have
/// the same.
///
/// # Errors
/// If the recording cannot be read.
pub fn decisions_digest(recording: &Recording) -> Result<u64, LogError> {
    let mut digest = Fnv::default();
    let mut messages = recording.messages_on(&[Topic::Tick]);
    while let Some(tick) = next_tick(&mut messages)? {
        digest.tick(&tick);
    }
    Ok(digest.0)
}

/// The first tick at which two runs decided differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The tick.
    pub tick: u64,
    /// Which field, and of which group.
    pub field: String,
    /// What it is in the first recording.
    pub left: String,
    /// What it is in the second.
    pub right: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "tick {}: {} is {} in one and {} in the other",
            self.tick, self.field, self.left, self.right
        )
    }
}

/// Compares the decisions of two recordings; `None` if they are the same.
///
/// # Errors
/// If one of them cannot be read.
pub fn first_difference(left: &Recording, right: &Recording) -> Result<Option<Difference>, LogError> {
    let mut left = left.messages_on(&[Topic::Tick]);
    let mut right = right.messages_on(&[Topic::Tick]);
    loop {
        match (next_tick(&mut left)?, next_tick(&mut right)?) {
            (None, None) => return Ok(None),
            (Some(one), Some(other)) => {
                if let Some(difference) = difference(&one, &other) {
                    return Ok(Some(difference));
                }
            }
            (Some(only), None) => return Ok(Some(ended(only.tick, "a tick", "the end"))),
            (None, Some(only)) => return Ok(Some(ended(only.tick, "the end", "a tick"))),
        }
    }
}

fn ended(tick: u64, left: &str, right: &str) -> Difference {
    Difference { tick, field: "what comes next".to_owned(), left: left.to_owned(), right: right.to_owned() }
}

fn next_tick(messages: &mut Messages) -> Result<Option<TickRecord>, LogError> {
    for logged in messages.by_ref() {
        if let Message::Tick(tick) = logged?.message {
            return Ok(Some(tick));
        }
    }
    Ok(None)
}

fn difference(left: &TickRecord, right: &TickRecord) -> Option<Difference> {
    let digest = |tick| {
        let mut digest = Fnv::default();
        digest.tick(tick);
        digest.0
    };
    if digest(left) == digest(right) {
        return None;
    }
    let (mut ours, mut theirs) = (fields(left), fields(right));
    loop {
        let (one, other) = (ours.next(), theirs.next());
        if one == other {
            one?;
            continue;
        }
        let field = one.as_ref().or(other.as_ref()).map(|(name, _)| name.clone()).unwrap_or_default();
        let text =
            |value: Option<(String, String)>| value.map_or_else(|| "missing".to_owned(), |(_, value)| value);
        return Some(Difference { tick: left.tick, field, left: text(one), right: text(other) });
    }
}

/// What is compared, with names, in the order in which it is compared.
fn fields(tick: &TickRecord) -> impl Iterator<Item = (String, String)> {
    let whole = [
        ("tick", tick.tick.to_string()),
        ("epoch", tick.epoch.to_string()),
        ("episode", tick.episode.to_string()),
        ("phase", Phase::try_from(tick.phase).map_or("unknown", |phase| phase.as_str_name()).to_owned()),
        ("stopped", tick.stopped.to_string()),
    ];
    let whole = whole.into_iter().map(|(name, value)| (name.to_owned(), value));
    whole.chain(tick.groups.iter().enumerate().flat_map(|(index, group)| {
        group_fields(group).map(move |(name, value)| (format!("{name} of group {index}"), value))
    }))
}

fn group_fields(group: &GroupTick) -> impl Iterator<Item = (&'static str, String)> + use<> {
    [
        ("owner", Owner::try_from(group.owner).map_or("unknown", |owner| owner.as_str_name()).to_owned()),
        ("cause", Cause::try_from(group.cause).map_or("unknown", |cause| cause.as_str_name()).to_owned()),
        (
            "segment",
            SegmentKind::try_from(group.segment).map_or("unknown", |kind| kind.as_str_name()).to_owned(),
        ),
        ("limits", group.limits.to_string()),
        // Debug prints the shortest text that leads back to the same number.
        ("target", format!("{:?}", group.target)),
        ("command", format!("{:?}", group.command)),
    ]
    .into_iter()
}

/// FNV-1a, 64 bits: notices chance, not malice.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn number(&mut self, number: u64) {
        for byte in number.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn values(&mut self, values: &[f64]) {
        self.number(values.len() as u64);
        for value in values {
            self.number(value.to_bits());
        }
    }

    fn tick(&mut self, tick: &TickRecord) {
        for number in [tick.tick, tick.epoch, tick.episode, u64::from(tick.stopped), tick.groups.len() as u64]
        {
            self.number(number);
        }
        self.number(u64::from(tick.phase.cast_unsigned()));
        for group in &tick.groups {
            for number in [group.owner, group.cause, group.segment] {
                self.number(u64::from(number.cast_unsigned()));
            }
            self.number(u64::from(group.limits));
            self.values(&group.target);
            self.values(&group.command);
        }
    }
}
