//! A node that was kept from running.

use std::{sync::mpsc, time::Duration};

use retake_bus::{AttachedNode, Bus, Clock, Endpoints, StopFlag, free_endpoint};
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, Topic};

use crate::support::{self, ROBOT, pause, robot, wait_until};

/// Stands still at its first message until told to go on; says what time it was told with each.
struct Sleeper {
    go_on: mpsc::Receiver<()>,
    told: mpsc::SyncSender<MonoTime>,
    slept: bool,
}

impl Node for Sleeper {
    fn name(&self) -> &str {
        "driver"
    }
    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Input]
    }
    fn publications(&self) -> &[Topic] {
        &[]
    }
    fn receive(&mut self, now: MonoTime, _: &Message, _: &mut Outbox) {
        self.told.send(now).unwrap();
        if !std::mem::replace(&mut self.slept, true) {
            self.go_on.recv().unwrap();
        }
    }
    fn wake(&mut self, _: MonoTime, _: &mut Outbox) {}
    fn next_wake(&self) -> Option<MonoTime> {
        None
    }
}

#[test]
fn what_lay_in_the_mailbox_has_aged_there() {
    let (go, go_on) = mpsc::sync_channel(1);
    let (told, times) = mpsc::sync_channel(100);
    let listen = free_endpoint().unwrap();
    let endpoints = Endpoints { listen: vec![listen.clone()], ..Endpoints::default() };
    let bus = Bus::open("driver", &robot(), &endpoints).unwrap();
    let (clock, stop) = (Clock::manual(MonoTime::from_nanos(1)), StopFlag::default());
    let node = Box::new(Sleeper { go_on, told, slept: false });
    let thread = AttachedNode::open(node, bus, clock.clone()).unwrap().spawn(&stop, &stop).unwrap();
    let sender = support::raw_session(&listen);
    let key = format!("retake/v1/{ROBOT}/operator/input");
    let mut first = None;
    wait_until("the first message arrives", || {
        support::put(&sender, &key, Vec::new());
        first = times.try_recv().ok();
        first.is_some()
    });
    assert_eq!(first, Some(MonoTime::from_nanos(1)));
    support::put(&sender, &key, Vec::new());
    pause(Duration::from_millis(300));
    let later = MonoTime::from_nanos(500_000_000);
    clock.advance_to(later);
    go.send(()).unwrap();
    assert_eq!(times.recv_timeout(Duration::from_secs(20)), Ok(later), "half a second old, not new");
    stop.set();
    thread.join().unwrap();
}
