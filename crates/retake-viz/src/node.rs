//! The view as a node.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, Topic};

use crate::{
    Viz, VizError,
    logger::Logger,
    queue::{Queue, Taken},
};

/// Feeds a view from a running deployment. It hands everything to a thread of its own and drops what that cannot take.
#[derive(Debug)]
pub struct VizNode {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
    viz: Viz,
}

impl VizNode {
    /// Name in launch files, logs and notices.
    pub const NAME: &str = "viz";

    /// Starts logging to `viz`, which stays open as long as the node lives.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn new(mut viz: Viz) -> Result<Self, VizError> {
        let queue = Arc::new(Queue::default());
        let logger = viz.logger.take().unwrap_or_else(|| Logger::new(viz.stream.clone()));
        let source = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name(Self::NAME.into())
            .spawn(move || drain(&source, logger))
            .map_err(VizError::Thread)?;
        Ok(Self { queue, thread: Some(thread), viz })
    }

    /// What to open in a browser; only the web view has one.
    pub fn address(&self) -> Option<&str> {
        self.viz.address()
    }

    fn close(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take() {
            // Whatever happened to the view must not take the deployment with it.
            let _ = thread.join();
        }
    }
}

fn drain(queue: &Queue, mut logger: Logger) {
    while let Taken::Some(messages, dropped) = queue.take() {
        if dropped > 0 {
            logger.dropped(dropped);
        }
        for (at, message) in messages {
            logger.log(at, &message);
        }
    }
}

impl Node for VizNode {
    fn name(&self) -> &str {
        Self::NAME
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

    fn receive(&mut self, now: MonoTime, message: &Message, _: &mut Outbox) {
        self.queue.push(now, message);
    }

    fn wake(&mut self, _: MonoTime, _: &mut Outbox) {}

    fn next_wake(&self) -> Option<MonoTime> {
        None
    }

    fn dropped(&mut self, _: MonoTime, count: u64) {
        self.queue.lost(count);
    }

    fn finish(&mut self, _: MonoTime, _: &mut Outbox) {
        self.close();
        let _ = self.viz.flush();
    }
}

impl Drop for VizNode {
    fn drop(&mut self) {
        self.close();
    }
}
