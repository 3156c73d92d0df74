//! Pads through gilrs.
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

use super::{
    Feel, MappingKind, PadEvent, PadSource,
    gilrs_names::{AXES, BUTTONS, TRIGGERS, translate},
    rumble::Rumble,
    selection::{Identity, Selection},
};

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
        let reader =
            Reader { gilrs, out: send, pads: Selection::new(), vanished: None, rumble: Rumble::default() };
        std::thread::Builder::new().name("gamepad".to_owned()).spawn(move || reader.run(&receive_feels))?;
        Ok(Self { events, feels, ended: false })
    }
}

impl PadSource for GilrsSource {
    fn poll(&mut self, now: MonoTime, events: &mut Vec<(MonoTime, PadEvent)>) {
        for _ in 0..QUEUE {
            match self.events.try_recv() {
                Ok(event) => events.push((now, event)),
                Err(TryRecvError::Disconnected) if !self.ended => {
                    self.ended = true;
                    events.push((now, PadEvent::Disconnected));
                    let text = "Reading gamepads failed and has ended; restart this node.".to_owned();
                    events.push((now, PadEvent::Note { text }));
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }

    fn feel(&mut self, feel: Feel) {
        // A pulse too many is not worth waiting for.
        let _ = self.feels.try_send(feel);
    }
}

struct Reader {
    gilrs: Gilrs,
    out: SyncSender<PadEvent>,
    pads: Selection<GamepadId>,
    /// A pad whose device file is gone, though gilrs has not said so.
    vanished: Option<GamepadId>,
    rumble: Rumble,
}

/// Nobody listens any more.
struct Over;

impl Reader {
    fn run(mut self, feels: &Receiver<Feel>) {
        let mut quiet_rounds = 0;
        let mut over = self.announce_present().is_err();
        while !over {
            let event = self.gilrs.next_event_blocking(Some(WAIT));
            let pause = if event.is_some() { Duration::ZERO } else { PAUSE };
            let done = match event {
                Some(event) => self.event(event.id, event.event),
                None => {
                    quiet_rounds += 1;
                    if quiet_rounds % ROUNDS_PER_LOOK == 0 { self.look_at_device() } else { Ok(()) }
                }
            };
            over = done.is_err() || self.feel(feels, pause).is_err();
        }
    }

    /// Pads that are there at the start announce themselves by no event.
    fn announce_present(&mut self) -> Result<(), Over> {
        let present: Vec<GamepadId> = self.gilrs.gamepads().map(|(id, _)| id).collect();
        present.into_iter().try_for_each(|id| self.connected(id))
    }

    fn event(&mut self, id: GamepadId, event: EventType) -> Result<(), Over> {
        if event == EventType::Connected {
            self.connected(id)
        } else if event == EventType::Disconnected {
            self.lost(id)
        } else if self.pads.used() == Some(id) {
            self.send(translate(event))
        } else {
            Ok(())
        }
    }

    fn connected(&mut self, id: GamepadId) -> Result<(), Over> {
        let Some(gamepad) = self.gilrs.connected_gamepad(id) else { return Ok(()) };
        let PadListing { name, uuid, mapping, .. } = listing(&gamepad);
        let said = self.pads.connected(id, Identity { name, uuid, mapping });
        self.send(said)
    }

    fn lost(&mut self, id: GamepadId) -> Result<(), Over> {
        self.rumble.stop();
        let said = self.pads.disconnected(id);
        self.send(said)
    }

    /// gilrs handles one notice of the kernel per wake-up, so that the second of two can stay unread. A pad whose device
    /// file is gone is lost at once; if gilrs still has not noticed at the next look, it is started anew.
    fn look_at_device(&mut self) -> Result<(), Over> {
        if let Some(vanished) = self.vanished.take() {
            return if self.is_gone(vanished) { self.start_anew() } else { Ok(()) };
        }
        match self.pads.used().filter(|used| self.is_gone(*used)) {
            Some(used) => {
                self.vanished = Some(used);
                self.lost(used)
            }
            None => Ok(()),
        }
    }

    /// gilrs takes the pad for connected, but its device file does not exist.
    fn is_gone(&self, id: GamepadId) -> bool {
        let device = self.gilrs.connected_gamepad(id).map(|gamepad| gamepad.devpath().to_owned());
        device.is_some_and(|device| matches!(device.try_exists(), Ok(false)))
    }

    fn start_anew(&mut self) -> Result<(), Over> {
        let Ok(gilrs) = start() else { return Ok(()) };
        let said = self.pads.clear();
        self.send(said)?;
        self.rumble.stop();
        self.gilrs = gilrs;
        self.announce_present()
    }

    /// Plays what is asked for, waiting for it no longer than `pause`.
    fn feel(&mut self, feels: &Receiver<Feel>, pause: Duration) -> Result<(), Over> {
        match feels.recv_timeout(pause) {
            Ok(feel) => {
                if let Some(used) = self.pads.used() {
                    self.rumble.play(&mut self.gilrs, used, feel);
                }
                Ok(())
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(Over),
        }
    }

    /// Waits if the node is behind. Nothing is lost then: the kernel keeps the newest state of each control.
    fn send(&self, events: impl IntoIterator<Item = PadEvent>) -> Result<(), Over> {
        events.into_iter().try_for_each(|event| self.out.send(event).map_err(|_closed| Over))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pad::Button;

    #[test]
    fn a_machine_without_pads_gives_no_events_and_no_error() {
        let Ok(mut source) = GilrsSource::open() else { return };
        let mut events = Vec::new();
        source.poll(MonoTime::ZERO, &mut events);
        assert!(events.is_empty() || matches!(events[0].1, PadEvent::Connected { .. }));
    }

    #[test]
    fn a_reader_that_died_is_a_lost_pad_and_told_once() {
        let (send, events) = sync_channel(4);
        let (feels, _receive_feels) = sync_channel(1);
        let mut source = GilrsSource { events, feels, ended: false };
        let press = PadEvent::Button { button: Button::Mode, pressed: true };
        send.send(press.clone()).unwrap();
        drop(send);
        let mut events = Vec::new();
        source.poll(MonoTime::ZERO, &mut events);
        source.poll(MonoTime::ZERO, &mut events);
        assert_eq!(events.len(), 3);
        assert_eq!([&events[0].1, &events[1].1], [&press, &PadEvent::Disconnected]);
        assert!(matches!(events[2].1, PadEvent::Note { .. }));
    }
}
