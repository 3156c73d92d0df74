//! Watches a policy from outside, and calls the operator.
//!
//! [`StallMonitor`] knows nothing of the policy or the task: a policy that drives and does not move needs somebody. Any other
//! monitor, a critic in Python for example, publishes the same message.

use std::time::Duration;

use retake_node::{Echo, Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{HelpReason, HelpSignal, Observation, Owner, Phase, Status},
};

/// When standing still becomes a reason to call. There is no default: the deployment says each of these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StallConfig {
    /// No value of any group is faster than this: the robot stands still. Radians or metres per second.
    pub still: f64,
    /// Standing still for this long is no reason yet.
    pub patience: Duration,
    /// And after this much more the need is greatest.
    pub rise: Duration,
    /// Identity of this run.
    pub session: u64,
}

/// Time between two signals. Silence counts as the worst, so they come whether or not anything changed.
const PERIOD: Duration = Duration::from_millis(100);

/// The monitor as a node.
#[derive(Clone, Debug)]
pub struct StallMonitor {
    config: StallConfig,
    echo: Echo,
    driving: bool,
    moved: MonoTime,
    next: MonoTime,
}

impl StallMonitor {
    /// A monitor whose first signal is at `start`.
    pub fn new(config: StallConfig, start: MonoTime) -> Self {
        Self { config, echo: Echo::new(config.session), driving: false, moved: start, next: start }
    }

    fn status(&mut self, status: &Status, now: MonoTime) {
        let drives = status.groups.iter().any(|group| matches!(group.owner(), Owner::Policy | Owner::Shared));
        let driving = drives && status.phase() == Phase::Running;
        if driving && !self.driving {
            self.moved = now;
        }
        self.driving = driving;
    }

    fn observed(&mut self, observation: &Observation, now: MonoTime) {
        let fastest = observation.velocity.iter().flat_map(|group| &group.values);
        if fastest.fold(0.0, |fastest: f64, v| fastest.max(v.abs())) > self.config.still {
            self.moved = now;
        }
    }

    /// 0 while the robot moves or somebody else drives, rising to 1.
    fn need(&self, now: MonoTime) -> f64 {
        if !self.driving {
            return 0.0;
        }
        let over = now.since(self.moved).saturating_sub(self.config.patience);
        (over.as_secs_f64() / self.config.rise.as_secs_f64()).clamp(0.0, 1.0)
    }

    fn signal(&mut self, now: MonoTime) -> HelpSignal {
        let still = now.since(self.moved).as_secs_f64();
        HelpSignal {
            header: Some(self.echo.header(now)),
            source: "stall monitor".into(),
            reason: HelpReason::Stalled.into(),
            text: format!("the policy drives and has not moved for {still:.1} s"),
            need: self.need(now),
        }
    }
}

impl Node for StallMonitor {
    fn name(&self) -> &'static str {
        "monitor"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Beacon, Topic::Status, Topic::Observation]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Help]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only subscribed topics arrive")]
    fn receive(&mut self, now: MonoTime, message: &Message, _: &mut Outbox) {
        match message {
            Message::Beacon(beacon) => self.echo.hear(beacon),
            Message::Status(status) => self.status(status, now),
            Message::Observation(observation) => self.observed(observation, now),
            _ => {}
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.next = self.next + PERIOD;
        if self.next <= now {
            self.next = now + PERIOD;
        }
        if self.echo.heard() {
            out.publish(self.signal(now));
        }
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}

#[cfg(test)]
mod tests {
    use retake_wire::pb::{Beacon, GroupStatus, GroupValues};

    use super::*;

    const CONFIG: StallConfig = StallConfig {
        still: 0.02,
        patience: Duration::from_secs(2),
        rise: Duration::from_secs(1),
        session: 1,
    };

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    fn owned_by(owner: Owner) -> Status {
        let group = GroupStatus { owner: owner.into(), ..GroupStatus::default() };
        Status { groups: vec![group], phase: Phase::Running.into(), ..Status::default() }
    }

    fn moving(speed: f64) -> Observation {
        Observation { velocity: vec![GroupValues { values: vec![0.0, -speed] }], ..Observation::default() }
    }

    #[test]
    fn only_a_policy_that_drives_and_stands_still_needs_somebody() {
        let mut monitor = StallMonitor::new(CONFIG, at(0));
        monitor.status(&owned_by(Owner::Hold), at(0));
        assert_eq!(monitor.need(at(9000)), 0.0);
        monitor.status(&owned_by(Owner::Policy), at(9000));
        assert_eq!(monitor.need(at(11_000)), 0.0, "patience begins when it begins to drive");
        assert_eq!(monitor.need(at(11_500)), 0.5);
        monitor.observed(&moving(0.01), at(11_500));
        assert_eq!(monitor.need(at(12_000)), 1.0);
        monitor.observed(&moving(0.03), at(12_000));
        assert_eq!(monitor.need(at(12_000)), 0.0);
        monitor.status(&owned_by(Owner::Human), at(12_000));
        assert_eq!(monitor.need(at(20_000)), 0.0);
    }

    #[test]
    fn it_says_nothing_before_it_has_heard_the_arbiter() {
        let (mut monitor, mut out) = (StallMonitor::new(CONFIG, at(0)), Outbox::default());
        monitor.wake(at(0), &mut out);
        assert_eq!(out.drain().count(), 0);
        monitor.receive(at(1), &Beacon { nonce: 7, ..Beacon::default() }.into(), &mut out);
        monitor.wake(at(100), &mut out);
        let said: Vec<Message> = out.drain().collect();
        assert!(matches!(&said[..], [Message::Help(signal)] if signal.header.unwrap().beacon == 7));
    }
}
