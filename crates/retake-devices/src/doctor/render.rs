//! Pads and their live state as text.

use std::fmt::Write as _;

use retake_wire::pb::Frame;

use crate::pad::{Axis, Button, Controls, MappingKind, PadListing, PadState, Trigger};

/// One paragraph for each pad; the first is the one that will be used.
pub fn pad_list(pads: &[PadListing]) -> String {
    let mut text = String::new();
    for (index, pad) in pads.iter().enumerate() {
        let used = if index == 0 { "used" } else { "ignored" };
        let mapping = match pad.mapping {
            MappingKind::Database => "mapped by the SDL database",
            MappingKind::Driver => "NOT MAPPED, only the driver's codes: will not move a robot",
            MappingKind::None => "NOT MAPPED: will not move a robot",
        };
        let rumble = if pad.rumble { "rumble" } else { "no rumble" };
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{} ({used})\n  SDL GUID {}, {}\n  {mapping}\n  {} of {} axes and triggers, {} of {} buttons, {rumble}\n",
            pad.name,
            pad.uuid,
            pad.device.display(),
            pad.axes,
            Axis::ALL.len() + Trigger::ALL.len(),
            pad.buttons,
            Button::ALL.len(),
        );
    }
    text
}

/// What the pad reads and what that would do, in eight lines. Redraw it in place.
pub fn live_view(state: &PadState, controls: &Controls) -> String {
    let name = state.pad().map_or("no gamepad", |pad| pad.name.as_str());
    let verdict = state.refusal().unwrap_or_else(|| "ready".to_owned());
    let stick = |x, y| format!("x {} y {}", bar(state.axis(x)), bar(state.axis(y)));
    let held: Vec<&str> = Button::ALL.into_iter().filter(|b| state.pressed(*b)).map(Button::label).collect();
    let mut text = format!("{name}: {verdict}\n");
    for line in [
        format!("left stick   {}", stick(Axis::LeftX, Axis::LeftY)),
        format!("right stick  {}", stick(Axis::RightX, Axis::RightY)),
        format!(
            "triggers     L {} R {}",
            bar(state.trigger(Trigger::Left)),
            bar(state.trigger(Trigger::Right))
        ),
        format!(
            "D-pad        {:+.0} {:+.0}   buttons {}",
            state.dpad()[0],
            state.dpad()[1],
            or_dash(&held.join(" "))
        ),
        format!("would move   {}", or_dash(&motion(controls))),
        format!("would hold   {}", or_dash(&holds(controls))),
        format!("would do     {}", or_dash(&acts(controls))),
    ] {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// -1 to 1 as nine characters around the middle, and the number.
fn bar(value: f64) -> String {
    let cell = |index: i32| {
        let at = f64::from(index) / 4.0;
        let filled = if at > 0.0 { value >= at - 0.125 } else { value <= at + 0.125 };
        if index == 0 {
            '|'
        } else if filled && value != 0.0 {
            '#'
        } else {
            '.'
        }
    };
    let cells: String = (-4..=4).map(cell).collect();
    format!("[{cells}] {value:+.2}")
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn motion(controls: &Controls) -> String {
    let names = ["x", "y", "z", "roll", "pitch", "yaw"];
    let mut text = String::new();
    for (name, value) in names.iter().zip(controls.twist).chain([(&"gripper", controls.gripper)]) {
        if value != 0.0 {
            let _ = write!(text, "{name} {value:+.2}  ");
        }
    }
    if !text.is_empty() {
        text.push_str(match controls.frame {
            Frame::Base => "in the base's directions",
            Frame::Tool => "in the tool's directions",
        });
    }
    text
}

fn holds(controls: &Controls) -> String {
    let held = [(controls.clutch, "I drive"), (controls.rewind, "rewind"), (controls.precision, "precision")];
    held.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

fn acts(controls: &Controls) -> String {
    let words: Vec<String> = controls
        .acts
        .iter()
        .map(|act| act.as_str_name().trim_start_matches("ACT_").to_lowercase().replace('_', " "))
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use retake_units::MonoTime;

    use super::*;
    use crate::pad::{Mapper, PadEvent, PadMap, Situation};

    #[test]
    fn pads_are_listed() {
        let pad = PadListing {
            name: "Xbox 360 Controller".into(),
            uuid: "030000005e0400008e02000014010000".into(),
            mapping: MappingKind::Database,
            device: "/dev/input/event7".into(),
            axes: 8,
            buttons: 11,
            rumble: true,
        };
        let other =
            PadListing { name: "Odd".into(), mapping: MappingKind::Driver, rumble: false, ..pad.clone() };
        assert_eq!(
            pad_list(&[pad, other]),
            "Xbox 360 Controller (used)\n  SDL GUID 030000005e0400008e02000014010000, /dev/input/event7\n  mapped by \
             the SDL database\n  8 of 8 axes and triggers, 11 of 15 buttons, rumble\nOdd (ignored)\n  SDL GUID \
             030000005e0400008e02000014010000, /dev/input/event7\n  NOT MAPPED, only the driver's codes: will not move \
             a robot\n  8 of 8 axes and triggers, 11 of 15 buttons, no rumble\n"
        );
    }

    #[test]
    fn bars_grow_from_the_middle() {
        assert_eq!(bar(0.0), "[....|....] +0.00");
        assert_eq!(bar(1.0), "[....|####] +1.00");
        assert_eq!(bar(-0.5), "[..##|....] -0.50");
    }

    #[test]
    fn a_live_view_shows_reading_and_meaning() {
        let mut mapper = Mapper::new(PadMap::default());
        let ms = |ms: u64| MonoTime::from_nanos(ms * 1_000_000);
        let connected =
            PadEvent::Connected { name: "Pad".into(), uuid: String::new(), mapping: MappingKind::Database };
        mapper.event(ms(0), &connected, Situation::default());
        mapper.sample(ms(10), Situation::default());
        mapper.sample(ms(300), Situation::default());
        for event in [
            PadEvent::Button { button: Button::RightBumper, pressed: true },
            PadEvent::Button { button: Button::Start, pressed: true },
            PadEvent::Axis { axis: Axis::LeftY, value: 1.0 },
            PadEvent::Trigger { trigger: Trigger::Left, value: 1.0 },
        ] {
            mapper.event(ms(310), &event, Situation::default());
        }
        let controls = mapper.sample(ms(320), Situation::default());
        assert_eq!(
            live_view(mapper.state(), &controls),
            "Pad: ready\n\
             left stick   x [....|....] +0.00 y [....|####] +1.00\n\
             right stick  x [....|....] +0.00 y [....|....] +0.00\n\
             triggers     L [....|####] +1.00 R [....|....] +0.00\n\
             D-pad        +0 +0   buttons RB Menu\n\
             would move   x +1.00  gripper +1.00  in the base's directions\n\
             would hold   I drive\n\
             would do     resume\n"
        );
        let nothing = live_view(&PadState::new(PadMap::default().stick), &Controls::default());
        assert!(
            nothing.starts_with("no gamepad: No gamepad is connected; `retake pad` says what is missing.\n")
        );
        assert!(nothing.ends_with("would do     -\n"));
    }
}
