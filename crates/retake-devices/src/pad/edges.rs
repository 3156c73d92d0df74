//! Button presses without their bounces.

use std::time::Duration;

use retake_units::MonoTime;

use super::{Button, state::Change};

/// A press this soon after a release of the same button is its contact bouncing.
const BOUNCE: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Key {
    raw: bool,
    down: bool,
    released: Option<MonoTime>,
}

/// Which buttons are held. A press counts at once, and so does a release, because it may be the clutch; only a press
/// right after a release waits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Edges {
    keys: [Key; Button::ALL.len()],
}

impl Edges {
    /// Takes in a change. True if it is a press that counts as a deliberate act.
    pub(super) fn change(&mut self, at: MonoTime, change: Change) -> bool {
        let key = &mut self.keys[change.button as usize];
        key.raw = change.pressed;
        if !change.pressed {
            if key.down {
                key.released = Some(at);
            }
            key.down = false;
            return false;
        }
        key.down = key.released.is_none_or(|released| at.since(released) >= BOUNCE);
        key.down
    }

    /// Lets a press that looked like a bounce hold its button once it has lasted.
    pub(super) fn tick(&mut self, now: MonoTime) {
        for key in &mut self.keys {
            key.down =
                key.raw && (key.down || key.released.is_none_or(|released| now.since(released) >= BOUNCE));
        }
    }

    /// The button is held.
    pub(super) const fn down(&self, button: Button) -> bool {
        self.keys[button as usize].down
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bouncing_press_is_one_act_and_one_hold() {
        let mut edges = Edges::default();
        let ms = |ms: u64| MonoTime::from_nanos(ms * 1_000_000);
        let mut change = |at, pressed| edges.change(ms(at), Change { button: Button::North, pressed });
        assert!(change(100, true));
        assert!(!change(101, false));
        assert!(!change(102, true));
        edges.tick(ms(110));
        assert!(!edges.down(Button::North));
        edges.tick(ms(121));
        assert!(edges.down(Button::North));
    }

    #[test]
    fn a_second_press_later_is_a_second_act() {
        let mut edges = Edges::default();
        let ms = |ms: u64| MonoTime::from_nanos(ms * 1_000_000);
        let mut change = |at, pressed| edges.change(ms(at), Change { button: Button::North, pressed });
        assert!(change(100, true));
        assert!(!change(150, false));
        assert!(change(170, true));
    }
}
