//! Floors of two hops: raw TCP, and zenoh without anything of ours on the way.

use std::{
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use anyhow::Context as _;
use retake_bus::{Bus, Clock, Endpoints, free_endpoint};
use retake_units::MonoTime;
use retake_wire::{RobotId, Topic};

use crate::{
    pace::{exact_timers, sleep_until},
    stats::Spans,
};

/// Bytes of a message on each hop, as many as the real messages have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) first: usize,
    pub(crate) second: usize,
}

/// What two hops took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Floor {
    /// From the time a message was to be sent.
    pub(crate) from_due: Spans,
    /// From the moment its sending began.
    pub(crate) from_sent: Spans,
}

/// When a message was to be sent and when its sending began; the first bytes of each message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    due: MonoTime,
    sent: MonoTime,
}

const STAMP: usize = 16;
/// The first messages find cold caches and are not counted.
const WARM_UP: usize = 20;
/// How long the way through zenoh may take to open.
const PATIENCE: Duration = Duration::from_secs(10);

impl Stamp {
    fn write(self, message: &mut [u8]) {
        let nanos = [self.due, self.sent].map(|time| time.nanos().to_le_bytes());
        for (to, from) in message.iter_mut().zip(nanos.as_flattened()) {
            *to = *from;
        }
    }

    fn read(message: &[u8]) -> Self {
        let (words, _) = message.as_chunks::<8>();
        let time = |word: usize| words.get(word).map_or(0, |word| u64::from_le_bytes(*word));
        Self { due: MonoTime::from_nanos(time(0)), sent: MonoTime::from_nanos(time(1)) }
    }
}

fn copy_stamp(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from).take(STAMP) {
        *to = *from;
    }
}

impl Floor {
    fn of(arrivals: impl IntoIterator<Item = (Stamp, MonoTime)>) -> Self {
        let (due, sent) = arrivals
            .into_iter()
            .skip(WARM_UP)
            .map(|(stamp, at)| (at.since(stamp.due), at.since(stamp.sent)))
            .unzip();
        Self { from_due: Spans::new(due), from_sent: Spans::new(sent) }
    }
}

/// Sends one message each `period`, at absolute times, by a thread that sleeps in between.
fn paced(count: usize, period: Duration, mut send: impl FnMut(Stamp) -> io::Result<()>) -> io::Result<()> {
    exact_timers();
    let mut due = Clock::System.now();
    for _ in 0..count + WARM_UP {
        due = due + period;
        sleep_until(due);
        send(Stamp { due, sent: Clock::System.now() })?;
    }
    Ok(())
}

/// Sends one message each `period` through a relay to a reader: three threads and two connections over loopback. Relay and
/// reader sleep in `read` and are woken by the kernel when a message is there.
pub(crate) fn tcp(sizes: Sizes, count: usize, period: Duration) -> anyhow::Result<Floor> {
    let ((mut source, mut relay_in), (mut relay_out, mut sink)) = (connection()?, connection()?);
    let relay = thread::spawn(move || -> io::Result<()> {
        let (mut message, mut answer) = (vec![0; sizes.first], vec![0; sizes.second]);
        loop {
            relay_in.read_exact(&mut message)?;
            copy_stamp(&message, &mut answer);
            relay_out.write_all(&answer)?;
        }
    });
    let reader = thread::spawn(move || {
        let (mut message, mut arrivals) = (vec![0; sizes.second], Vec::new());
        while sink.read_exact(&mut message).is_ok() {
            arrivals.push((Stamp::read(&message), Clock::System.now()));
        }
        arrivals
    });
    let mut message = vec![0; sizes.first];
    paced(count, period, |stamp| {
        stamp.write(&mut message);
        source.write_all(&message)
    })?;
    drop(source);
    // The relay ends with the error that its source is gone.
    let _ = relay.join();
    let arrivals = reader.join().map_err(|_panic| anyhow::anyhow!("the reader of the TCP floor died"))?;
    Ok(Floor::of(arrivals))
}

fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let far = listener.accept()?.0;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    Ok((near, far))
}

/// The same through three zenoh sessions with the bus's own settings and qualities of service, and nothing else of ours: the relay
/// answers, and the reader reads the clock, on zenoh's receiving thread.
pub(crate) fn zenoh(sizes: Sizes, count: usize, period: Duration) -> anyhow::Result<Floor> {
    let robot: RobotId = "floor".parse()?;
    let hub = free_endpoint()?;
    let open = |name: &str, listen: Vec<String>, connect: Vec<String>| {
        Bus::open(name, &robot, &Endpoints { listen, connect, tls: None })
    };
    let relay = open("relay", vec![hub.clone()], Vec::new())?;
    let source = open("source", vec![free_endpoint()?], vec![hub.clone()])?;
    let sink = open("sink", vec![free_endpoint()?], vec![hub])?;
    let answers = relay.publish_raw(Topic::Command)?;
    let _relaying = relay.subscribe_raw(Topic::Input.suffix(), Clock::System, move |_, message, _| {
        let mut answer = vec![0; sizes.second];
        copy_stamp(message, &mut answer);
        answers.put(answer);
    })?;
    let (arrived, arrivals) = mpsc::channel();
    let _reading = sink.subscribe_raw(Topic::Command.suffix(), Clock::System, move |_, message, at| {
        // The receiver lives until the subscription ends.
        let _ = arrived.send((Stamp::read(message), at));
    })?;
    let wishes = source.publish_raw(Topic::Input)?;
    let message = |stamp: Stamp| {
        let mut message = vec![0; sizes.first];
        stamp.write(&mut message);
        wishes.put(message);
    };
    wait_for_the_way(&arrivals, message)?;
    paced(count, period, |stamp| {
        message(stamp);
        Ok(())
    })?;
    sleep_until(Clock::System.now() + period * 2);
    Ok(Floor::of(arrivals.try_iter()))
}

fn wait_for_the_way(arrivals: &Receiver<(Stamp, MonoTime)>, send: impl Fn(Stamp)) -> anyhow::Result<()> {
    let step = Duration::from_millis(20);
    let begun = Clock::System.now();
    while Clock::System.now().since(begun) < PATIENCE {
        let now = Clock::System.now();
        send(Stamp { due: now, sent: now });
        sleep_until(now + step);
        if arrivals.try_iter().count() > 0 {
            return Ok(());
        }
    }
    Err(anyhow::anyhow!("no message came through")).context("the floor of zenoh cannot be measured")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_survive_and_short_messages_harm_nobody() {
        let stamp = Stamp { due: MonoTime::from_nanos(7), sent: MonoTime::from_nanos(u64::MAX) };
        let (mut message, mut answer) = ([1; 40], [2; 20]);
        stamp.write(&mut message);
        copy_stamp(&message, &mut answer);
        assert_eq!(Stamp::read(&answer), stamp);
        stamp.write(&mut [0; 3]);
        assert_eq!(Stamp::read(&[0; 3]).due, MonoTime::ZERO);
    }

    #[test]
    fn both_floors_deliver_every_message_after_the_warm_up() {
        let sizes = Sizes { first: 150, second: 100 };
        for floor in [tcp, zenoh] {
            let found = floor(sizes, 30, Duration::from_millis(2)).unwrap();
            assert!((25..=30).contains(&found.from_sent.count()), "{}", found.from_sent.count());
            assert!(found.from_due.at(500) >= found.from_sent.at(500));
        }
    }
}
