//! When the robot began to brake.

use retake_units::MonoTime;

/// The fastest value's share of its speed limit at one command.
pub(crate) type Speed = (MonoTime, f64);

/// What became of a robot that had to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Braking {
    /// It hardly moved.
    AtRest,
    /// The first command that is slower than the one before, from where on it only gets slower.
    Began(MonoTime),
    /// It had not come to rest when the run ended.
    Never,
}

/// Slower than this share of full speed is rest.
const REST: f64 = 1e-3;
/// A robot that moves slower than this says nothing about braking.
const MOVES: f64 = 0.02;

/// Looks for the beginning of the way to rest after `from`.
pub(crate) fn braking_began(speeds: &[Speed], from: MonoTime) -> Braking {
    let start = speeds.partition_point(|(at, _)| *at <= from).saturating_sub(1);
    let after = speeds.get(start..).unwrap_or_default();
    if after.first().is_none_or(|(_, speed)| *speed < MOVES) {
        return Braking::AtRest;
    }
    let Some(rest) = after.iter().position(|(_, speed)| *speed < REST) else { return Braking::Never };
    let mut began = rest;
    while began > 1 && after.get(began - 2).zip(after.get(began - 1)).is_some_and(|(a, b)| a.1 > b.1) {
        began -= 1;
    }
    after.get(began).map_or(Braking::Never, |(at, _)| Braking::Began((*at).max(from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_peak_is_where_braking_begins() {
        let at = MonoTime::from_nanos;
        let speeds: Vec<Speed> = [0.5, 0.5, 0.6, 0.4, 0.2, 0.0, 0.0]
            .iter()
            .zip(0..)
            .map(|(speed, time)| (at(time), *speed))
            .collect();
        assert_eq!(braking_began(&speeds, at(1)), Braking::Began(at(3)));
        assert_eq!(braking_began(&speeds[..4], at(1)), Braking::Never);
        assert_eq!(braking_began(&speeds, at(6)), Braking::AtRest);
    }
}
