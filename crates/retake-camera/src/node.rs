//! The cameras as a node.

use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, Topic, pb};

use crate::rig::Rig;

/// Renders each camera of the descriptor at its own rate from the newest observation.
///
/// It renders inside [`Node::wake`], so in real time it wants a thread of its own. When it is late it skips frames, and
/// it publishes no frame twice: without a new observation there is no new frame.
#[derive(Debug, Default)]
pub struct CameraNode {
    rig: Option<Rig>,
    /// The last descriptor that could not be drawn, so that its repetition is not reported again.
    refused: Option<pb::RobotDescriptor>,
}

impl CameraNode {
    /// Name in launch files, logs and notices.
    pub const NAME: &str = "camera";

    /// Cameras that wait for a descriptor.
    pub fn new() -> Self {
        Self::default()
    }

    fn describe(&mut self, now: MonoTime, descriptor: &pb::RobotDescriptor, out: &mut Outbox) {
        let known = self.rig.as_ref().is_some_and(|rig| rig.is_for(descriptor));
        if known || self.refused.as_ref() == Some(descriptor) {
            return;
        }
        match Rig::new(descriptor, now) {
            Ok(rig) => (self.rig, self.refused) = (Some(rig), None),
            Err(error) => {
                (self.rig, self.refused) = (None, Some(descriptor.clone()));
                out.publish(notice("camera-descriptor", error.to_string()));
            }
        }
    }
}

fn notice(code: &str, text: String) -> pb::Notice {
    pb::Notice { tick: 0, code: code.into(), text, source: CameraNode::NAME.into() }
}

impl Node for CameraNode {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Descriptor, Topic::Observation]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Camera, Topic::Notice]
    }

    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        if let Message::Descriptor(descriptor) = message {
            self.describe(now, descriptor, out);
        } else if let (Message::Observation(observation), Some(rig)) = (message, &mut self.rig) {
            rig.observe(observation);
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        for frame in self.rig.iter_mut().flat_map(|rig| rig.shoot(now)) {
            match frame {
                Ok(image) => out.publish(image),
                Err(error) => out.publish(notice("camera-frame", error.to_string())),
            }
        }
    }

    fn next_wake(&self) -> Option<MonoTime> {
        self.rig.as_ref()?.next_due()
    }
}
