//! A trigger that takes over a gripper without opening it.

/// Squeeze at which the gripper begins to close.
const SLACK: f64 = 0.05;
/// The trigger has met the gripper when it asks for an opening within this share of the range.
const MEETING: f64 = 0.02;

/// How closed a trigger asks the gripper to be, 0 to 1. `None` for what is no number.
#[must_use]
pub fn closedness(trigger: f64) -> Option<f64> {
    trigger.is_finite().then(|| ((trigger - SLACK) / (1.0 - SLACK)).clamp(0.0, 1.0))
}

/// Soft take-over: at a takeover the trigger is usually released while the gripper holds something, and following it at once would
/// drop that. So the gripper stays until the trigger has come to, or past, where it is; from then on it follows. Unfiltered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pickup {
    /// The trigger has not been read yet.
    #[default]
    Unseen,
    /// It asks for more opening than there is.
    Above,
    /// It asks for less.
    Below,
    /// They have met.
    Met,
}

impl Pickup {
    /// The opening to command, for a trigger that asks for `asked`, while `kept` is what is commanded, in a range of `range`;
    /// all in metres.
    pub fn opening(&mut self, asked: f64, kept: f64, range: f64) -> f64 {
        let ahead = asked - kept;
        let meets = ahead.abs() <= MEETING * range;
        *self = match self {
            Self::Met => Self::Met,
            Self::Unseen | Self::Above | Self::Below if meets => Self::Met,
            Self::Unseen if ahead > 0.0 => Self::Above,
            Self::Above if ahead > 0.0 => Self::Above,
            Self::Unseen => Self::Below,
            Self::Below if ahead < 0.0 => Self::Below,
            Self::Above | Self::Below => Self::Met,
        };
        match self {
            Self::Met => asked,
            Self::Unseen | Self::Above | Self::Below => kept,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: f64 = 0.08;

    fn openings(kept: f64, triggers: &[f64]) -> Vec<f64> {
        let (mut pickup, mut opening) = (Pickup::default(), kept);
        triggers
            .iter()
            .map(|trigger| {
                let asked = RANGE * (1.0 - closedness(*trigger).unwrap());
                opening = pickup.opening(asked, opening, RANGE);
                opening
            })
            .collect()
    }

    #[test]
    fn the_published_points() {
        assert_eq!([0.0, 0.05, 1.0].map(|t| closedness(t).unwrap()), [0.0, 0.0, 1.0]);
        assert!((closedness(0.525).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(closedness(f64::NAN), None);
    }

    #[test]
    fn a_released_trigger_does_not_open_a_closed_gripper() {
        assert_eq!(openings(0.03, &[0.0, 0.0, 0.1, 0.0]), [0.03; 4]);
    }

    #[test]
    fn it_follows_once_the_trigger_has_come_past_even_in_one_leap() {
        let seen = openings(0.03, &[0.0, 0.3, 1.0, 0.5]);
        assert_eq!(seen[..3], [0.03, 0.03, 0.0]);
        assert!(seen[3] > 0.03, "from then on it opens too: {seen:?}");
    }

    #[test]
    fn a_squeezed_trigger_does_not_close_an_open_gripper() {
        let seen = openings(0.06, &[1.0, 0.9, 0.0, 1.0]);
        assert_eq!(seen, [0.06, 0.06, RANGE, 0.0]);
    }
}
