//! The floor of two hops: three threads, two raw TCP connections over loopback, nothing else.

use std::{
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use retake_bus::Clock;
use retake_units::MonoTime;

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

const STAMP: usize = 8;

/// Sends one message each `period` through a relay to a reader; the time from each sending to its reading.
pub(crate) fn two_hops(sizes: Sizes, count: usize, period: Duration) -> anyhow::Result<Spans> {
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
        let (mut message, mut ages) = (vec![0; sizes.second], Vec::new());
        while sink.read_exact(&mut message).is_ok() {
            let now = Clock::System.now();
            let sent = message.first_chunk::<STAMP>().map_or(0, |stamp| u64::from_le_bytes(*stamp));
            ages.push(now.since(MonoTime::from_nanos(sent)));
        }
        ages
    });
    exact_timers();
    let mut message = vec![0; sizes.first];
    let mut due = Clock::System.now();
    for _ in 0..count {
        due = due + period;
        sleep_until(due);
        let now = Clock::System.now();
        copy_stamp(&now.nanos().to_le_bytes(), &mut message);
        source.write_all(&message)?;
    }
    drop(source);
    // The relay ends with the error that its source is gone.
    let _ = relay.join();
    let ages = reader.join().map_err(|_panic| anyhow::anyhow!("the reader of the TCP floor died"))?;
    Ok(Spans::new(ages))
}

fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let near = TcpStream::connect(listener.local_addr()?)?;
    let far = listener.accept()?.0;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    Ok((near, far))
}

fn copy_stamp(from: &[u8], to: &mut [u8]) {
    for (to, from) in to.iter_mut().zip(from).take(STAMP) {
        *to = *from;
    }
}
