//! Waiting, and the time a processor gave us.

use std::{fs, num::NonZeroU64, thread, thread::JoinHandle, time::Duration};

use retake_bus::{Clock, StopFlag};
use retake_units::MonoTime;
use rustix::{
    thread::{clock_nanosleep_absolute, set_current_timer_slack},
    time::{ClockId, Timespec, clock_gettime},
};

use crate::stats::Spans;

/// Sleeps until `due`, by the kernel's own absolute timer.
pub(crate) fn sleep_until(due: MonoTime) {
    let rest = due.nanos() % 1_000_000_000;
    let (seconds, rest) = (i64::try_from(due.nanos() / 1_000_000_000), i64::try_from(rest));
    let due = Timespec { tv_sec: seconds.unwrap_or(i64::MAX), tv_nsec: rest.unwrap_or(0) };
    // A signal may end the sleep early; the next sleep is to an absolute time again.
    let _ = clock_nanosleep_absolute(ClockId::Monotonic, &due);
}

/// As the runtime does for its nodes: the kernel's default lets a timer be 50 µs late to save power.
pub(crate) fn exact_timers() {
    let _ = set_current_timer_slack(NonZeroU64::new(1));
}

/// Time this thread has spent on a processor: what other programs do does not change it.
pub(crate) fn thread_time() -> Duration {
    span(clock_gettime(ClockId::ThreadCPUTime))
}

/// Time all threads of this process have spent on processors.
pub(crate) fn process_time() -> Duration {
    span(clock_gettime(ClockId::ProcessCPUTime))
}

fn span(time: Timespec) -> Duration {
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The kernel's load averages, over one, five and fifteen minutes.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// A thread that does nothing but sleep to the next multiple of a period, and notes how late it wakes.
#[derive(Debug)]
pub(crate) struct SleepLoop {
    stop: StopFlag,
    thread: JoinHandle<Vec<Duration>>,
}

impl SleepLoop {
    pub(crate) fn start(period: Duration) -> Self {
        let stop = StopFlag::default();
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            exact_timers();
            let mut late = Vec::new();
            let mut due = Clock::System.now() + period;
            while !stopped.is_set() {
                sleep_until(due);
                let now = Clock::System.now();
                late.push(now.since(due));
                // Missed periods are not made up for, as in the arbiter.
                due = due + period;
                if due <= now {
                    due = now + period;
                }
            }
            late
        });
        Self { stop, thread }
    }

    pub(crate) fn finish(self) -> anyhow::Result<Spans> {
        self.stop.set();
        let late = self.thread.join().map_err(|_panic| anyhow::anyhow!("the sleep loop died"))?;
        Ok(Spans::new(late))
    }
}
