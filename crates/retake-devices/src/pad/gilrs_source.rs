//! The one place that knows gilrs.
//!
//! gilrs is used for mapping, hot-plug and rumble only. Its cached values survive a disconnect, so none is ever read: only
//! events pass, and a disconnect zeroes everything in [`super::PadState`]. Its filters shape axes one by one with the
//! kernel's dead zone, so they are off. Its times are the wall clock's, so events are stamped where they are received. It
//! takes a removed device whose notice was lost for a silent one, so this looks for the device file as well.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel},
    time::Duration,
};

use gilrs::{EventType, Gamepad, GamepadId, Gilrs, GilrsBuilder, LinuxGamepadExt, MappingSource};
use retake_units::MonoTime;

use super::{Axis, Button, Feel, MappingKind, PadEvent, PadSource, Trigger, rumble::Rumble};

/// Longest wait for an event before looking after the device itself.
const WAIT: Duration = Duration::from_millis(10);
/// Pause when there was nothing: bounds the work when the kernel keeps waking us for a device that is gone.
const PAUSE: Duration = Duration::from_millis(1);
/// Rounds without an event between two looks at the device file.
const ROUNDS_PER_LOOK: u32 = 8;
const QUEUE: usize = 1024;

/// Gamepads cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PadError {
    /// gilrs does not start.
    #[error("gamepads cannot be read on this machine: {text}; run `retake pad` to see what is missing")]
    Start {
        /// What it said.
        text: String,
    },
    /// No thread.
    #[error("the gamepad thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// A connected pad, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PadListing {
    /// Name for people.
    pub name: String,
    /// SDL GUID: 32 hexadecimal digits, as `SDL_GAMECONTROLLERCONFIG` wants it.
    pub uuid: String,
    /// How its controls are known.
    pub mapping: MappingKind,
    /// Device file.
    pub device: PathBuf,
    /// How many of our axes and triggers it has.
    pub axes: usize,
    /// How many of our buttons it has.
    pub buttons: usize,
    /// It can rumble.
    pub rumble: bool,
}

/// Every pad that is connected now.
///
/// # Errors
/// If gamepads cannot be read at all.
pub fn list_pads() -> Result<Vec<PadListing>, PadError> {
    let gilrs = start()?;
    Ok(gilrs.gamepads().map(|(_, gamepad)| listing(&gamepad)).collect())
}

/// The first connected pad, read on a thread of its own. When it is unplugged, the next one connected is used.
#[derive(Debug)]
pub struct GilrsSource {
    events: Receiver<PadEvent>,
    feels: SyncSender<Feel>,
    ended: bool,
}

impl GilrsSource {
    /// Starts to read pads. It is no error if none is connected yet.
    ///
    /// # Errors
    /// If gamepads cannot be read at all.
    pub fn open() -> Result<Self, PadError> {
        let gilrs = start()?;
        let (send, events) = sync_channel(QUEUE);
        let (feels, receive_feels) = sync_channel(4);
        std::thread::Builder::new().name("gamepad".to_owned()).spawn(move || {
            Reader { gilrs, out: send, used: None, rumble: Rumble::default() }.run(&receive_feels)
        })?;
        Ok(Self { events, feels, ended: false })
    }
}

impl PadSource for GilrsSource {
    fn poll(&mut self, now: MonoTime, events: &mut Vec<(MonoTime, PadEvent)>) {
        loop {
            match self.events.try_recv() {
                Ok(event) => events.push((now, event)),
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => break,
            }
        }
        if !self.ended {
            self.ended = true;
            events.push((now, PadEvent::Disconnected));
            let text = "Reading gamepads failed and has ended; restart this node.".to_owned();
            events.push((now, PadEvent::Note { text }));
        }
    }

    fn feel(&mut self, feel: Feel) {
        // A pulse too many is not worth waiting for.
        let _ = self.feels.try_send(feel);
    }
}

/// The pad whose events pass.
struct Used {
    id: GamepadId,
    device: PathBuf,
}

struct Reader {
    gilrs: Gilrs,
    out: SyncSender<PadEvent>,
    used: Option<Used>,
    rumble: Rumble,
}

/// Nobody listens any more.
struct Over;

impl Reader {
    fn run(mut self, feels: &Receiver<Feel>) {
        // Pads that are there at the start announce themselves by no event.
        let present: Vec<GamepadId> = self.gilrs.gamepads().map(|(id, _)| id).collect();
        let mut over = present.into_iter().try_for_each(|id| self.connected(id)).is_err();
        let mut rounds = 0;
        while !over {
            over = match self.gilrs.next_event_blocking(Some(WAIT)) {
                Some(event) => self.event(event.id, event.event).is_err(),
                None => {
                    rounds += 1;
                    let gone = rounds % ROUNDS_PER_LOOK == 0 && self.device_is_gone();
                    gone && self.lose().is_err() || self.feel(feels).is_err()
                }
            };
        }
    }

    fn event(&mut self, id: GamepadId, event: EventType) -> Result<(), Over> {
        let is_used = self.used.as_ref().is_some_and(|used| used.id == id);
        if event == EventType::Connected {
            self.connected(id)
        } else if !is_used {
            Ok(())
        } else if event == EventType::Disconnected {
            self.lose()
        } else {
            translate(event).map_or(Ok(()), |event| self.send(event))
        }
    }

    fn connected(&mut self, id: GamepadId) -> Result<(), Over> {
        let Some(gamepad) = self.gilrs.connected_gamepad(id) else { return Ok(()) };
        let PadListing { name, uuid, mapping, device, .. } = listing(&gamepad);
        match &self.used {
            // The same pad again without a word of its loss in between.
            Some(used) if used.id == id => self.send(PadEvent::Disconnected)?,
            Some(_) => {
                let text = format!("A second gamepad, {name:?}, is ignored; unplug the first one to use it.");
                return self.send(PadEvent::Note { text });
            }
            None => {}
        }
        self.used = Some(Used { id, device });
        self.send(PadEvent::Connected { name, uuid, mapping })
    }

    /// Zeroes the pad in use and goes on with another one, if there is one.
    fn lose(&mut self) -> Result<(), Over> {
        self.rumble.stop();
        let lost = self.used.take();
        self.send(PadEvent::Disconnected)?;
        let is_lost = |id| lost.as_ref().is_some_and(|lost| lost.id == id);
        let other = self.gilrs.gamepads().map(|(id, _)| id).find(|id| !is_lost(*id));
        other.map_or(Ok(()), |id| self.connected(id))
    }

    fn device_is_gone(&self) -> bool {
        self.used.as_ref().is_some_and(|used| matches!(used.device.try_exists(), Ok(false)))
    }

    /// Plays what is asked for; also the pause between two rounds.
    fn feel(&mut self, feels: &Receiver<Feel>) -> Result<(), Over> {
        match feels.recv_timeout(PAUSE) {
            Ok(feel) => {
                if let Some(used) = &self.used {
                    self.rumble.play(&mut self.gilrs, used.id, feel);
                }
                Ok(())
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(Over),
        }
    }

    /// Waits if the node is behind. Nothing is lost then: the kernel keeps the newest state of each control.
    fn send(&self, event: PadEvent) -> Result<(), Over> {
        self.out.send(event).map_err(|_closed| Over)
    }
}

fn start() -> Result<Gilrs, PadError> {
    GilrsBuilder::new()
        .with_default_filters(false)
        .build()
        .map_err(|error| PadError::Start { text: error.to_string() })
}

fn listing(gamepad: &Gamepad<'_>) -> PadListing {
    let axes = AXES.iter().filter(|(theirs, _)| gamepad.axis_code(*theirs).is_some()).count();
    let has = |button: &gilrs::Button| gamepad.button_code(*button).is_some();
    PadListing {
        name: gamepad.name().to_owned(),
        uuid: gamepad.uuid().iter().map(|byte| format!("{byte:02x}")).collect(),
        mapping: match gamepad.mapping_source() {
            MappingSource::SdlMappings => MappingKind::Database,
            MappingSource::Driver => MappingKind::Driver,
            MappingSource::None => MappingKind::None,
        },
        device: gamepad.devpath().to_owned(),
        axes: axes + TRIGGERS.iter().filter(|(theirs, _)| has(theirs)).count(),
        buttons: BUTTONS.iter().filter(|(theirs, _)| has(theirs)).count(),
        rumble: gamepad.is_ff_supported(),
    }
}

const AXES: [(gilrs::Axis, Axis); 6] = [
    (gilrs::Axis::LeftStickX, Axis::LeftX),
    (gilrs::Axis::LeftStickY, Axis::LeftY),
    (gilrs::Axis::RightStickX, Axis::RightX),
    (gilrs::Axis::RightStickY, Axis::RightY),
    (gilrs::Axis::DPadX, Axis::DpadX),
    (gilrs::Axis::DPadY, Axis::DpadY),
];

const TRIGGERS: [(gilrs::Button, Trigger); 2] =
    [(gilrs::Button::LeftTrigger2, Trigger::Left), (gilrs::Button::RightTrigger2, Trigger::Right)];

const BUTTONS: [(gilrs::Button, Button); 15] = [
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
fn translate(event: EventType) -> Option<PadEvent> {
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

    #[test]
    fn a_machine_without_pads_gives_no_events_and_no_error() {
        let Ok(mut source) = GilrsSource::open() else { return };
        let mut events = Vec::new();
        source.poll(MonoTime::ZERO, &mut events);
        assert!(events.is_empty() || matches!(events[0].1, PadEvent::Connected { .. }));
    }
}
