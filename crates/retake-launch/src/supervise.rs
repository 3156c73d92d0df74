use std::{
    fmt,
    io::{self, BufRead as _, BufReader, Read},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use retake_bus::{Clock, StopFlag};
use rustix::process::{Pid, Signal, kill_process_group, set_parent_process_death_signal};

use crate::{
    LaunchFile, NodeKind, Restart,
    backoff::{Backoff, RestartPolicy},
};

/// The exit code of a node that did its work, but could not keep all that was to be recorded.
pub const DATA_LOST: u8 = 3;

/// How a node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It said that the deployment's work is done.
    Finished,
    /// It was asked to stop, and did.
    Stopped,
    /// It was asked to stop, did, and says with [`DATA_LOST`] that not everything was recorded.
    StoppedWithLoss,
    /// It was asked to stop, did not in time, and was killed.
    Killed,
    /// It ended by itself with an error and was not started again.
    Crashed,
    /// It could not be started.
    NotStarted,
}

/// One node's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeExit {
    /// The node.
    pub name: String,
    /// How it ended.
    pub ending: Ending,
    /// What the system says of its last process.
    pub status: Option<ExitStatus>,
    /// How often it had been started again.
    pub restarts: u32,
}

impl fmt::Display for NodeExit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.ending {
            Ending::Finished => "finished the deployment",
            Ending::Stopped => "stopped",
            Ending::StoppedWithLoss => "stopped, and not everything was recorded",
            Ending::Killed => "did not stop in time and was killed",
            Ending::Crashed => "crashed",
            Ending::NotStarted => "could not be started",
        };
        write!(f, "{}: {what}", self.name)?;
        if let Some(status) = self.status.filter(|status| !status.success()) {
            write!(f, " ({status})")?;
        }
        if self.restarts > 0 {
            write!(f, ", restarted {} times", self.restarts)?;
        }
        Ok(())
    }
}

/// Gets a node's name and a line it wrote, or a line about it.
pub type LineSink = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// How to run the processes of a deployment.
pub struct Supervisor {
    /// Makes the command that runs a node; only its name is given.
    pub command: Box<dyn Fn(&str) -> Command + Send>,
    /// Gets each line that a node's process writes, with the node's name.
    pub line: LineSink,
    /// Time a node has to stop before it is killed.
    pub patience: Duration,
    /// How often and how soon a crashed node is started again.
    pub restarts: RestartPolicy,
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Supervisor {
    /// Runs each node as `<exe> node NAME --launch FILE`; `line` gets what they write.
    pub fn new(exe: PathBuf, launch: PathBuf, line: impl Fn(&str, &str) + Send + Sync + 'static) -> Self {
        let command = move |name: &str| {
            let mut command = Command::new(&exe);
            command.args(["node", name, "--launch"]).arg(&launch);
            command
        };
        Self {
            command: Box::new(command),
            line: Arc::new(line),
            patience: Duration::from_secs(8),
            restarts: RestartPolicy::default(),
        }
    }

    /// Starts all nodes of this machine, restarts those that may be, and returns when all have ended: because `stop` was set, because one
    /// finished the deployment (a clean exit that nobody asked for), or because one is gone that the others need.
    pub fn run(&self, file: &LaunchFile, stop: &StopFlag) -> Vec<NodeExit> {
        let mut wards: Vec<Ward> = file
            .nodes
            .iter()
            .filter(|node| node.elsewhere.is_none())
            .map(|node| Ward {
                name: node.name.clone(),
                kind: node.kind(),
                restart: node.restart,
                backoff: Backoff::new(self.restarts),
                state: State::Waiting,
                restarts: 0,
            })
            .collect();
        for ward in &mut wards {
            self.start(ward);
        }
        while !stop.is_set() && !wards.iter().any(Ward::ends_all) && !wards.iter().all(Ward::is_over) {
            for ward in &mut wards {
                self.look_after(ward);
            }
            pause();
        }
        self.stop_all(&mut wards);
        wards.into_iter().map(Ward::into_exit).collect()
    }

    fn start(&self, ward: &mut Ward) {
        let mut command = (self.command)(&ward.name);
        // A group of its own: Ctrl-C in a terminal must reach only us, so that we stop the nodes in their order.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        ward.backoff.started(Clock::System.now());
        ward.state = match command.spawn() {
            Ok(mut child) => {
                let (out, err) = (child.stdout.take(), child.stderr.take());
                self.relay(&ward.name, out);
                self.relay(&ward.name, err);
                State::Running(child)
            }
            Err(error) => {
                (self.line)(
                    &ward.name,
                    &format!("cannot be started: {error}; check that the program exists"),
                );
                State::Over(Ending::NotStarted, None)
            }
        };
    }

    fn relay(&self, name: &str, stream: Option<impl Read + Send + 'static>) {
        let Some(stream) = stream else { return };
        let (owner, line) = (name.to_owned(), Arc::clone(&self.line));
        let spawned = thread::Builder::new().name(format!("{name}-lines")).spawn(move || {
            if let Err(error) = relay_lines(BufReader::new(stream), |text| line(&owner, text)) {
                line(&owner, &format!("its output cannot be read any more: {error}"));
            }
        });
        if let Err(error) = spawned {
            (self.line)(name, &format!("its output cannot be shown: {error}"));
        }
    }

    fn look_after(&self, ward: &mut Ward) {
        match &mut ward.state {
            State::Waiting if ward.backoff.may_start(Clock::System.now()) => {
                ward.restarts += 1;
                self.start(ward);
            }
            State::Running(child) => {
                if let Ok(Some(status)) = child.try_wait() {
                    self.ended(ward, status);
                }
            }
            State::Waiting | State::Over(..) => {}
        }
    }

    fn ended(&self, ward: &mut Ward, status: ExitStatus) {
        if status.success() {
            ward.state = State::Over(Ending::Finished, Some(status));
            return;
        }
        let pause = match ward.restart {
            Restart::Never => None,
            Restart::OnFailure => ward.backoff.crashed(Clock::System.now()),
        };
        ward.state = match pause {
            Some(pause) => {
                (self.line)(&ward.name, &format!("crashed ({status}), starting again in {pause:?}"));
                State::Waiting
            }
            None => {
                (self.line)(&ward.name, &format!("crashed ({status}) and is not started again"));
                State::Over(Ending::Crashed, Some(status))
            }
        };
    }

    fn stop_all(&self, wards: &mut [Ward]) {
        let mut ranks: Vec<u8> = wards.iter().map(|ward| ward.kind.stop_rank()).collect();
        ranks.sort_unstable();
        ranks.dedup();
        for rank in ranks {
            let mut leaving: Vec<&mut Ward> =
                wards.iter_mut().filter(|ward| ward.kind.stop_rank() == rank).collect();
            for ward in &mut leaving {
                ward.ask_to_stop();
            }
            let deadline = Clock::System.now() + self.patience;
            while leaving.iter_mut().any(|ward| ward.is_leaving()) && Clock::System.now() < deadline {
                pause();
            }
            for ward in leaving {
                ward.kill();
            }
        }
    }
}

/// A node and its process.
struct Ward {
    name: String,
    kind: NodeKind,
    restart: Restart,
    backoff: Backoff,
    state: State,
    restarts: u32,
}

enum State {
    /// To be started when its pause is over.
    Waiting,
    Running(Child),
    Over(Ending, Option<ExitStatus>),
}

impl Ward {
    /// The deployment cannot or need not go on. A viewer that somebody closed ends nothing.
    const fn ends_all(&self) -> bool {
        self.is_over() && !self.kind.is_dispensable()
    }

    const fn is_over(&self) -> bool {
        matches!(self.state, State::Over(..))
    }

    fn ask_to_stop(&mut self) {
        match &self.state {
            State::Running(child) => signal(child, Signal::TERM),
            State::Waiting => self.state = State::Over(Ending::Crashed, None),
            State::Over(..) => {}
        }
    }

    fn is_leaving(&mut self) -> bool {
        let State::Running(child) = &mut self.state else { return false };
        let Ok(Some(status)) = child.try_wait() else { return true };
        // Some programs leave through the signal itself; that is as good an answer as a clean exit.
        let obeyed = status.success() || status.signal() == Some(Signal::TERM.as_raw());
        let ending = match status.code() {
            _ if obeyed => Ending::Stopped,
            Some(code) if code == i32::from(DATA_LOST) => Ending::StoppedWithLoss,
            Some(_) | None => Ending::Crashed,
        };
        self.state = State::Over(ending, Some(status));
        false
    }

    fn kill(&mut self) {
        if let State::Running(child) = &mut self.state {
            signal(child, Signal::KILL);
            self.state = State::Over(Ending::Killed, child.wait().ok());
        }
    }

    fn into_exit(self) -> NodeExit {
        let (ending, status) = match self.state {
            State::Over(ending, status) => (ending, status),
            State::Waiting | State::Running(_) => (Ending::Crashed, None),
        };
        NodeExit { name: self.name, ending, status, restarts: self.restarts }
    }
}

/// To the whole group, so that what a node started itself goes with it.
fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(Err(error)) = pid.map(|pid| kill_process_group(pid, signal)) {
        tracing::debug!("process {} is gone already: {error}", child.id());
    }
}

/// For a node's process to call first: if its supervisor is killed, it gets SIGTERM instead of staying behind.
///
/// # Errors
/// If the system does not allow it.
pub fn end_with_supervisor() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::TERM))?)
}

const LONGEST_LINE: u64 = 16 << 10;

/// Gives each line on; a line without end is given on in pieces, so that no process can fill our memory.
fn relay_lines(mut stream: impl io::BufRead, mut give: impl FnMut(&str)) -> io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if stream.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(());
        }
        give(String::from_utf8_lossy(&bytes).trim_end());
    }
}

/// A process's end is looked for this often.
fn pause() {
    let (_sender, receiver) = mpsc::sync_channel::<()>(0);
    let _ = receiver.recv_timeout(Duration::from_millis(20));
}
