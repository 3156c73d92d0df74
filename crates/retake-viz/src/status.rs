//! The health of the deployment: prompts, timing, and how far the disk is behind.

use rerun::{Scalars, TextLog};
use retake_wire::pb;

use crate::{events::EVENTS, logger::Sink};

/// Root of the health plots.
pub(crate) const HEALTH: &str = "health";

/// What was last said, so that only changes become events.
#[derive(Debug, Default)]
pub(crate) struct StatusLog {
    prompt: String,
    fault: String,
    tick: u64,
}

impl StatusLog {
    pub(crate) const fn set_tick(&mut self, tick: u64) {
        self.tick = tick;
    }

    pub(crate) fn status(&mut self, sink: &mut Sink, status: &pb::Status) {
        for (name, micros) in
            [("lateness_p99_us", status.jitter_p99_us), ("lateness_max_us", status.jitter_max_us)]
        {
            sink.log(&format!("{HEALTH}/{name}"), &Scalars::single(f64::from(micros)));
        }
        if status.prompt != self.prompt {
            self.prompt.clone_from(&status.prompt);
            if !status.prompt.is_empty() {
                let text = TextLog::new(status.prompt.as_str()).with_level("INFO");
                sink.log(&format!("{EVENTS}/prompt"), &text);
            }
        }
    }

    pub(crate) fn watermark(&mut self, sink: &mut Sink, watermark: &pb::Watermark) {
        let behind = self.tick.saturating_sub(watermark.tick);
        sink.log(&format!("{HEALTH}/ticks_not_on_disk"), &Scalars::single(behind as f64));
        if watermark.error != self.fault {
            self.fault.clone_from(&watermark.error);
            if !watermark.error.is_empty() {
                let text = format!("recorder: {}", watermark.error);
                sink.log(&format!("{EVENTS}/recorder"), &TextLog::new(text).with_level("ERROR"));
            }
        }
    }
}
