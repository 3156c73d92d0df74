//! What the operator can be made to feel.

use gilrs::{
    GamepadId, Gilrs,
    ff::{BaseEffect, BaseEffectType, Effect, EffectBuilder, Replay, Ticks},
};

/// Something to feel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feel {
    /// The human drives now: one firm pulse.
    Engaged,
    /// What was asked for is refused: one long weak pulse.
    Refused,
}

/// Effects of one pad. Kept while they play, because dropping one ends it.
#[derive(Default)]
pub(super) struct Rumble {
    playing: Option<Effect>,
}

impl Rumble {
    /// Plays `feel` on a pad that can, instead of what it plays now. A pad that cannot stays quiet.
    pub(super) fn play(&mut self, gilrs: &mut Gilrs, pad: GamepadId, feel: Feel) {
        if !gilrs.connected_gamepad(pad).is_some_and(|gamepad| gamepad.is_ff_supported()) {
            return;
        }
        // The driver's clock runs in steps of 50 ms: nothing shorter can be felt.
        let (kind, length) = match feel {
            Feel::Engaged => (BaseEffectType::Strong { magnitude: 52_000 }, 50),
            Feel::Refused => (BaseEffectType::Weak { magnitude: 40_000 }, 250),
        };
        let scheduling = Replay { play_for: Ticks::from_ms(length), ..Replay::default() };
        let effect = EffectBuilder::new()
            .add_effect(BaseEffect { kind, scheduling, ..BaseEffect::default() })
            .gamepads(&[pad])
            .finish(gilrs);
        // A pulse that cannot be played changes nothing for the robot.
        self.playing = effect.ok().filter(|effect| effect.play().is_ok());
    }

    /// Forgets the pad.
    pub(super) fn stop(&mut self) {
        self.playing = None;
    }
}
