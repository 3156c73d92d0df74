use core::{ops::Add, time::Duration};

/// A point on one machine's monotonic clock, nanoseconds. All decisions are made on this timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonoTime(u64);

impl MonoTime {
    /// The start of the timeline.
    pub const ZERO: Self = Self(0);
    /// Later than every other time: "never" as a deadline.
    pub const MAX: Self = Self(u64::MAX);

    /// A time `nanos` after the start of the timeline.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start of the timeline.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Nanoseconds as the signed number that messages carry; beyond 292 years it stays at the largest.
    pub fn wire_nanos(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// Time passed since `earlier`; zero if `earlier` is in the future.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for MonoTime {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

/// Time of day, nanoseconds since 1970 UTC. For labels that people read; never compared with a deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(u64);

impl WallTime {
    /// A time `nanos` after 1970 UTC.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970 UTC.
    pub const fn nanos(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_the_future_is_no_time_ago() {
        let (early, late) = (MonoTime::from_nanos(5), MonoTime::from_nanos(9));
        assert_eq!(late.since(early), Duration::from_nanos(4));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn a_time_is_as_many_nanoseconds_as_it_was_made_of() {
        assert_eq!(MonoTime::from_nanos(9).nanos(), 9);
        assert_eq!((MonoTime::from_nanos(9) + Duration::from_micros(2)).nanos(), 2_009);
        assert_eq!(WallTime::from_nanos(1_764_000_000_000_000_000).nanos(), 1_764_000_000_000_000_000);
    }

    #[test]
    fn adding_saturates_instead_of_wrapping() {
        assert_eq!(MonoTime::MAX + Duration::from_secs(1), MonoTime::MAX);
        assert_eq!(MonoTime::ZERO + Duration::MAX, MonoTime::MAX);
    }

    #[test]
    fn wire_time_never_goes_negative() {
        assert_eq!(MonoTime::MAX.wire_nanos(), i64::MAX);
        assert_eq!(MonoTime::from_nanos(7).wire_nanos(), 7);
    }
}
