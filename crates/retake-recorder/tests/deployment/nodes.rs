//! A deployment of a scripted publisher, the recorder, and someone who listens to it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use retake_node::{Lockstep, Node, Outbox};
use retake_recorder::Recorder;
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    foxglove::CompressedImage,
    pb::{GroupTick, Observation, Phase, TickRecord, Watermark},
};

pub(crate) const fn seconds(count: u64) -> MonoTime {
    MonoTime::from_nanos(count * 1_000_000_000)
}

/// A tick with numbers that do not repeat.
pub(crate) fn tick(number: u64) -> Message {
    let values: Vec<f64> = (1..8_u64).map(|joint| ((number * joint) as f64 * 0.37).sin()).collect();
    let group = GroupTick {
        target: values.clone(),
        command: values.clone(),
        measured: values,
        ..GroupTick::default()
    };
    let episode = 1 + number / 500;
    let at_nanos = (number * 10_000_000).cast_signed();
    let groups = vec![group; 2];
    TickRecord {
        tick: number,
        at_nanos,
        episode,
        phase: Phase::Running.into(),
        groups,
        ..TickRecord::default()
    }
    .into()
}

pub(crate) fn frame(number: u64) -> Message {
    let data =
        (0..2_000_u64).map(|index| index.wrapping_mul(number).wrapping_mul(0x9E37_79B9).to_le_bytes()[3]);
    let (frame_id, format) = ("front".to_owned(), "jpeg".to_owned());
    CompressedImage { timestamp: None, frame_id, data: data.collect(), format }.into()
}

/// Publishes a tick and an observation each 10 ms, and sometimes a frame.
#[derive(Debug, Default)]
pub(crate) struct Script {
    sent: u64,
}

impl Node for Script {
    fn name(&self) -> &str {
        "script"
    }
    fn subscriptions(&self) -> &[Topic] {
        &[]
    }
    fn publications(&self) -> &[Topic] {
        &[Topic::Tick, Topic::Observation, Topic::Camera]
    }
    fn receive(&mut self, _: MonoTime, _: &Message, _: &mut Outbox) {}
    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.sent += 1;
        out.publish(tick(self.sent));
        out.publish(Observation { captured_nanos: now.wire_nanos(), ..Observation::default() });
        if self.sent.is_multiple_of(10) {
            out.publish(frame(self.sent));
        }
    }
    fn next_wake(&self) -> Option<MonoTime> {
        Some(MonoTime::ZERO + Duration::from_millis(10) * u32::try_from(self.sent + 1).unwrap_or(u32::MAX))
    }
}

/// What the recorder said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) watermarks: Vec<Watermark>,
    pub(crate) codes: Vec<String>,
}

struct Listener(Arc<Mutex<Heard>>);

impl Node for Listener {
    fn name(&self) -> &str {
        "listener"
    }
    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Watermark, Topic::Notice]
    }
    fn publications(&self) -> &[Topic] {
        &[]
    }
    fn receive(&mut self, _: MonoTime, message: &Message, _: &mut Outbox) {
        let mut heard = self.0.lock().unwrap();
        if let Message::Watermark(watermark) = message {
            heard.watermarks.push(watermark.clone());
        } else if let Message::Notice(notice) = message {
            heard.codes.push(notice.code.clone());
        }
    }
    fn wake(&mut self, _: MonoTime, _: &mut Outbox) {}
    fn next_wake(&self) -> Option<MonoTime> {
        None
    }
}

pub(crate) fn deployment(script: Script, recorder: Recorder) -> (Lockstep, Arc<Mutex<Heard>>) {
    let heard = Arc::new(Mutex::new(Heard::default()));
    let listener = Listener(Arc::clone(&heard));
    (Lockstep::new(vec![Box::new(script), Box::new(recorder), Box::new(listener)], MonoTime::ZERO), heard)
}
