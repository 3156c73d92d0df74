use std::time::Duration;

use retake_units::MonoTime;
use retake_wire::pb::{Applied, Command, GroupValues, Outcome, RobotDescriptor};

/// Limits of one group's values.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupLimits {
    /// Smallest positions.
    pub lower: Vec<f64>,
    /// Largest positions.
    pub upper: Vec<f64>,
    /// Largest speeds, per second.
    pub velocity: Vec<f64>,
}

/// What the gate depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct GateConfig {
    /// Limits per group, in the descriptor's order.
    pub groups: Vec<GroupLimits>,
    /// Without an accepted command for this long, the driver stops.
    pub watchdog: Duration,
    /// A command that echoes a nonce older than this is stale.
    pub command_age: Duration,
    /// The arbiter's period.
    pub period: Duration,
}

impl GateConfig {
    /// The descriptor's limits, a 50 ms watchdog (or two and a half periods, where that is longer), commands of up to 100 ms.
    pub fn from_descriptor(descriptor: &RobotDescriptor) -> Self {
        let period = Duration::from_secs_f64(1.0 / descriptor.control_hz);
        let groups = descriptor.groups.iter().map(|group| GroupLimits {
            lower: group.lower.clone(),
            upper: group.upper.clone(),
            velocity: group.velocity.clone(),
        });
        Self {
            groups: groups.collect(),
            watchdog: Duration::from_millis(50).max(period.mul_f64(2.5)),
            command_age: Duration::from_millis(100).max(period * 4),
            period,
        }
    }
}

/// Nonces remembered; at one per period this covers far more than the age allowed.
const NONCES: usize = 64;
/// A command may be this much further from the last set-point than its speed limit says: arrival times jitter.
const SPEED_SLACK: f64 = 1.25;
/// After a gap, the set-point may catch up for at most this many periods at once.
const CATCH_UP_PERIODS: f64 = 3.0;
/// Rounding in positions that sit on their limits, radians or metres.
const RANGE_SLACK: f64 = 1e-6;

/// The gate. State changes only by the calls below.
#[derive(Clone, Debug)]
pub struct Gate {
    config: GateConfig,
    set_point: Vec<Vec<f64>>,
    epoch: u64,
    /// The sender that is heard; none before the first command.
    session: Option<u64>,
    seq: u64,
    tick: u64,
    accepted_at: Option<MonoTime>,
    tripped: bool,
    refused: u64,
    nonces: [(u64, MonoTime); NONCES],
    next_nonce: usize,
}

impl Gate {
    /// A gate that holds `set_point` and has accepted nothing yet. Its watchdog starts with the first command.
    pub fn new(config: GateConfig, set_point: Vec<Vec<f64>>) -> Self {
        Self {
            config,
            set_point,
            epoch: 0,
            session: None,
            seq: 0,
            tick: 0,
            accepted_at: None,
            tripped: false,
            refused: 0,
            nonces: [(0, MonoTime::ZERO); NONCES],
            next_nonce: 0,
        }
    }

    /// Positions the actuators should be at.
    pub fn set_point(&self) -> &[Vec<f64>] {
        &self.set_point
    }

    /// The gate stopped by itself and waits for a higher epoch.
    pub const fn tripped(&self) -> bool {
        self.tripped
    }

    /// The driver published `nonce` at `now`: commands that echo it are as old as that.
    pub const fn issue(&mut self, nonce: u64, now: MonoTime) {
        self.nonces[self.next_nonce] = (nonce, now);
        self.next_nonce = (self.next_nonce + 1) % NONCES;
    }

    /// The robot was put to rest at `set_point` by other means: a simulator's reset. Says where the set-point is now.
    pub fn rest_at(&mut self, set_point: Vec<Vec<f64>>, now: MonoTime) -> Applied {
        self.set_point = set_point;
        self.report(Outcome::Applied, now)
    }

    /// When [`Self::watch`] must be called at the latest.
    pub fn deadline(&self) -> Option<MonoTime> {
        self.accepted_at.filter(|_| !self.tripped).map(|at| at + self.config.watchdog)
    }

    /// Stops, and says so once, if commands have stopped.
    pub fn watch(&mut self, now: MonoTime) -> Option<Applied> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        self.tripped = true;
        Some(self.report(Outcome::Watchdog, now))
    }

    /// Lets a command through, or says why not. Refused commands change nothing but counters.
    pub fn offer(&mut self, command: &Command, now: MonoTime) -> Applied {
        let tripped_now = self.watch(now);
        match self.check(command, now) {
            Ok(()) => self.accept(command, now),
            Err(outcome) => {
                self.refused += 1;
                let outcome = if tripped_now.is_some() { Outcome::Watchdog } else { outcome };
                Applied {
                    tick: command.tick,
                    seq: command.header.unwrap_or_default().seq,
                    ..self.report(outcome, now)
                }
            }
        }
    }

    fn check(&self, command: &Command, now: MonoTime) -> Result<(), Outcome> {
        let header = command.header.ok_or(Outcome::Malformed)?;
        if header.epoch < self.epoch {
            return Err(Outcome::OldEpoch);
        }
        // Whoever is heard is the arbiter, whatever epoch a rival names: another is listened to when this one has fallen silent, and
        // begins with a stop, because only the driver knows where it holds.
        let heard = self.session == Some(header.session);
        if !heard && (self.deadline().is_some() || !command.stop) {
            return Err(Outcome::OtherSender);
        }
        // It holds still, and where: only who has heard of it, and says so by a stop of a higher epoch, may go on from there. What
        // was under way knows of a higher epoch perhaps, but not of the stop, and would be a step.
        if self.tripped && (header.epoch == self.epoch || !command.stop) {
            return Err(Outcome::Tripped);
        }
        if heard && header.seq <= self.seq {
            return Err(Outcome::OldSequence);
        }
        let issued = self.nonces.iter().find(|(nonce, _)| *nonce == command.driver_beacon && *nonce != 0);
        if issued.is_none_or(|(_, at)| now.since(*at) > self.config.command_age) {
            return Err(Outcome::Stale);
        }
        if command.stop { Ok(()) } else { self.check_position(&command.position, now) }
    }

    fn check_position(&self, position: &[GroupValues], now: MonoTime) -> Result<(), Outcome> {
        if position.len() != self.config.groups.len() {
            return Err(Outcome::Malformed);
        }
        let period = self.config.period.as_secs_f64();
        let waited = self.accepted_at.map_or(period, |at| now.since(at).as_secs_f64());
        let seconds = waited.clamp(period, CATCH_UP_PERIODS * period) * SPEED_SLACK;
        for ((group, limits), last) in position.iter().zip(&self.config.groups).zip(&self.set_point) {
            if group.values.len() != last.len() {
                return Err(Outcome::Malformed);
            }
            for (index, (value, last)) in group.values.iter().zip(last).enumerate() {
                let at = |limits: &[f64]| limits.get(index).copied().unwrap_or(0.0);
                if !value.is_finite() {
                    return Err(Outcome::NotFinite);
                }
                if *value < at(&limits.lower) - RANGE_SLACK || *value > at(&limits.upper) + RANGE_SLACK {
                    return Err(Outcome::OutOfRange);
                }
                if (value - last).abs() > at(&limits.velocity) * seconds {
                    return Err(Outcome::TooFast);
                }
            }
        }
        Ok(())
    }

    fn accept(&mut self, command: &Command, now: MonoTime) -> Applied {
        let header = command.header.unwrap_or_default();
        (self.epoch, self.session, self.seq) = (header.epoch, Some(header.session), header.seq);
        (self.tick, self.tripped, self.accepted_at) = (command.tick, false, Some(now));
        if !command.stop {
            for (set_point, group) in self.set_point.iter_mut().zip(&command.position) {
                set_point.clone_from(&group.values);
            }
        }
        self.report(Outcome::Applied, now)
    }

    fn report(&self, outcome: Outcome, now: MonoTime) -> Applied {
        Applied {
            tick: self.tick,
            epoch: self.epoch,
            seq: self.seq,
            outcome: outcome.into(),
            position: self.set_point.iter().map(|values| GroupValues { values: values.clone() }).collect(),
            at_nanos: now.wire_nanos(),
            refused: self.refused,
            tripped: self.tripped,
        }
    }
}
