use retake_units::MonoTime;

use crate::GroupSet;

/// An operator's station, as a number the node made from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperatorId(pub u64);

/// A hold-to-run button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Button {
    /// Up: the next press counts.
    Released,
    /// Down, and counting.
    Held,
    /// Down, but something took its effect away: it must come up before it counts again.
    Disarmed,
}

/// What a new level of a button means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edge {
    None,
    Pressed,
    Released,
}

impl Button {
    pub(crate) const fn moved(self, down: bool) -> (Self, Edge) {
        match (self, down) {
            (Self::Released, true) => (Self::Held, Edge::Pressed),
            (Self::Held, false) => (Self::Released, Edge::Released),
            (Self::Disarmed, false) | (Self::Released, false) => (Self::Released, Edge::None),
            (Self::Disarmed, true) => (Self::Disarmed, Edge::None),
            (Self::Held, true) => (Self::Held, Edge::None),
        }
    }

    pub(crate) const fn disarmed(self) -> Self {
        match self {
            Self::Held | Self::Disarmed => Self::Disarmed,
            Self::Released => Self::Released,
        }
    }
}

/// A hold-to-run button for each group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clutch {
    /// Down, and counting.
    pub(crate) held: GroupSet,
    /// Down, but must come up before it counts again.
    pub(crate) disarmed: GroupSet,
}

impl Clutch {
    /// Trusts nothing: whatever is down must come up first.
    pub(crate) const UNTRUSTED: Self = Self { held: GroupSet::NONE, disarmed: GroupSet::ALL };

    /// New levels: the clutch after them, and the groups that were pressed and released.
    pub(crate) const fn moved(self, down: GroupSet) -> (Self, GroupSet, GroupSet) {
        let pressed = down.without(self.held).without(self.disarmed);
        let released = self.held.without(down);
        let held = self.held.and(down).or(pressed);
        (Self { held, disarmed: self.disarmed.and(down) }, pressed, released)
    }

    pub(crate) const fn disarm(&mut self, groups: GroupSet) {
        let taken = self.held.and(groups);
        (self.held, self.disarmed) = (self.held.without(taken), self.disarmed.or(taken));
    }
}

/// The operator who holds the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) operator: OperatorId,
    pub(crate) until: MonoTime,
    pub(crate) clutch: Clutch,
    pub(crate) rewind: Button,
    /// The device was read well when it was last heard.
    pub(crate) valid: bool,
    /// A tapped rewind goes on until then.
    pub(crate) tap_until: Option<MonoTime>,
    /// When the operator last did anything.
    pub(crate) active_at: MonoTime,
}

impl Lease {
    /// A new lease trusts no button: whatever is down when the operator appears must come up first.
    pub(crate) const fn new(operator: OperatorId, until: MonoTime, now: MonoTime) -> Self {
        Self {
            operator,
            until,
            clutch: Clutch::UNTRUSTED,
            rewind: Button::Disarmed,
            valid: false,
            tap_until: None,
            active_at: now,
        }
    }

    /// Every button that is down must come up before it counts again.
    pub(crate) const fn disarm(&mut self) {
        self.clutch.disarm(GroupSet::ALL);
        self.disarm_rewind();
    }

    pub(crate) const fn disarm_rewind(&mut self) {
        self.rewind = self.rewind.disarmed();
        self.tap_until = None;
    }
}

/// Somebody else wants the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) operator: OperatorId,
    /// Until when the one who asked counts as present.
    pub(crate) until: MonoTime,
    /// When they asked.
    pub(crate) since: MonoTime,
}
