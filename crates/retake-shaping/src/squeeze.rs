//! An analogue button as one that is down or up.

/// Squeezed this far, a button that was up is down.
const ON: f64 = 0.6;
/// Let go this far, a button that was down is up.
const OFF: f64 = 0.4;

/// A grip button with hysteresis: a finger that trembles half-way does not engage and disengage. For device code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Squeeze {
    down: bool,
}

impl Squeeze {
    /// Takes in a reading, 0 to 1, and says whether the button is down. What is no number lets go.
    pub fn read(&mut self, value: f64) -> bool {
        let threshold = if self.down { OFF } else { ON };
        self.down = value.is_finite() && value >= threshold;
        self.down
    }

    /// Whether the button is down.
    #[must_use]
    pub const fn is_down(self) -> bool {
        self.down
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trembling_finger_changes_nothing() {
        let mut squeeze = Squeeze::default();
        let read: Vec<bool> =
            [0.5, 0.59, 0.6, 0.45, 0.41, 0.39, 0.5, 0.59, 1.0].map(|v| squeeze.read(v)).into();
        assert_eq!(read, [false, false, true, true, true, false, false, false, true]);
    }

    #[test]
    fn no_number_lets_go() {
        for value in [f64::NAN, f64::INFINITY] {
            let mut squeeze = Squeeze::default();
            assert!(squeeze.read(1.0));
            assert!(!squeeze.read(value));
            assert!(!squeeze.is_down());
        }
    }
}
