//! When the gripper moved.

/// A commanded opening this far from where it last rested is a gripper event, metres.
const EVENT: f64 = 4e-3;
/// An opening that changes by less than this from one point to the next has come to rest, metres.
const REST: f64 = 1e-4;

/// Which way a gripper event goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GripEvent {
    Closes,
    Opens,
}

/// Notices gripper events: each time the opening leaves where it rested is one, however long it moves and however slowly,
/// and whether or not the arm moves with it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Grip {
    rested: f64,
    last: f64,
    moving: bool,
}

impl Grip {
    pub(super) const fn at_rest(opening: f64) -> Self {
        Self { rested: opening, last: opening, moving: false }
    }

    pub(super) fn note(&mut self, opening: f64) -> Option<GripEvent> {
        let mut event = None;
        if self.moving {
            (self.rested, self.moving) = (opening, (opening - self.last).abs() > REST);
        } else if (opening - self.rested).abs() > EVENT {
            event = Some(if opening < self.rested { GripEvent::Closes } else { GripEvent::Opens });
            (self.rested, self.moving) = (opening, true);
        }
        self.last = opening;
        event
    }
}
