//! The rewind button: held, it rewinds, and a stick scrubs; tapped, the robot goes back by one second.
//!
//! It rewinds from the moment it goes down, because whoever reaches for it may be in a hurry. That it was a tap is known
//! when it comes up again, and the tap goes on from there: the arbiter counts its second from where the button went down.

use std::time::Duration;

use retake_units::MonoTime;

/// Down for less than this, it was tapped.
pub(super) const TAP: Duration = Duration::from_millis(250);

/// The rewind button since it last went down.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct RewindButton {
    since: Option<MonoTime>,
    scrubbing: bool,
}

impl RewindButton {
    pub(super) const fn pressed(&mut self, at: MonoTime) {
        *self = Self { since: Some(at), scrubbing: false };
    }

    /// It came up: whether that was a tap. Who scrubbed has been somewhere, and taps no more.
    pub(super) fn released(&mut self, at: MonoTime) -> bool {
        // A contact that bounces while it goes down comes up twice; both count from when it first went down.
        let scrubbed = std::mem::take(&mut self.scrubbing);
        self.since.is_some_and(|since| at.since(since) < TAP) && !scrubbed
    }

    /// Where to along the path while it is down: `None` is back at full speed, until the stick has been moved. From then on the
    /// stick alone says, and at rest it says stay.
    pub(super) fn scrub(&mut self, stick: f64) -> Option<f64> {
        self.scrubbing |= stick != 0.0;
        self.scrubbing.then_some(stick)
    }
}
