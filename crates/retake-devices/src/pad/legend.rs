//! What each control does, for people.

use std::fmt::Write as _;

use super::{Axis, PadMap, Signed, Trigger};

/// One line for each control of `map`.
pub fn legend(map: &PadMap) -> String {
    let buttons = map.buttons;
    let (close, open) = match map.close {
        Trigger::Left => ("LT", "RT"),
        Trigger::Right => ("RT", "LT"),
    };
    let grows = map.axes.scrub.grows();
    let scrub = format!("scrub: {grows} is forward again, the opposite back, at rest stay");
    let mut lines: Vec<(String, &str)> = vec![
        (format!("hold {}", buttons.clutch.label()), "I drive; letting go holds still"),
        (format!("hold {}", buttons.precision.label()), "slow and fine"),
        (format!("hold {}", buttons.rewind.label()), "rewind, at once"),
        (format!("tap {}", buttons.rewind.label()), "back one second (shorter than a quarter of one)"),
        (format!("{} + stick", buttons.rewind.label()), scrub.as_str()),
        (buttons.resume.label().to_owned(), "the policy drives / pauses; after an episode: next"),
        (buttons.success.label().to_owned(), "success"),
        (buttons.failure.label().to_owned(), "failure"),
        (buttons.discard.label().to_owned(), "discard and redo"),
        (buttons.mark.label().to_owned(), "from here on correction / recovery"),
        (buttons.frame.label().to_owned(), "directions of the base / of the tool (sticks at rest)"),
        (buttons.stop.label().to_owned(), "software stop; held 1 s while stopped: clear"),
    ];
    for (signed, plus, minus) in [
        (map.axes.x, "forward", "back"),
        (map.axes.y, "left", "right"),
        (map.axes.z, "up", "down"),
        (map.axes.yaw, "turn left", "turn right"),
        (map.axes.pitch, "tilt forward", "tilt back"),
        (map.axes.roll, "tilt right", "tilt left"),
    ] {
        let (first, second) = directions(signed.axis);
        let meanings = if signed.inverted { [minus, plus] } else { [plus, minus] };
        lines.push((first.to_owned(), meanings[0]));
        lines.push((second.to_owned(), meanings[1]));
    }
    lines.push((close.to_owned(), "close the gripper, harder is faster"));
    lines.push((open.to_owned(), "open the gripper, harder is faster"));
    let mut text = String::new();
    for (control, meaning) in lines {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{control:<15} {meaning}");
    }
    text
}

/// What pushing `axis` in its positive and in its negative direction is called.
const fn directions(axis: Axis) -> (&'static str, &'static str) {
    match axis {
        Axis::LeftX => ("L-stick right", "L-stick left"),
        Axis::LeftY => ("L-stick up", "L-stick down"),
        Axis::RightX => ("R-stick right", "R-stick left"),
        Axis::RightY => ("R-stick up", "R-stick down"),
        Axis::DpadX => ("D-pad right", "D-pad left"),
        Axis::DpadY => ("D-pad up", "D-pad down"),
    }
}

impl Signed {
    /// How to push so that the value grows.
    pub const fn grows(self) -> &'static str {
        let (plus, minus) = directions(self.axis);
        if self.inverted { minus } else { plus }
    }
}
