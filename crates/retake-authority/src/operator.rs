use retake_units::MonoTime;

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

/// The operator who holds the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) operator: OperatorId,
    pub(crate) until: MonoTime,
    pub(crate) clutch: Button,
    pub(crate) rewind: Button,
}

impl Lease {
    /// A new lease trusts no button: whatever is down when the operator appears must come up first.
    pub(crate) const fn new(operator: OperatorId, until: MonoTime) -> Self {
        Self { operator, until, clutch: Button::Disarmed, rewind: Button::Disarmed }
    }

    pub(crate) const fn disarm(&mut self) {
        self.clutch = self.clutch.disarmed();
        self.rewind = self.rewind.disarmed();
    }
}
