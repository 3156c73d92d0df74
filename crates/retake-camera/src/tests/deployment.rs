//! The node among others, on a manual clock.

use std::sync::{Arc, Mutex};

use retake_node::{Lockstep, Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, Topic, foxglove, pb};

use crate::CameraNode;

const URDF: &str = include_str!("../../../../sim/robots/arm7.urdf");
const MILLI: u64 = 1_000_000;

fn descriptor() -> pb::RobotDescriptor {
    let camera = |name: &str, hz, link: &str| pb::Camera {
        name: name.into(),
        width: 32,
        height: 24,
        hz,
        fov_y: 1.0,
        link: link.into(),
        pose: Some(pb::Pose { z: 0.02, qw: 1.0, ..pb::Pose::default() }),
    };
    pb::RobotDescriptor {
        urdf: URDF.into(),
        cameras: vec![camera("front", 10.0, ""), camera("wrist", 25.0, "hand")],
        ..pb::RobotDescriptor::default()
    }
}

/// A robot that reports every 10 ms until it falls silent.
struct Robot {
    due: u64,
    silent_from: u64,
    descriptor: pb::RobotDescriptor,
}

impl Node for Robot {
    fn name(&self) -> &str {
        "robot"
    }
    fn subscriptions(&self) -> &[Topic] {
        &[]
    }
    fn publications(&self) -> &[Topic] {
        &[Topic::Descriptor, Topic::Observation]
    }
    fn receive(&mut self, _: MonoTime, _: &Message, _: &mut Outbox) {}
    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.due += 10 * MILLI;
        out.publish(self.descriptor.clone());
        if now.nanos() < self.silent_from {
            out.publish(pb::Observation { captured_nanos: now.wire_nanos(), ..pb::Observation::default() });
        }
    }
    fn next_wake(&self) -> Option<MonoTime> {
        Some(MonoTime::from_nanos(self.due))
    }
}

fn run(descriptor: pb::RobotDescriptor, silent_from: u64) -> Vec<(u64, Message)> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let robot = Robot { due: 0, silent_from, descriptor };
    let mut deployment =
        Lockstep::new(vec![Box::new(robot), Box::new(CameraNode::new())], MonoTime::from_nanos(0));
    let tap = Arc::clone(&seen);
    deployment.set_tap(move |now, from, message| {
        if from == "camera" {
            tap.lock().unwrap().push((now.nanos(), message.clone()));
        }
    });
    deployment.run_until(MonoTime::from_nanos(1000 * MILLI - 1)).unwrap();
    assert_eq!(deployment.refused(), 0);
    std::mem::take(&mut *seen.lock().unwrap())
}

fn frames<'a>(seen: &'a [(u64, Message)], name: &'a str) -> Vec<(u64, &'a foxglove::CompressedImage)> {
    let frame = |(at, message): &'a (u64, Message)| {
        let Message::Camera(image) = message else { return None };
        (image.frame_id == name).then_some((*at, image))
    };
    seen.iter().filter_map(frame).collect()
}

#[test]
fn each_camera_keeps_its_rate_and_carries_the_capture_time() {
    let seen = run(descriptor(), u64::MAX);
    for (name, count, period) in [("front", 10, 100), ("wrist", 25, 40)] {
        let frames = frames(&seen, name);
        assert_eq!(frames.len(), count, "{name}");
        for (index, (at, image)) in frames.iter().enumerate() {
            assert_eq!(*at, index as u64 * period * MILLI);
            let stamp = image.timestamp.as_ref().unwrap();
            assert_eq!(u64::try_from(stamp.seconds * 1_000_000_000 + i64::from(stamp.nanos)).unwrap(), *at);
            assert_eq!(image.format, "jpeg");
        }
    }
}

#[test]
fn frames_are_jpegs_of_the_size_asked_for() {
    let seen = run(descriptor(), 20 * MILLI);
    for (_, image) in frames(&seen, "wrist") {
        let mut decoder = jpeg_decoder::Decoder::new(image.data.as_slice());
        decoder.decode().unwrap();
        let info = decoder.info().unwrap();
        assert_eq!((info.width, info.height), (32, 24));
    }
}

#[test]
fn two_runs_give_the_same_bytes() {
    assert_eq!(run(descriptor(), u64::MAX), run(descriptor(), u64::MAX));
}

#[test]
fn a_silent_robot_gives_no_frames() {
    let seen = run(descriptor(), 200 * MILLI);
    assert!(seen.iter().all(|(at, _)| *at <= 300 * MILLI));
    assert_eq!(frames(&seen, "front").len(), 3, "at 0 and 100 ms, and at 200 ms what came at 190 ms");
}

#[test]
fn a_descriptor_that_cannot_be_drawn_is_reported_once() {
    let mut broken = descriptor();
    broken.cameras[1].link = "elbow".into();
    let seen = run(broken, u64::MAX);
    let [(_, Message::Notice(notice))] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(
        notice.text,
        "camera \"wrist\" is fixed to link \"elbow\", which the kinematic model does not have"
    );
}
