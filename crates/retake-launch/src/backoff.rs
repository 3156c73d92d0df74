use std::time::Duration;

use retake_units::MonoTime;

/// How often and how soon a crashed node is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Crashes in a row before it is given up.
    pub attempts: u32,
    /// Pause before the first restart; each further one is twice as long.
    pub first_pause: Duration,
    /// Longest pause.
    pub longest_pause: Duration,
    /// A node that ran this long is healthy again: the count starts anew.
    pub healthy_after: Duration,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(5),
            healthy_after: Duration::from_secs(30),
        }
    }
}

/// One node's crashes.
#[derive(Debug)]
pub(crate) struct Backoff {
    policy: RestartPolicy,
    in_a_row: u32,
    started: MonoTime,
    not_before: MonoTime,
}

impl Backoff {
    pub(crate) const fn new(policy: RestartPolicy) -> Self {
        Self { policy, in_a_row: 0, started: MonoTime::ZERO, not_before: MonoTime::ZERO }
    }

    pub(crate) const fn started(&mut self, now: MonoTime) {
        self.started = now;
    }

    /// The pause before the next start, or `None` if there is to be none.
    pub(crate) fn crashed(&mut self, now: MonoTime) -> Option<Duration> {
        if now.since(self.started) >= self.policy.healthy_after {
            self.in_a_row = 0;
        }
        if self.in_a_row >= self.policy.attempts {
            return None;
        }
        let pause =
            self.policy.first_pause.saturating_mul(1 << self.in_a_row.min(20)).min(self.policy.longest_pause);
        self.in_a_row += 1;
        self.not_before = now + pause;
        Some(pause)
    }

    pub(crate) fn may_start(&self, now: MonoTime) -> bool {
        now >= self.not_before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_then_it_is_given_up() {
        let mut backoff =
            Backoff::new(RestartPolicy { longest_pause: Duration::from_secs(1), ..RestartPolicy::default() });
        let pauses: Vec<_> =
            (0..6).map(|_| backoff.crashed(MonoTime::ZERO).map(|pause| pause.as_millis())).collect();
        assert_eq!(pauses, [Some(250), Some(500), Some(1000), Some(1000), Some(1000), None]);
    }

    #[test]
    fn a_long_healthy_run_is_forgiven() {
        let mut backoff = Backoff::new(RestartPolicy { attempts: 1, ..RestartPolicy::default() });
        assert!(backoff.crashed(MonoTime::ZERO).is_some());
        assert!(backoff.crashed(MonoTime::ZERO).is_none());
        let later = MonoTime::ZERO + Duration::from_secs(40);
        assert!(backoff.crashed(later).is_some());
        assert!(!backoff.may_start(later));
        assert!(backoff.may_start(later + Duration::from_millis(250)));
    }
}
