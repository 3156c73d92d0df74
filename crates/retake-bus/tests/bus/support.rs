//! Nodes that talk and listen, for tests.

use std::{
    sync::mpsc::{self, Receiver, SyncSender},
    time::Duration,
};

use retake_bus::Clock;
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, RobotId, Topic, pb};
use zenoh::Wait as _;

pub(crate) const ROBOT: &str = "arm_1";
const PERIOD: Duration = Duration::from_millis(10);

pub(crate) fn robot() -> RobotId {
    ROBOT.parse().unwrap()
}

/// Publishes a tick, a command and a beacon at 100 Hz, `count` times; its last words are one more tick.
pub(crate) struct Pacer {
    name: String,
    count: u64,
    sent: u64,
    pub(crate) next: Option<MonoTime>,
    pub(crate) padding: usize,
    pub(crate) declared: Vec<Topic>,
    pub(crate) panic_at: Option<u64>,
    pub(crate) end_deployment: bool,
}

impl Pacer {
    pub(crate) fn new(name: &str, count: u64) -> Self {
        Self {
            name: name.into(),
            count,
            sent: 0,
            next: Some(Clock::System.now() + PERIOD),
            padding: 0,
            declared: vec![Topic::Tick, Topic::Command, Topic::Beacon],
            panic_at: None,
            end_deployment: true,
        }
    }

    fn say(&self, out: &mut Outbox) {
        let padding = "x".repeat(self.padding);
        out.publish(pb::TickRecord { tick: self.sent, policy_version: padding, ..Default::default() });
    }
}

impl Node for Pacer {
    fn name(&self) -> &str {
        &self.name
    }
    fn subscriptions(&self) -> &[Topic] {
        &[]
    }
    fn publications(&self) -> &[Topic] {
        &self.declared
    }
    fn receive(&mut self, _: MonoTime, _: &Message, _: &mut Outbox) {}
    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        assert_ne!(self.panic_at, Some(self.sent), "asked to panic");
        self.say(out);
        let position = vec![pb::GroupValues { values: vec![0.5; self.padding / 8] }];
        let header = Some(pb::Header { seq: self.sent, ..Default::default() });
        out.publish(pb::Command { header, position, ..Default::default() });
        out.publish(pb::Beacon { nonce: self.sent, ..Default::default() });
        self.sent += 1;
        self.next = (self.sent < self.count).then_some(now + PERIOD);
        if self.next.is_none() && self.end_deployment {
            out.finish_deployment();
        }
    }
    fn next_wake(&self) -> Option<MonoTime> {
        self.next
    }
    fn finish(&mut self, _: MonoTime, out: &mut Outbox) {
        self.say(out);
    }
}

/// Hands on all it hears; can block its thread once, at the first message.
pub(crate) struct Listener {
    name: String,
    topics: Vec<Topic>,
    heard: SyncSender<Message>,
    pub(crate) block_once: Option<Duration>,
}

impl Listener {
    pub(crate) fn new(name: &str, topics: &[Topic]) -> (Self, Receiver<Message>) {
        let (heard, receiver) = mpsc::sync_channel(10_000);
        (Self { name: name.into(), topics: topics.to_vec(), heard, block_once: None }, receiver)
    }
}

impl Node for Listener {
    fn name(&self) -> &str {
        &self.name
    }
    fn subscriptions(&self) -> &[Topic] {
        &self.topics
    }
    fn publications(&self) -> &[Topic] {
        &[]
    }
    fn receive(&mut self, _: MonoTime, message: &Message, _: &mut Outbox) {
        if let Some(span) = self.block_once.take() {
            pause(span);
        }
        self.heard.try_send(message.clone()).unwrap();
    }
    fn wake(&mut self, _: MonoTime, _: &mut Outbox) {}
    fn next_wake(&self) -> Option<MonoTime> {
        None
    }
}

pub(crate) fn pause(span: Duration) {
    let (_sender, receiver) = mpsc::sync_channel::<()>(0);
    let _ = receiver.recv_timeout(span);
}

/// Waits generously: the machine may be busy.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Clock::System.now() + Duration::from_secs(40);
    while !done() {
        assert!(Clock::System.now() < deadline, "not in time: {what}");
        pause(Duration::from_millis(5));
    }
}

pub(crate) fn tick(message: &Message) -> Option<u64> {
    if let Message::Tick(tick) = message { Some(tick.tick) } else { None }
}

pub(crate) fn beacon(message: &Message) -> Option<u64> {
    if let Message::Beacon(beacon) = message { Some(beacon.nonce) } else { None }
}

pub(crate) fn command(message: &Message) -> Option<u64> {
    if let Message::Command(command) = message {
        command.header.as_ref().map(|header| header.seq)
    } else {
        None
    }
}

pub(crate) fn notice(message: &Message) -> Option<&pb::Notice> {
    if let Message::Notice(notice) = message { Some(notice) } else { None }
}

/// A zenoh session that is not ours, as an attacker or another language would open it.
pub(crate) fn raw_session(connect: &str) -> zenoh::Session {
    let mut config = zenoh::Config::default();
    for (key, value) in [
        ("scouting/multicast/enabled", "false".to_owned()),
        ("listen/endpoints", "[]".to_owned()),
        ("connect/endpoints", format!("[{connect:?}]")),
    ] {
        config.insert_json5(key, &value).unwrap();
    }
    zenoh::open(config).wait().unwrap()
}

pub(crate) fn put(session: &zenoh::Session, key: &str, bytes: Vec<u8>) {
    session.put(key, bytes).wait().unwrap();
}
