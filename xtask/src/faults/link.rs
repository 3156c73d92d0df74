//! A proxy of bytes between two zenoh peers.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use anyhow::Context as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use retake_bus::Clock;
use retake_units::MonoTime;

use crate::pace::sleep_until;

/// What becomes of the bytes of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Bytes {
    #[default]
    Pass,
    /// Late by a time between the two; order is kept.
    Delay { least_ms: u64, most_ms: u64 },
    /// Kept, and let go in one burst when the fault ends.
    Stall,
    /// Not read from the sender at all; new connections are accepted and left alone.
    Deaf,
    /// No faster than this.
    Throttle { bytes_per_s: u64 },
    /// One bit of every so many bytes is wrong.
    Flip { every: u32 },
}

/// What is wrong with a link.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Wire {
    /// From the node to the others.
    pub(crate) up: Bytes,
    /// From the others to the node.
    pub(crate) down: Bytes,
}

#[derive(Debug, Default)]
struct Fault {
    wire: Wire,
    /// Connections made before this count are closed; the flag: after half of what was read last.
    cuts: u64,
    torn: bool,
    closed: bool,
}

/// A proxy that one node calls.
#[derive(Debug)]
pub(crate) struct Link {
    endpoint: String,
    fault: Arc<Mutex<Fault>>,
}

const QUIET: Duration = Duration::from_millis(20);
const BUSY: Duration = Duration::from_millis(1);

impl Link {
    /// A proxy on a free port that calls `upstream`, an address such as `127.0.0.1:7600`.
    pub(crate) fn open(upstream: String, seed: u64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("open a proxy")?;
        let endpoint = format!("tcp/{}", listener.local_addr()?);
        let fault = Arc::new(Mutex::new(Fault::default()));
        let shared = Arc::clone(&fault);
        thread::Builder::new()
            .name("proxy".into())
            .spawn(move || accept(&listener, &upstream, &shared, seed))?;
        Ok(Self { endpoint, fault })
    }

    /// Where the node calls.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn set(&self, wire: Wire) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).wire = wire;
    }

    /// Closes all connections, `torn` in the middle of what is under way.
    pub(crate) fn cut(&self, torn: bool) {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.cuts += 1;
        fault.torn = torn;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        // Wakes the thread that accepts.
        let _ = self.endpoint.strip_prefix("tcp/").map(TcpStream::connect);
    }
}

fn look(fault: &Mutex<Fault>) -> (Wire, u64, bool, bool) {
    let fault = fault.lock().unwrap_or_else(PoisonError::into_inner);
    (fault.wire, fault.cuts, fault.torn, fault.closed)
}

fn accept(listener: &TcpListener, upstream: &str, fault: &Arc<Mutex<Fault>>, seed: u64) {
    for (number, near) in (seed..).zip(listener.incoming()) {
        let (wire, cuts, _, closed) = look(fault);
        if closed {
            return;
        }
        let Ok(near) = near else { continue };
        let (upstream, fault) = (upstream.to_owned(), Arc::clone(fault));
        let serve = move || {
            if wire.up == Bytes::Deaf {
                while look(&fault).0.up == Bytes::Deaf && !look(&fault).3 {
                    sleep_until(Clock::System.now() + BUSY);
                }
            }
            let Ok(far) = TcpStream::connect(&upstream) else { return };
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) else { return };
            let other = Arc::clone(&fault);
            thread::spawn(move || Pump::new(far_too, near_too, other, cuts, false, number).run());
            Pump::new(near, far, fault, cuts, true, number).run();
        };
        thread::spawn(serve);
    }
}

struct Pump {
    from: TcpStream,
    to: TcpStream,
    fault: Arc<Mutex<Fault>>,
    cuts: u64,
    up: bool,
    queue: VecDeque<(MonoTime, Vec<u8>)>,
    last_due: MonoTime,
    random: ChaCha8Rng,
    until_flip: u32,
}

impl Pump {
    fn new(from: TcpStream, to: TcpStream, fault: Arc<Mutex<Fault>>, cuts: u64, up: bool, seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(2) + u64::from(up));
        let (queue, last_due) = (VecDeque::new(), MonoTime::ZERO);
        Self { from, to, fault, cuts, up, queue, last_due, random, until_flip: 0 }
    }

    fn run(mut self) {
        // Any error is the end of the connection, which both ends then see.
        let _ = self.pump();
        let _ = self.from.shutdown(Shutdown::Both);
        let _ = self.to.shutdown(Shutdown::Both);
    }

    fn pump(&mut self) -> std::io::Result<()> {
        let mut buffer = vec![0; 1 << 16];
        let mut timeout = Duration::ZERO;
        loop {
            let (wire, cuts, torn, closed) = look(&self.fault);
            let bytes = if self.up { wire.up } else { wire.down };
            if cuts != self.cuts || closed {
                if torn && let Some((_, chunk)) = self.queue.pop_front() {
                    self.to.write_all(chunk.get(..chunk.len() / 2).unwrap_or_default())?;
                }
                return Ok(());
            }
            if bytes == Bytes::Pass {
                // The fault is over, and nothing is late any more.
                self.queue.iter_mut().for_each(|(due, _)| *due = MonoTime::ZERO);
                self.last_due = MonoTime::ZERO;
            }
            if bytes != Bytes::Stall {
                self.deliver()?;
            }
            if bytes == Bytes::Deaf {
                sleep_until(Clock::System.now() + BUSY);
                continue;
            }
            let wanted = if self.queue.is_empty() && bytes == Bytes::Pass { QUIET } else { BUSY };
            if wanted != timeout {
                timeout = wanted;
                self.from.set_read_timeout(Some(timeout))?;
            }
            match self.from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => self.take(buffer.get(..count).unwrap_or_default())?,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn take(&mut self, chunk: &[u8]) -> std::io::Result<()> {
        let (wire, ..) = look(&self.fault);
        let now = Clock::System.now();
        let mut chunk = chunk.to_vec();
        let due = match if self.up { wire.up } else { wire.down } {
            Bytes::Pass | Bytes::Stall | Bytes::Deaf => now,
            Bytes::Delay { least_ms, most_ms } => {
                now + Duration::from_millis(self.random.random_range(least_ms..=most_ms))
            }
            Bytes::Throttle { bytes_per_s } => {
                let span = Duration::from_secs_f64(chunk.len() as f64 / bytes_per_s.max(1) as f64);
                self.last_due.max(now) + span
            }
            Bytes::Flip { every } => {
                for byte in &mut chunk {
                    if self.until_flip == 0 {
                        self.until_flip = self.random.random_range(1..=2 * every);
                        *byte ^= 1 << self.random.random_range(0..8);
                    }
                    self.until_flip -= 1;
                }
                now
            }
        };
        self.last_due = self.last_due.max(due);
        self.queue.push_back((self.last_due, chunk));
        let held = matches!(if self.up { wire.up } else { wire.down }, Bytes::Stall);
        if held { Ok(()) } else { self.deliver() }
    }

    fn deliver(&mut self) -> std::io::Result<()> {
        let now = Clock::System.now();
        while let Some((_, chunk)) = self.queue.pop_front_if(|(due, _)| *due <= now) {
            self.to.write_all(&chunk)?;
        }
        Ok(())
    }
}
