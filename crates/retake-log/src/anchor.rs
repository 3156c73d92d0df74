//! From the monotonic timeline of decisions to the time of day that labels files.

use retake_units::{MonoTime, WallTime};
use serde::{Deserialize, Serialize};

/// One instant on both timelines. Every other instant of a recording is mapped through it, so that differences between
/// log times are differences of the monotonic clock even where the time of day was stepped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Monotonic nanoseconds of the instant.
    pub mono_nanos: u64,
    /// Nanoseconds since 1970 UTC of the same instant.
    pub wall_nanos: u64,
}

impl Anchor {
    /// An instant that was read on both clocks.
    pub const fn new(mono: MonoTime, wall: WallTime) -> Self {
        Self { mono_nanos: mono.nanos(), wall_nanos: wall.nanos() }
    }

    /// Log time of `at`; stays at the ends of the range instead of wrapping.
    pub const fn log_nanos(self, at: MonoTime) -> u64 {
        if at.nanos() >= self.mono_nanos {
            self.wall_nanos.saturating_add(at.nanos() - self.mono_nanos)
        } else {
            self.wall_nanos.saturating_sub(self.mono_nanos - at.nanos())
        }
    }

    /// The monotonic time that a log time stands for.
    pub const fn mono(self, log_nanos: u64) -> MonoTime {
        MonoTime::from_nanos(if log_nanos >= self.wall_nanos {
            self.mono_nanos.saturating_add(log_nanos - self.wall_nanos)
        } else {
            self.mono_nanos.saturating_sub(self.wall_nanos - log_nanos)
        })
    }
}

/// Name for a recording made at `at`, UTC: `2026-11-23T14-05-02Z`.
pub fn utc_label(at: WallTime) -> String {
    let [year, month, day, hour, minute, second] = civil(at);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}Z")
}

/// `at` as people read it, UTC: `2026-11-23 14:05:02 UTC`.
pub fn utc_text(at: WallTime) -> String {
    let [year, month, day, hour, minute, second] = civil(at);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Year, month, day, hour, minute, second in the proleptic Gregorian calendar. Years run from March here, so that the
/// leap day comes last.
const fn civil(at: WallTime) -> [u64; 6] {
    let seconds = at.nanos() / 1_000_000_000;
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    [year, month, day, rest / 3_600, rest / 60 % 60, rest % 60]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_on_both_sides_of_the_anchor() {
        let anchor = Anchor { mono_nanos: 500, wall_nanos: 9_000 };
        for mono in [0, 499, 500, 501, 80_000] {
            let at = MonoTime::from_nanos(mono);
            assert_eq!(anchor.mono(anchor.log_nanos(at)), at);
        }
        assert_eq!(anchor.log_nanos(MonoTime::from_nanos(600)), 9_100);
        assert_eq!(Anchor::default().log_nanos(MonoTime::from_nanos(7)), 7);
    }

    #[test]
    fn the_calendar_knows_leap_years() {
        for (seconds, label) in [
            (0, "1970-01-01T00-00-00Z"),
            (951_782_400, "2000-02-29T00-00-00Z"),
            (1_709_251_199, "2024-02-29T23-59-59Z"),
            (4_107_542_400, "2100-03-01T00-00-00Z"),
            (1_795_442_702, "2026-11-23T14-05-02Z"),
        ] {
            assert_eq!(utc_label(WallTime::from_nanos(seconds * 1_000_000_000)), label);
        }
    }
}
