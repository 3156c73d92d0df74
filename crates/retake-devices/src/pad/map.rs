//! Which control does what, as data: a TOML file, unknown keys refused, everything left out as in the default.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Axis, Button, Shape, Trigger, TriggerShape};

/// An axis and its direction, written `left_y` or `-left_x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signed {
    /// Which axis.
    pub axis: Axis,
    /// Pushing it right or up means less, not more.
    pub inverted: bool,
}

const AXIS_NAMES: [(&str, Axis); 6] = [
    ("left_x", Axis::LeftX),
    ("left_y", Axis::LeftY),
    ("right_x", Axis::RightX),
    ("right_y", Axis::RightY),
    ("dpad_x", Axis::DpadX),
    ("dpad_y", Axis::DpadY),
];

impl FromStr for Signed {
    type Err = MapError;

    fn from_str(text: &str) -> Result<Self, MapError> {
        let name = text.strip_prefix('-').unwrap_or(text);
        AXIS_NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, axis)| Self { axis: *axis, inverted: text.starts_with('-') })
            .ok_or_else(|| MapError::UnknownAxis { text: text.to_owned() })
    }
}

impl TryFrom<String> for Signed {
    type Error = MapError;

    fn try_from(text: String) -> Result<Self, MapError> {
        text.parse()
    }
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = AXIS_NAMES.iter().find(|(_, axis)| *axis == self.axis).map_or("", |(name, _)| name);
        write!(f, "{}{name}", if self.inverted { "-" } else { "" })
    }
}

impl From<Signed> for String {
    fn from(signed: Signed) -> Self {
        signed.to_string()
    }
}

/// Which axis moves the tool along and about which axis of the frame: x forward, y left, z up; turns are right-handed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AxisMap {
    /// Forward.
    pub x: Signed,
    /// Left.
    pub y: Signed,
    /// Up.
    pub z: Signed,
    /// About x.
    pub roll: Signed,
    /// About y.
    pub pitch: Signed,
    /// About z.
    pub yaw: Signed,
    /// Forward along the path while the rewind button is down; it may be one of the above, which do nothing then.
    pub scrub: Signed,
}

impl Default for AxisMap {
    fn default() -> Self {
        let plus = |axis| Signed { axis, inverted: false };
        let minus = |axis| Signed { axis, inverted: true };
        Self {
            x: plus(Axis::LeftY),
            y: minus(Axis::LeftX),
            z: plus(Axis::RightY),
            roll: plus(Axis::DpadX),
            pitch: plus(Axis::DpadY),
            yaw: minus(Axis::RightX),
            scrub: plus(Axis::RightY),
        }
    }
}

impl AxisMap {
    /// In the order of a twist: x, y, z, roll, pitch, yaw.
    pub const fn in_order(&self) -> [Signed; 6] {
        [self.x, self.y, self.z, self.roll, self.pitch, self.yaw]
    }
}

/// Which button does what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ButtonMap {
    /// Hold: the human drives.
    pub clutch: Button,
    /// Hold: slow and fine.
    pub precision: Button,
    /// Hold: back along the path.
    pub rewind: Button,
    /// The policy drives, or pauses if it does; after an episode: the next.
    pub resume: Button,
    /// The episode succeeded.
    pub success: Button,
    /// The episode failed.
    pub failure: Button,
    /// Forget the episode and do it again.
    pub discard: Button,
    /// Directions are the base's, or the tool's.
    pub frame: Button,
    /// From here on it is correction, or recovery.
    pub mark: Button,
    /// Stop. Held while stopped: clear the stop.
    pub stop: Button,
}

impl Default for ButtonMap {
    fn default() -> Self {
        Self {
            clutch: Button::RightBumper,
            precision: Button::LeftBumper,
            rewind: Button::Select,
            resume: Button::Start,
            success: Button::North,
            failure: Button::South,
            discard: Button::West,
            frame: Button::LeftStick,
            mark: Button::RightStick,
            stop: Button::Mode,
        }
    }
}

impl ButtonMap {
    const fn all(&self) -> [Button; 10] {
        [
            self.clutch,
            self.precision,
            self.rewind,
            self.resume,
            self.success,
            self.failure,
            self.discard,
            self.frame,
            self.mark,
            self.stop,
        ]
    }
}

/// A whole map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PadMap {
    /// Trigger that closes the gripper; the other opens it.
    pub close: Trigger,
    /// Speed of a pressed D-pad direction, as a fraction of full speed: 0 to 1.
    pub dpad_speed: f64,
    /// A pad that asks for motion without a new word for so long no longer counts: its radio link may be dead, and
    /// sending at a fixed rate would hide that. A hand on a stick is never that still.
    #[serde(with = "humantime_serde")]
    pub silence: Duration,
    /// Shape of both sticks.
    pub stick: Shape,
    /// Shape of both triggers.
    pub trigger: TriggerShape,
    /// Axes.
    pub axes: AxisMap,
    /// Buttons.
    pub buttons: ButtonMap,
}

impl Default for PadMap {
    fn default() -> Self {
        Self {
            close: Trigger::Left,
            dpad_speed: 0.5,
            silence: Duration::from_secs(5),
            stick: Shape::default(),
            trigger: TriggerShape::default(),
            axes: AxisMap::default(),
            buttons: ButtonMap::default(),
        }
    }
}

/// A map nobody should drive with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MapError {
    /// Not TOML, or a key or value that does not exist.
    #[error("the pad map cannot be read: {text}")]
    Syntax {
        /// What the parser said.
        text: String,
    },
    /// No such axis.
    #[error(
        "{text:?} is no axis; write one of left_x, left_y, right_x, right_y, dpad_x, dpad_y, with - before it to invert"
    )]
    UnknownAxis {
        /// What was written.
        text: String,
    },
    /// One axis for two directions.
    #[error("axis {axis} moves the tool in two ways; give each of x, y, z, roll, pitch, yaw its own")]
    AxisTwice {
        /// That axis.
        axis: Signed,
    },
    /// One button for two things.
    #[error("button {} does two things; give each its own", button.label())]
    ButtonTwice {
        /// That button.
        button: Button,
    },
    /// A number out of range.
    #[error("{what} is out of range; see the legend of `retake pad` for the default")]
    Range {
        /// Which.
        what: &'static str,
    },
}

impl PadMap {
    /// Reads a map from TOML.
    ///
    /// # Errors
    /// If it cannot be read, or nobody should drive with it.
    pub fn from_toml(text: &str) -> Result<Self, MapError> {
        let map: Self = toml::from_str(text).map_err(|error| MapError::Syntax { text: error.to_string() })?;
        map.check()?;
        Ok(map)
    }

    /// The map as a file to start one's own from.
    ///
    /// # Errors
    /// If TOML cannot hold one of its numbers.
    pub fn to_toml(&self) -> Result<String, MapError> {
        toml::to_string(self).map_err(|error| MapError::Syntax { text: error.to_string() })
    }

    /// Each control does one thing and every number is in its range.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), MapError> {
        let axes = self.axes.in_order();
        for (index, axis) in axes.iter().enumerate() {
            if axes[..index].iter().any(|other| other.axis == axis.axis) {
                return Err(MapError::AxisTwice { axis: *axis });
            }
        }
        let buttons = self.buttons.all();
        for (index, button) in buttons.iter().enumerate() {
            // All six axes are in use, so a D-pad button would move the tool as well.
            if buttons[..index].contains(button) || *button >= Button::DpadUp {
                return Err(MapError::ButtonTwice { button: *button });
            }
        }
        let range = |sound, what| if sound { Ok(()) } else { Err(MapError::Range { what }) };
        range(self.stick.is_sound(), "stick")?;
        range(self.trigger.is_sound(), "trigger")?;
        range((0.0..=1.0).contains(&self.dpad_speed), "dpad_speed")?;
        range(self.silence >= Duration::from_millis(100), "silence")
    }
}
