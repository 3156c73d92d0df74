use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use retake_units::{MonoTime, WallTime};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// The time a deployment runs on. Nothing else in the workspace reads a clock.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's monotonic clock, counted from its boot: one timeline for all processes of the machine.
    System,
    /// Nanoseconds that a test sets.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that stands at `start` until a test moves it.
    pub fn manual(start: MonoTime) -> Self {
        Self::Manual(Arc::new(AtomicU64::new(start.nanos())))
    }

    /// The time now.
    pub fn now(&self) -> MonoTime {
        match self {
            Self::System => MonoTime::from_nanos(nanos(clock_gettime(ClockId::Monotonic))),
            Self::Manual(nanos) => MonoTime::from_nanos(nanos.load(Ordering::Acquire)),
        }
    }

    /// Moves a manual clock to `to`, never backwards. The system's clock moves by itself.
    pub fn advance_to(&self, to: MonoTime) {
        if let Self::Manual(nanos) = self {
            nanos.fetch_max(to.nanos(), Ordering::AcqRel);
        }
    }
}

/// Time of day, for labels that people read.
pub fn wall_now() -> WallTime {
    WallTime::from_nanos(nanos(clock_gettime(ClockId::Realtime)))
}

fn nanos(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_counts_from_boot_and_never_goes_back() {
        let uptime = std::fs::read_to_string("/proc/uptime").unwrap();
        let uptime: f64 = uptime.split(' ').next().unwrap().parse().unwrap();
        let (first, second) = (Clock::System.now(), Clock::System.now());
        assert!(second >= first);
        assert!((first.since(MonoTime::ZERO).as_secs_f64() - uptime).abs() < 60.0);
    }

    #[test]
    fn a_manual_clock_moves_only_forward_and_only_when_told() {
        let clock = Clock::manual(MonoTime::from_nanos(5));
        clock.advance_to(MonoTime::from_nanos(9));
        clock.advance_to(MonoTime::from_nanos(7));
        assert_eq!(clock.now(), MonoTime::from_nanos(9));
    }

    #[test]
    fn the_wall_clock_knows_the_century() {
        assert!(wall_now().nanos() > 1_600_000_000_000_000_000);
    }
}
