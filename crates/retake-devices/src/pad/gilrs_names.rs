//! gilrs's names for a pad's controls, and ours.

use gilrs::EventType;

use super::{Axis, Button, PadEvent, Trigger};

pub(super) const AXES: [(gilrs::Axis, Axis); 6] = [
    (gilrs::Axis::LeftStickX, Axis::LeftX),
    (gilrs::Axis::LeftStickY, Axis::LeftY),
    (gilrs::Axis::RightStickX, Axis::RightX),
    (gilrs::Axis::RightStickY, Axis::RightY),
    (gilrs::Axis::DPadX, Axis::DpadX),
    (gilrs::Axis::DPadY, Axis::DpadY),
];

pub(super) const TRIGGERS: [(gilrs::Button, Trigger); 2] =
    [(gilrs::Button::LeftTrigger2, Trigger::Left), (gilrs::Button::RightTrigger2, Trigger::Right)];

pub(super) const BUTTONS: [(gilrs::Button, Button); 15] = [
    (gilrs::Button::South, Button::South),
    (gilrs::Button::East, Button::East),
    (gilrs::Button::North, Button::North),
    (gilrs::Button::West, Button::West),
    (gilrs::Button::LeftTrigger, Button::LeftBumper),
    (gilrs::Button::RightTrigger, Button::RightBumper),
    (gilrs::Button::Select, Button::Select),
    (gilrs::Button::Start, Button::Start),
    (gilrs::Button::Mode, Button::Mode),
    (gilrs::Button::LeftThumb, Button::LeftStick),
    (gilrs::Button::RightThumb, Button::RightStick),
    (gilrs::Button::DPadUp, Button::DpadUp),
    (gilrs::Button::DPadDown, Button::DpadDown),
    (gilrs::Button::DPadLeft, Button::DpadLeft),
    (gilrs::Button::DPadRight, Button::DpadRight),
];

/// Triggers come as `ButtonChanged` with their value, everything else that is pressed as pressed and released.
pub(super) fn translate(event: EventType) -> Option<PadEvent> {
    fn ours<T: PartialEq, U: Copy>(table: &[(T, U)], theirs: &T) -> Option<U> {
        table.iter().find(|(known, _)| known == theirs).map(|(_, ours)| *ours)
    }
    match event {
        EventType::AxisChanged(axis, value, _) => {
            ours(&AXES, &axis).map(|axis| PadEvent::Axis { axis, value: value.into() })
        }
        EventType::ButtonChanged(button, value, _) => {
            ours(&TRIGGERS, &button).map(|trigger| PadEvent::Trigger { trigger, value: value.into() })
        }
        EventType::ButtonPressed(button, _) => {
            ours(&BUTTONS, &button).map(|button| PadEvent::Button { button, pressed: true })
        }
        EventType::ButtonReleased(button, _) => {
            ours(&BUTTONS, &button).map(|button| PadEvent::Button { button, pressed: false })
        }
        EventType::ButtonRepeated(..)
        | EventType::Connected
        | EventType::Disconnected
        | EventType::Dropped
        | EventType::ForceFeedbackEffectCompleted
        | _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_our_controls_has_one_of_theirs() {
        for button in Button::ALL {
            assert_eq!(BUTTONS.iter().filter(|(_, ours)| *ours == button).count(), 1, "{button:?}");
        }
        for axis in Axis::ALL {
            assert_eq!(AXES.iter().filter(|(_, ours)| *ours == axis).count(), 1, "{axis:?}");
        }
    }

    #[test]
    fn values_arrive_at_our_controls_with_our_signs() {
        let Some(code) = gilrs::Button::South.to_nec() else { panic!("no code") };
        let up = translate(EventType::AxisChanged(gilrs::Axis::LeftStickY, 1.0, code));
        assert_eq!(up, Some(PadEvent::Axis { axis: Axis::LeftY, value: 1.0 }));
        let squeeze = translate(EventType::ButtonChanged(gilrs::Button::LeftTrigger2, 0.5, code));
        assert_eq!(squeeze, Some(PadEvent::Trigger { trigger: Trigger::Left, value: 0.5 }));
        // The press that gilrs derives from a trigger, and the value it derives from a button, would count twice.
        assert_eq!(translate(EventType::ButtonPressed(gilrs::Button::LeftTrigger2, code)), None);
        assert_eq!(translate(EventType::ButtonChanged(gilrs::Button::South, 1.0, code)), None);
    }
}
