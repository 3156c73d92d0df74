//! At the driver: what was let through to the actuators, whatever the gate thinks of it.

use std::{collections::BTreeMap, time::Duration};

use retake_units::MonoTime;
use retake_wire::pb::{Applied, Command, Outcome, RobotDescriptor};

/// The driver's own watchdog on the intervention node, and the greatest age of a command.
const WATCHDOG: Duration = Duration::from_millis(50);
const COMMAND_AGE: Duration = Duration::from_millis(100);

#[derive(Debug, Default)]
pub(super) struct Judge {
    robot: RobotDescriptor,
    nonces: Vec<(u64, MonoTime)>,
    /// Newest epoch applied, whose command that was, and the newest number of each sender.
    epoch: u64,
    sender: Option<u64>,
    numbers: BTreeMap<u64, u64>,
    last: Option<MonoTime>,
    pub(super) applied: u64,
    pub(super) refused: u64,
    pub(super) wrong: Option<String>,
}

impl Judge {
    pub(super) fn begin(&mut self, robot: &RobotDescriptor) {
        self.robot = robot.clone();
    }

    pub(super) fn issued(&mut self, nonce: u64, now: MonoTime) {
        self.nonces.push((nonce, now));
    }

    /// Judges what a command did to the set-point.
    pub(super) fn offered(
        &mut self,
        command: &Command,
        applied: &Applied,
        (before, after): (&[Vec<f64>], &[Vec<f64>]),
        now: MonoTime,
    ) {
        let done = if applied.outcome() == Outcome::Applied {
            self.applied += 1;
            self.let_through(command, before, after, now)
        } else {
            self.refused += 1;
            if before == after { Ok(()) } else { Err("a refused command moved the set-point".into()) }
        };
        if let Err(what) = done
            && self.wrong.is_none()
        {
            self.wrong = Some(format!("at the driver, {} ns: {what}; {:?}", now.nanos(), command.header));
        }
    }

    fn let_through(
        &mut self,
        command: &Command,
        before: &[Vec<f64>],
        after: &[Vec<f64>],
        now: MonoTime,
    ) -> Result<(), String> {
        let header = command.header.ok_or("a command without a header was applied")?;
        if header.epoch < self.epoch {
            return Err(format!(
                "a command of epoch {} was applied after one of {}",
                header.epoch, self.epoch
            ));
        }
        let silent = self.last.is_none_or(|last| now.since(last) >= WATCHDOG);
        if self.sender.replace(header.session) != Some(header.session) && !(silent && command.stop) {
            return Err("another sender was heard, though one was, or did not begin with a stop".into());
        }
        if self.numbers.insert(header.session, header.seq).is_some_and(|newest| header.seq <= newest) {
            return Err("a command was applied that is no newer than one before it".into());
        }
        let issued = self.nonces.iter().rev().find(|(nonce, _)| *nonce == command.driver_beacon);
        if issued.is_none_or(|(_, at)| now.since(*at) > COMMAND_AGE) {
            return Err("a command was applied that answers to nothing the driver said lately".into());
        }
        if self.last.is_some() && silent && header.epoch == self.epoch {
            return Err("after the watchdog's time a command of the same epoch was applied".into());
        }
        let period = Duration::from_secs_f64(1.0 / self.robot.control_hz);
        let seconds = (self.last.map_or(period, |last| now.since(last)) + period).as_secs_f64();
        self.moved(before, after, seconds)?;
        (self.epoch, self.last) = (header.epoch, Some(now));
        Ok(())
    }

    fn moved(&self, before: &[Vec<f64>], after: &[Vec<f64>], seconds: f64) -> Result<(), String> {
        for (group, (before, after)) in self.robot.groups.iter().zip(before.iter().zip(after)) {
            for (index, (was, is)) in before.iter().zip(after).enumerate() {
                let inside = *is >= group.lower[index] - 1e-6 && *is <= group.upper[index] + 1e-6;
                if !is.is_finite() || !inside {
                    return Err(format!("{}[{index}] is sent to {is}", group.name));
                }
                if (is - was).abs() > group.velocity[index] * seconds + 1e-9 {
                    return Err(format!("{}[{index}] jumps by {}", group.name, is - was));
                }
            }
        }
        Ok(())
    }
}
