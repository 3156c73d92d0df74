use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, Topic};
use tempfile::TempDir;

/// Who watches.
pub(crate) const WHAT: &str = "a stand-in that receives and decodes what the view's node subscribes to, and logs nothing \
     (`--features viewer` has the view's own node, and builds Rerun)";

/// A node that subscribes to the same topics as the view's.
#[expect(clippy::unnecessary_wraps, reason = "the view's own node may fail to start")]
pub(crate) fn node(_: &TempDir) -> anyhow::Result<Box<dyn Node>> {
    Ok(Box::new(Watcher))
}

struct Watcher;

impl Node for Watcher {
    fn name(&self) -> &'static str {
        "viz"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[
            Topic::Descriptor,
            Topic::Observation,
            Topic::Camera,
            Topic::Tick,
            Topic::Segment,
            Topic::Episode,
            Topic::Status,
            Topic::Notice,
            Topic::Watermark,
        ]
    }

    fn publications(&self) -> &[Topic] {
        &[]
    }

    fn receive(&mut self, _: MonoTime, _: &Message, _: &mut Outbox) {}

    fn wake(&mut self, _: MonoTime, _: &mut Outbox) {}

    fn next_wake(&self) -> Option<MonoTime> {
        None
    }
}
