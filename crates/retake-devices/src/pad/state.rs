//! What is known of a pad, and whether it may move anything.

use std::time::Duration;

use retake_units::MonoTime;

use super::{Axis, Button, MappingKind, PadEvent, Shape, Trigger};

/// How long everything must be seen at rest before a newly connected pad counts.
const SETTLE: Duration = Duration::from_millis(200);
/// Squeeze below which a trigger is at rest.
const TRIGGER_REST: f64 = 0.1;

/// The pad in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PadInfo {
    /// Name for people.
    pub name: String,
    /// SDL GUID.
    pub uuid: String,
    /// How its controls are known.
    pub mapping: MappingKind,
}

/// Whether what the pad says may move anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// No pad.
    Absent,
    /// It is not known which control is which.
    Unmapped,
    /// Connected; not yet seen at rest. What is held now will not count.
    Settling,
    /// It asked for motion without a single new word for so long that its link may be dead; as `Settling` otherwise.
    Silent,
    /// It counts.
    Ready,
}

/// A button that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) button: Button,
    pub(super) pressed: bool,
}

/// Every control of the pad in use, folded from its events. Without a pad everything is zero.
#[derive(Clone, Debug, PartialEq)]
pub struct PadState {
    pad: Option<PadInfo>,
    readiness: Readiness,
    rest: Shape,
    at_rest_since: Option<MonoTime>,
    last_word: MonoTime,
    axes: [f64; Axis::ALL.len()],
    triggers: [f64; Trigger::ALL.len()],
    buttons: [bool; Button::ALL.len()],
}

impl PadState {
    /// No pad yet. `rest` says what counts as a stick at rest.
    pub const fn new(rest: Shape) -> Self {
        Self {
            pad: None,
            readiness: Readiness::Absent,
            rest,
            at_rest_since: None,
            last_word: MonoTime::ZERO,
            axes: [0.0; Axis::ALL.len()],
            triggers: [0.0; Trigger::ALL.len()],
            buttons: [false; Button::ALL.len()],
        }
    }

    /// Takes in one event. Returns the button that changed, if one did.
    pub(super) fn fold(&mut self, at: MonoTime, event: &PadEvent) -> Option<Change> {
        let mut change = None;
        match event {
            PadEvent::Connected { name, uuid, mapping } => {
                *self = Self::new(self.rest);
                self.readiness = match mapping {
                    MappingKind::Database => Readiness::Settling,
                    MappingKind::Driver | MappingKind::None => Readiness::Unmapped,
                };
                self.pad = Some(PadInfo { name: name.clone(), uuid: uuid.clone(), mapping: *mapping });
            }
            PadEvent::Disconnected => *self = Self::new(self.rest),
            PadEvent::Note { .. } => return None,
            PadEvent::Button { .. } | PadEvent::Axis { .. } | PadEvent::Trigger { .. }
                if self.pad.is_none() =>
            {
                return None;
            }
            PadEvent::Button { button, pressed } => {
                let held = &mut self.buttons[*button as usize];
                if *held != *pressed {
                    *held = *pressed;
                    change = Some(Change { button: *button, pressed: *pressed });
                }
            }
            PadEvent::Axis { axis, value } => self.axes[*axis as usize] = within(*value, -1.0),
            PadEvent::Trigger { trigger, value } => self.triggers[*trigger as usize] = within(*value, 0.0),
        }
        self.last_word = at;
        if self.off_rest().is_some() {
            self.at_rest_since = None;
        }
        change
    }

    /// Lets time pass: a pad at rest becomes ready, one that asks for motion but has been silent for `silence` stops
    /// counting.
    pub(super) fn tick(&mut self, now: MonoTime, silence: Duration) {
        match self.readiness {
            Readiness::Absent | Readiness::Unmapped => {}
            Readiness::Settling | Readiness::Silent => {
                if self.off_rest().is_none() {
                    let since = *self.at_rest_since.get_or_insert(now);
                    if now.since(since) >= SETTLE {
                        self.readiness = Readiness::Ready;
                    }
                }
            }
            Readiness::Ready => {
                if self.asks_for_motion() && now.since(self.last_word) >= silence {
                    self.readiness = Readiness::Silent;
                    self.at_rest_since = None;
                }
            }
        }
    }

    /// The pad in use.
    pub const fn pad(&self) -> Option<&PadInfo> {
        self.pad.as_ref()
    }

    /// Whether what it says may move anything.
    pub const fn readiness(&self) -> Readiness {
        self.readiness
    }

    /// An axis as read: -1 to 1, right and up positive.
    pub const fn axis(&self, axis: Axis) -> f64 {
        self.axes[axis as usize]
    }

    /// A trigger as read: 0 to 1.
    pub const fn trigger(&self, trigger: Trigger) -> f64 {
        self.triggers[trigger as usize]
    }

    /// A button is down.
    pub const fn pressed(&self, button: Button) -> bool {
        self.buttons[button as usize]
    }

    /// D-pad as (right, up), each -1, 0 or 1, whether the pad reports it as axes or as buttons.
    pub fn dpad(&self) -> [f64; 2] {
        let either = |axis, plus, minus| {
            let hat = self.axis(axis);
            let up = self.pressed(plus) || hat > 0.5;
            let down = self.pressed(minus) || hat < -0.5;
            f64::from(i8::from(up) - i8::from(down))
        };
        [
            either(Axis::DpadX, Button::DpadRight, Button::DpadLeft),
            either(Axis::DpadY, Button::DpadUp, Button::DpadDown),
        ]
    }

    /// Left stick (x, y), then right stick, left and right trigger, D-pad axes (x, y), then 1 for each button of
    /// [`Button::ALL`] that is down: what is sent as raw.
    pub fn raw(&self) -> Vec<f32> {
        let sticks = self.axes[..4].iter();
        let hat = self.axes[4..].iter();
        let buttons = self.buttons.iter().map(|held| f64::from(u8::from(*held)));
        sticks.chain(&self.triggers).chain(hat).copied().chain(buttons).map(to_f32).collect()
    }

    /// Why nothing the pad says counts; `None` if it does.
    pub fn refusal(&self) -> Option<String> {
        let name = self.pad.as_ref().map_or("", |pad| pad.name.as_str());
        let rest = || {
            self.off_rest().map_or_else(
                || "Keep your hands off for a moment.".to_owned(),
                |what| format!("{what}: let go of everything."),
            )
        };
        match self.readiness {
            Readiness::Ready => None,
            Readiness::Absent => {
                Some("No gamepad is connected; `retake pad` says what is missing.".to_owned())
            }
            Readiness::Unmapped => {
                let uuid = self.pad.as_ref().map_or("", |pad| pad.uuid.as_str());
                Some(format!(
                    "It is not known which control of {name:?} ({uuid}) is which, so it only stops; put an SDL mapping \
                     for it into SDL_GAMECONTROLLERCONFIG."
                ))
            }
            Readiness::Settling => Some(format!("{name} must be seen at rest first. {}", rest())),
            Readiness::Silent => {
                Some(format!("{name} held a motion without a new word, its link may be dead. {}", rest()))
            }
        }
    }

    fn asks_for_motion(&self) -> bool {
        self.rest.is_deflected([self.axis(Axis::LeftX), self.axis(Axis::LeftY)])
            || self.rest.is_deflected([self.axis(Axis::RightX), self.axis(Axis::RightY)])
            || self.triggers.iter().any(|squeeze| *squeeze > TRIGGER_REST)
            || self.dpad() != [0.0, 0.0]
    }

    /// The first control that is not at rest, in words.
    fn off_rest(&self) -> Option<String> {
        for (name, x, y) in
            [("left stick", Axis::LeftX, Axis::LeftY), ("right stick", Axis::RightX, Axis::RightY)]
        {
            let reading = [self.axis(x), self.axis(y)];
            if self.rest.is_deflected(reading) {
                return Some(format!("The {name} reads ({:.2}, {:.2})", reading[0], reading[1]));
            }
        }
        for (name, trigger) in [("left trigger", Trigger::Left), ("right trigger", Trigger::Right)] {
            if self.trigger(trigger) > TRIGGER_REST {
                return Some(format!("The {name} reads {:.2}", self.trigger(trigger)));
            }
        }
        if let Some(button) = Button::ALL.into_iter().find(|button| self.pressed(*button)) {
            return Some(format!("{} is held", button.label()));
        }
        (self.dpad() != [0.0, 0.0]).then(|| "The D-pad is held".to_owned())
    }
}

/// `value` within `low` to 1, 0 if it is not finite.
const fn within(value: f64, low: f64) -> f64 {
    if value.is_finite() { value.clamp(low, 1.0) } else { 0.0 }
}

#[expect(clippy::cast_possible_truncation, reason = "a control in -1..1 keeps its meaning with fewer digits")]
const fn to_f32(value: f64) -> f32 {
    value as f32
}
