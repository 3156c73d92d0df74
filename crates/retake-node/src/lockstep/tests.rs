use std::sync::{Arc, Mutex};

use retake_wire::pb::{Beacon, Watermark};

use super::*;

/// Milliseconds and numbers of the beacons heard.
type Heard = Arc<Mutex<Vec<(u64, u64)>>>;

const PERIOD: Duration = Duration::from_millis(10);

/// Publishes a beacon each period.
struct Ticker {
    next: MonoTime,
    sent: u64,
}

impl Node for Ticker {
    fn name(&self) -> &str {
        "ticker"
    }
    fn subscriptions(&self) -> &[Topic] {
        &[]
    }
    fn publications(&self) -> &[Topic] {
        &[Topic::Beacon]
    }
    fn receive(&mut self, _: MonoTime, _: &Message, _: &mut Outbox) {}
    fn wake(&mut self, _: MonoTime, out: &mut Outbox) {
        self.sent += 1;
        self.next = self.next + PERIOD;
        out.publish(Beacon { tick: self.sent, ..Beacon::default() });
        out.publish(Watermark::default());
    }
    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}

/// Writes down the beacons it hears.
struct Listener(Heard);

impl Node for Listener {
    fn name(&self) -> &str {
        "listener"
    }
    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Beacon]
    }
    fn publications(&self) -> &[Topic] {
        &[]
    }
    fn receive(&mut self, now: MonoTime, message: &Message, _: &mut Outbox) {
        if let Message::Beacon(beacon) = message {
            self.0.lock().unwrap().push((now.nanos() / 1_000_000, beacon.tick));
        }
    }
    fn wake(&mut self, _: MonoTime, _: &mut Outbox) {}
    fn next_wake(&self) -> Option<MonoTime> {
        None
    }
}

fn deployment() -> (Lockstep, Heard) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let nodes: Vec<Box<dyn Node>> =
        vec![Box::new(Ticker { next: MonoTime::ZERO, sent: 0 }), Box::new(Listener(Arc::clone(&heard)))];
    (Lockstep::new(nodes, MonoTime::ZERO), heard)
}

fn run(link: impl FnMut(MonoTime, &Message, &str) -> Fate + Send + 'static) -> Vec<(u64, u64)> {
    let (mut lockstep, heard) = deployment();
    lockstep.set_link(link);
    lockstep.run_until(MonoTime::from_nanos(30_000_000)).unwrap();
    drop(lockstep);
    Arc::into_inner(heard).unwrap().into_inner().unwrap()
}

#[test]
fn messages_arrive_at_the_instant_they_were_sent() {
    assert_eq!(run(|_, _, _| Fate::Deliver), [(0, 1), (10, 2), (20, 3), (30, 4)]);
}

#[test]
fn the_link_loses_delays_and_repeats() {
    assert_eq!(run(|_, _, _| Fate::Lose), []);
    let late = Duration::from_millis(15);
    assert_eq!(run(move |_, _, _| Fate::Delay(late)), [(15, 1), (25, 2)]);
    let twice = run(move |_, _, _| Fate::Repeat(late));
    assert_eq!(twice, [(0, 1), (10, 2), (15, 1), (20, 3), (25, 2), (30, 4)]);
}

#[test]
fn undeclared_topics_are_refused_and_counted() {
    let (mut lockstep, _) = deployment();
    lockstep.run_until(MonoTime::from_nanos(30_000_000)).unwrap();
    assert_eq!(lockstep.refused(), 4);
}

#[test]
fn a_killed_node_says_no_more() {
    let (mut lockstep, heard) = deployment();
    lockstep.run_until(MonoTime::from_nanos(10_000_000)).unwrap();
    lockstep.kill("ticker");
    assert_eq!(
        lockstep.run_until(MonoTime::from_nanos(99_000_000)),
        Err(Stuck::Silence { at: MonoTime::from_nanos(10_000_000) })
    );
    assert_eq!(heard.lock().unwrap().len(), 2);
}
