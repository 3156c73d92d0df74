//! What a gamepad says, in our own words, and as lines of a file.

use std::io::{self, Write};

use retake_units::MonoTime;
use serde::{Deserialize, Serialize};

/// Something that can only be pressed or not. Named by place, as on an Xbox pad: `South` is A, `Select` is View,
/// `Start` is Menu, `Mode` is the Xbox button.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is the place of a button")]
pub enum Button {
    South,
    East,
    North,
    West,
    LeftBumper,
    RightBumper,
    Select,
    Start,
    Mode,
    LeftStick,
    RightStick,
    DpadUp,
    DpadDown,
    DpadLeft,
    DpadRight,
}

impl Button {
    /// Every button, in the order in which raw values are sent.
    pub const ALL: [Self; 15] = [
        Self::South,
        Self::East,
        Self::North,
        Self::West,
        Self::LeftBumper,
        Self::RightBumper,
        Self::Select,
        Self::Start,
        Self::Mode,
        Self::LeftStick,
        Self::RightStick,
        Self::DpadUp,
        Self::DpadDown,
        Self::DpadLeft,
        Self::DpadRight,
    ];

    /// What is printed on an Xbox pad.
    pub const fn label(self) -> &'static str {
        match self {
            Self::South => "A",
            Self::East => "B",
            Self::North => "Y",
            Self::West => "X",
            Self::LeftBumper => "LB",
            Self::RightBumper => "RB",
            Self::Select => "View",
            Self::Start => "Menu",
            Self::Mode => "Mode",
            Self::LeftStick => "L-stick click",
            Self::RightStick => "R-stick click",
            Self::DpadUp => "D-pad up",
            Self::DpadDown => "D-pad down",
            Self::DpadLeft => "D-pad left",
            Self::DpadRight => "D-pad right",
        }
    }
}

/// Something with a middle: -1 to 1, right and up (away from the operator) positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is the place of an axis")]
pub enum Axis {
    LeftX,
    LeftY,
    RightX,
    RightY,
    DpadX,
    DpadY,
}

impl Axis {
    /// Every axis.
    pub const ALL: [Self; 6] =
        [Self::LeftX, Self::LeftY, Self::RightX, Self::RightY, Self::DpadX, Self::DpadY];
}

/// Something that is squeezed: 0 released to 1 fully squeezed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each variant is the place of a trigger")]
pub enum Trigger {
    Left,
    Right,
}

impl Trigger {
    /// Both triggers.
    pub const ALL: [Self; 2] = [Self::Left, Self::Right];
}

/// How it is known which of a pad's controls is which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingKind {
    /// An entry of SDL's database, or one the user gave in `SDL_GAMECONTROLLERCONFIG`.
    Database,
    /// Only the kernel driver's own codes, which name X and Y wrongly on common pads. Not good enough to move a robot.
    Driver,
    /// Not known at all.
    None,
}

/// One thing a pad said, or that happened to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PadEvent {
    /// A pad is there and in use. Nothing is known of its controls yet.
    Connected {
        /// Name for people.
        name: String,
        /// SDL GUID: 32 hexadecimal digits.
        uuid: String,
        /// How its controls are known.
        mapping: MappingKind,
    },
    /// The pad in use is gone.
    Disconnected,
    /// A button changed.
    Button {
        /// Which.
        button: Button,
        /// It is down now.
        pressed: bool,
    },
    /// A stick or D-pad axis changed.
    Axis {
        /// Which.
        axis: Axis,
        /// -1 to 1, before any shaping.
        value: f64,
    },
    /// A trigger changed.
    Trigger {
        /// Which.
        trigger: Trigger,
        /// 0 to 1, before any shaping.
        value: f64,
    },
    /// Something people should know that changes no control: a second pad, a recording that cannot be written.
    Note {
        /// In words.
        text: String,
    },
}

/// An event and when it was received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    /// Nanoseconds since the stream began.
    pub at_nanos: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: PadEvent,
}

impl Stamped {
    /// `event`, `at` after the start of the stream.
    pub const fn new(at: MonoTime, event: PadEvent) -> Self {
        Self { at_nanos: at.nanos(), event }
    }
}

/// A file that is not a recorded stream.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A line that is not an event.
    #[error("line {line} of the pad recording is not an event: {source}; record again with --save-pad")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// Time runs backwards.
    #[error("line {line} of the pad recording is earlier than the line before it; sort the file by at_nanos")]
    Order {
        /// Counted from 1.
        line: usize,
    },
}

/// Reads a stream: one JSON object per line, oldest first, empty lines allowed.
///
/// # Errors
/// At the first line that is not an event or is out of order.
pub fn parse_stream(text: &str) -> Result<Vec<Stamped>, StreamError> {
    let mut stream: Vec<Stamped> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line_number = index + 1;
        let stamped: Stamped =
            serde_json::from_str(line).map_err(|source| StreamError::Line { line: line_number, source })?;
        if stream.last().is_some_and(|before| before.at_nanos > stamped.at_nanos) {
            return Err(StreamError::Order { line: line_number });
        }
        stream.push(stamped);
    }
    Ok(stream)
}

/// Appends one event to a stream.
///
/// # Errors
/// If it cannot be written.
pub fn write_line(out: &mut impl Write, stamped: &Stamped) -> io::Result<()> {
    serde_json::to_writer(&mut *out, stamped)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_the_same() {
        let stream = vec![
            Stamped::new(
                MonoTime::ZERO,
                PadEvent::Connected { name: "Pad".into(), uuid: "03".into(), mapping: MappingKind::Database },
            ),
            Stamped::new(MonoTime::from_nanos(5), PadEvent::Button { button: Button::Mode, pressed: true }),
            Stamped::new(MonoTime::from_nanos(5), PadEvent::Axis { axis: Axis::LeftY, value: -0.125 }),
            Stamped::new(MonoTime::from_nanos(6), PadEvent::Trigger { trigger: Trigger::Right, value: 1.0 }),
            Stamped::new(MonoTime::from_nanos(7), PadEvent::Note { text: "a\nb".into() }),
            Stamped::new(MonoTime::from_nanos(9), PadEvent::Disconnected),
        ];
        let mut bytes = Vec::new();
        for stamped in &stream {
            write_line(&mut bytes, stamped).unwrap();
        }
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(
            text.lines().nth(1),
            Some(r#"{"at_nanos":5,"kind":"button","button":"mode","pressed":true}"#)
        );
        assert_eq!(parse_stream(&text).unwrap(), stream);
    }

    #[test]
    fn bad_lines_are_named() {
        let error = parse_stream("\n{\"at_nanos\":1,\"kind\":\"shout\"}").unwrap_err();
        assert!(error.to_string().starts_with("line 2 "), "{error}");
        let backwards =
            "{\"at_nanos\":2,\"kind\":\"disconnected\"}\n{\"at_nanos\":1,\"kind\":\"disconnected\"}";
        assert!(matches!(parse_stream(backwards), Err(StreamError::Order { line: 2 })));
    }
}
