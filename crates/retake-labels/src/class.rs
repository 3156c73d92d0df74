use retake_wire::pb::SegmentKind;
use serde::{Deserialize, Serialize};

/// What a step is an example of.
///
/// The numbers are part of the exported formats and never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Class {
    /// Nobody drove: held, or put back to a start state. Nothing is to be learnt from it.
    Idle = 0,
    /// The policy drove, and nobody found fault with it soon after.
    Policy = 1,
    /// The policy drove, and soon after a human took over: what led there.
    PreIntervention = 2,
    /// The robot went back along its path.
    Rewind = 3,
    /// A human led it back to where the policy knows its way.
    Recovery = 4,
    /// A human made progress after having taken over.
    Correction = 5,
    /// A human drove from the start.
    Demo = 6,
}

impl Class {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Idle,
        Self::Policy,
        Self::PreIntervention,
        Self::Rewind,
        Self::Recovery,
        Self::Correction,
        Self::Demo,
    ];

    /// Its number in exported data.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Its name in tables and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Policy => "policy",
            Self::PreIntervention => "pre-intervention",
            Self::Rewind => "rewind",
            Self::Recovery => "recovery",
            Self::Correction => "correction",
            Self::Demo => "demo",
        }
    }

    /// A human's hand was on the robot: driving it, or taking it back.
    pub const fn is_intervention(self) -> bool {
        matches!(self, Self::Rewind | Self::Recovery | Self::Correction)
    }

    /// What the recorded kind of segment says, before the time around it is looked at.
    pub const fn of_segment(kind: SegmentKind) -> Self {
        match kind {
            SegmentKind::Policy => Self::Policy,
            SegmentKind::Rewind => Self::Rewind,
            SegmentKind::Recovery => Self::Recovery,
            SegmentKind::Correction => Self::Correction,
            SegmentKind::Demo => Self::Demo,
            SegmentKind::Hold | SegmentKind::Reset | SegmentKind::Unspecified => Self::Idle,
        }
    }
}

/// The class of a step as a whole, for formats that have room for one: the one of its groups that says most about a human.
pub fn combined(groups: impl IntoIterator<Item = Class>) -> Class {
    const ORDER: [Class; 7] = [
        Class::Idle,
        Class::Policy,
        Class::PreIntervention,
        Class::Demo,
        Class::Rewind,
        Class::Recovery,
        Class::Correction,
    ];
    let rank = |class: &Class| ORDER.iter().position(|known| known == class);
    groups.into_iter().max_by_key(rank).unwrap_or(Class::Idle)
}
