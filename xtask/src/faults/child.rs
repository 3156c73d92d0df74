//! The processes of a deployment.

use std::{
    io::{BufReader, Write as _},
    process::{Child as Process, Command, Stdio},
    sync::mpsc::Sender,
    thread,
};

use anyhow::Context as _;
use retake_bus::Clock;
use retake_units::MonoTime;
use rustix::process::{Pid, Signal, kill_process};

use super::{hand::Order, node::Kind, wiretap::Frame};

/// Something that happened at one of the processes.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: MonoTime,
    pub(crate) who: Kind,
    pub(crate) what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Frame(Box<Frame>),
    /// The process was started, again or for the first time.
    Started,
}

/// One process.
#[derive(Debug)]
pub(crate) struct Child {
    kind: Kind,
    process: Process,
}

impl Child {
    /// Starts a process that calls `connect`; what it hears and says goes to `events`.
    pub(crate) fn start(
        kind: Kind,
        connect: &str,
        entropy: u64,
        events: &Sender<Event>,
    ) -> anyhow::Result<Self> {
        // Not by its path: the program may be built anew while it runs.
        let mut process = Command::new("/proc/self/exe")
            .args(["node", kind.name(), "--connect", connect, "--entropy", &entropy.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("start the {} process", kind.name()))?;
        let output = process.stdout.take().context("a process without output")?;
        let sender = events.clone();
        let _ = sender.send(Event { at: Clock::System.now(), who: kind, what: What::Started });
        thread::Builder::new().name(format!("hear-{}", kind.name())).spawn(move || {
            let mut pipe = BufReader::new(output);
            // Ends when the process does, and when nobody listens any more.
            while let Ok(frame) = Frame::read(&mut pipe) {
                if sender.send(Event { at: frame.at, who: kind, what: What::Frame(Box::new(frame)) }).is_err()
                {
                    break;
                }
            }
        })?;
        Ok(Self { kind, process })
    }

    pub(crate) fn order(&mut self, order: Order) -> anyhow::Result<()> {
        let pipe = self.process.stdin.as_mut().context("a process without input")?;
        pipe.write_all(order.line().as_bytes()).with_context(|| format!("tell {}", self.kind.name()))?;
        pipe.flush()?;
        Ok(())
    }

    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).context("no process id")?;
        kill_process(pid, signal).with_context(|| format!("signal {}", self.kind.name()))
    }

    /// Kills the process at once and waits for its end.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    pub(crate) fn running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
