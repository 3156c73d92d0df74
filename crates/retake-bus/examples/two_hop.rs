//! How much of the time from an operator's input to the driver is ours: two hops over raw sockets against two hops over the
//! runtime, in one run, interleaved, at the real rate of 100 Hz.
//!
//! `cargo run --release -p retake-bus --example two_hop [seconds]`

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::mpsc::{self, Receiver, SyncSender},
    thread,
    time::Duration,
};

use retake_bus::{Clock, Deployment, StopFlag};
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{Message, Topic, pb};

type Failure = Box<dyn std::error::Error>;
const PERIOD: Duration = Duration::from_millis(10);
/// About what an operator's input is on the wire.
const BYTES: usize = 200;

/// Sends an input each period, like a gamepad.
struct Device {
    next: MonoTime,
    left: u64,
}

/// Answers each input with a command at once, like an arbiter whose tick is due.
struct Relay;

/// Measures from the input's sending to the command's receipt.
struct Driver(SyncSender<Duration>);

impl Node for Device {
    fn name(&self) -> &'static str {
        "device"
    }
    fn subscriptions(&self) -> &[Topic] {
        &[]
    }
    fn publications(&self) -> &[Topic] {
        &[Topic::Input]
    }
    fn receive(&mut self, _: MonoTime, _: &Message, _: &mut Outbox) {}
    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        if self.left == 0 {
            out.finish_deployment();
        }
        self.left = self.left.saturating_sub(1);
        // A late start or a stall is not made up for by a burst: that would not be paced traffic.
        self.next = (self.next + PERIOD).max(now);
        let header = pb::Header { sent_nanos: Clock::System.now().wire_nanos(), ..pb::Header::default() };
        let raw = vec![0.5; BYTES / 4];
        out.publish(pb::OperatorInput { header: Some(header), raw, ..pb::OperatorInput::default() });
    }
    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}

impl Node for Relay {
    fn name(&self) -> &'static str {
        "relay"
    }
    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Input]
    }
    fn publications(&self) -> &[Topic] {
        &[Topic::Command]
    }
    fn receive(&mut self, _: MonoTime, message: &Message, out: &mut Outbox) {
        if let Message::Input(input) = message {
            let position = vec![pb::GroupValues { values: vec![0.5; BYTES / 8] }];
            out.publish(pb::Command { header: input.header, position, ..pb::Command::default() });
        }
    }
    fn wake(&mut self, _: MonoTime, _: &mut Outbox) {}
    fn next_wake(&self) -> Option<MonoTime> {
        None
    }
}

impl Node for Driver {
    fn name(&self) -> &'static str {
        "driver"
    }
    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Command]
    }
    fn publications(&self) -> &[Topic] {
        &[]
    }
    fn receive(&mut self, _: MonoTime, message: &Message, _: &mut Outbox) {
        // The driver's own clock at the moment it acts, so that the mailbox and the thread's waking are in the figure.
        let now = Clock::System.now();
        if let Message::Command(pb::Command { header: Some(header), .. }) = message {
            let sent = MonoTime::from_nanos(u64::try_from(header.sent_nanos).unwrap_or(0));
            let _ = self.0.try_send(now.since(sent));
        }
    }
    fn wake(&mut self, _: MonoTime, _: &mut Outbox) {}
    fn next_wake(&self) -> Option<MonoTime> {
        None
    }
}

fn now_bytes() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&Clock::System.now().nanos().to_le_bytes());
    bytes
}

fn age(bytes: &[u8; BYTES]) -> Duration {
    let sent = bytes.first_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    Clock::System.now().since(MonoTime::from_nanos(sent))
}

/// Calls `send` once per period.
fn paced(count: u64, mut send: impl FnMut() -> std::io::Result<()>) -> std::io::Result<()> {
    let (_sender, pause) = mpsc::sync_channel::<()>(0);
    let begin = Clock::System.now();
    for number in 1..=u32::try_from(count).unwrap_or(u32::MAX) {
        let _ = pause.recv_timeout((begin + PERIOD * number).since(Clock::System.now()));
        send()?;
    }
    Ok(())
}

fn udp(count: u64) -> Result<Vec<Duration>, Failure> {
    let bind = || UdpSocket::bind("127.0.0.1:0");
    let (device, relay, driver) = (bind()?, bind()?, bind()?);
    device.connect(relay.local_addr()?)?;
    let target = driver.local_addr()?;
    driver.set_read_timeout(Some(Duration::from_secs(1)))?;
    thread::spawn(move || {
        let mut bytes = [0; BYTES];
        while relay.recv(&mut bytes).is_ok() && relay.send_to(&bytes, target).is_ok() {}
    });
    let reader = thread::spawn(move || {
        let (mut bytes, mut ages) = ([0; BYTES], Vec::new());
        while driver.recv(&mut bytes).is_ok() {
            ages.push(age(&bytes));
        }
        ages
    });
    paced(count, || device.send(&now_bytes()).map(drop))?;
    reader.join().map_err(|_panic| "the UDP reader died".into())
}

fn tcp(count: u64) -> Result<Vec<Duration>, Failure> {
    let pair = || -> std::io::Result<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let near = TcpStream::connect(listener.local_addr()?)?;
        let far = listener.accept()?.0;
        near.set_nodelay(true)?;
        Ok((near, far))
    };
    let ((mut device, mut relay_in), (mut relay_out, mut driver)) = (pair()?, pair()?);
    thread::spawn(move || {
        let mut bytes = [0; BYTES];
        while relay_in.read_exact(&mut bytes).is_ok() && relay_out.write_all(&bytes).is_ok() {}
    });
    let reader = thread::spawn(move || {
        let (mut bytes, mut ages) = ([0; BYTES], Vec::new());
        while driver.read_exact(&mut bytes).is_ok() {
            ages.push(age(&bytes));
        }
        ages
    });
    paced(count, || device.write_all(&now_bytes()))?;
    drop(device);
    reader.join().map_err(|_panic| "the TCP reader died".into())
}

fn ours(count: u64) -> Result<(Vec<Duration>, Vec<String>), Failure> {
    let (sender, ages): (_, Receiver<Duration>) = mpsc::sync_channel(100_000);
    let device = Device { next: Clock::System.now() + Duration::from_secs(1), left: count };
    let nodes: Vec<Box<dyn Node>> = vec![Box::new(device), Box::new(Relay), Box::new(Driver(sender))];
    let reports = Deployment::start(&"bench".parse()?, &Clock::System, nodes)?.wait(&StopFlag::default())?;
    Ok((ages.try_iter().collect(), reports.iter().map(ToString::to_string).collect()))
}

fn quantile(ages: &mut [Duration], quantile: f64) -> f64 {
    ages.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let index = ((ages.len() as f64 * quantile) as usize).min(ages.len().saturating_sub(1));
    ages.get(index).map_or(f64::NAN, |age| age.as_secs_f64() * 1e6)
}

#[expect(clippy::print_stdout, reason = "figures are this program's output")]
fn main() -> Result<(), Failure> {
    let seconds: u64 = std::env::args().nth(1).map_or(Ok(30), |text| text.parse())?;
    // Three rounds of each, one after the other, so that a busy minute hits all of them.
    let rounds = 3;
    let count = (seconds * 100 / (3 * rounds)).max(1);
    let (mut by_udp, mut by_tcp, mut by_us) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        by_udp.extend(udp(count)?);
        by_tcp.extend(tcp(count)?);
        let (ages, reports) = ours(count)?;
        by_us.extend(ages);
        for report in reports {
            println!("  {report}");
        }
    }
    let floor = (quantile(&mut by_tcp, 0.5), quantile(&mut by_tcp, 0.99));
    println!(
        "{:<10} {:>6} {:>9} {:>9} {:>9}   p50 and p99 against raw TCP",
        "two hops", "n", "p50 µs", "p99 µs", "max µs"
    );
    for (name, ages) in [("raw UDP", &mut by_udp), ("raw TCP", &mut by_tcp), ("runtime", &mut by_us)] {
        let (p50, p99, max) = (quantile(ages, 0.5), quantile(ages, 0.99), quantile(ages, 1.0));
        println!(
            "{name:<10} {:>6} {p50:>9.1} {p99:>9.1} {max:>9.1}   {:.2} {:.2}",
            ages.len(),
            p50 / floor.0,
            p99 / floor.1
        );
    }
    Ok(())
}
