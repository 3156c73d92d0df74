use std::time::Duration;

use retake_bus::Clock;
use retake_gate::{Gate, GateConfig};
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{GroupValues, Header, Observation, Pose, RobotDescriptor},
};

use super::{Commanded, Notebook};

/// A robot that is always where it was told to be, behind the same gate as every driver.
pub(crate) struct Driver {
    descriptor: RobotDescriptor,
    home: Vec<Vec<f64>>,
    gate: Gate,
    period: Duration,
    next: MonoTime,
    describe_at: MonoTime,
    seq: u64,
    resets: u64,
    notes: Notebook,
}

const DESCRIBE_AGAIN: Duration = Duration::from_millis(500);
const SESSION: u64 = 0x03;

impl Driver {
    pub(crate) fn new(
        descriptor: RobotDescriptor,
        home: Vec<Vec<f64>>,
        start: MonoTime,
        notes: Notebook,
    ) -> Self {
        let gate = Gate::new(GateConfig::from_descriptor(&descriptor), home.clone());
        let period = Duration::from_secs_f64(1.0 / descriptor.control_hz);
        Self { descriptor, home, gate, period, next: start, describe_at: start, seq: 0, resets: 0, notes }
    }

    fn observation(&mut self, now: MonoTime) -> Observation {
        self.gate.issue(self.seq, now);
        let group = |values: &Vec<f64>| GroupValues { values: values.clone() };
        Observation {
            header: Some(Header { seq: self.seq, session: SESSION, ..Header::default() }),
            captured_nanos: now.wire_nanos(),
            position: self.gate.set_point().iter().map(group).collect(),
            tool: Some(Pose { x: 0.45, z: 0.3, qw: 1.0, ..Pose::default() }),
            driver_beacon: self.seq,
            resets: self.resets,
            ..Observation::default()
        }
    }
}

impl Node for Driver {
    fn name(&self) -> &'static str {
        "driver"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Command, Topic::Reset]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Descriptor, Topic::Observation, Topic::Applied]
    }

    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        // The clock at the moment the driver acts, so that the mailbox and the thread's waking are in the figure.
        let acted = Clock::System.now();
        if let Message::Command(command) = message {
            out.publish(self.gate.offer(command, now));
            let mut notes = self.notes.open();
            notes.commands.insert(command.tick, Commanded { received: now, acted });
            // Most commands have one size; those of a robot at rest are shorter.
            notes.bytes.1 = notes.bytes.1.max(message.encode().len());
        } else if let Message::Reset(reset) = message
            && reset.resets > self.resets
        {
            self.resets = reset.resets;
            out.publish(self.gate.rest_at(self.home.clone(), now));
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.next = (self.next + self.period).max(now);
        if now >= self.describe_at {
            self.describe_at = now + DESCRIBE_AGAIN;
            out.publish(self.descriptor.clone());
        }
        self.seq += 1;
        if let Some(applied) = self.gate.watch(now) {
            out.publish(applied);
        }
        out.publish(self.observation(now));
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}
