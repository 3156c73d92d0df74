//! The program as a process under test: started, watched, signalled, and gone when the test is over.

use std::{
    fmt::Display,
    fs,
    io::{BufRead as _, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use retake_bus::Clock;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Far longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// While it is held, no other test runs a deployment in real time: they would be late because of each other.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static REAL_TIME: Mutex<()> = Mutex::new(());
    REAL_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `look` finds something.
pub(crate) fn wait_for<T>(what: impl Display, mut look: impl FnMut() -> Option<T>) -> T {
    let (_never, pause) = mpsc::sync_channel::<()>(0);
    let deadline = Clock::System.now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Clock::System.now() < deadline, "waited in vain for {what}");
        let _timeout = pause.recv_timeout(Duration::from_millis(20));
    }
}

/// How a run ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Its one JSON document on standard output; the run must have gone well.
    pub(crate) fn json(&self) -> Value {
        assert!(self.status.success(), "{self:?}");
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Ended with an error that is told in a line with all `words`, without a panic, and with nothing on standard output.
    #[track_caller]
    pub(crate) fn assert_refused(&self, words: &[&str]) {
        let code = self.status.code();
        assert!(matches!(code, Some(1 | 2)), "exit code {code:?} in {self:?}");
        assert_eq!(self.out, "", "{self:?}");
        for sign in ["panicked", "backtrace", "Error {", "unwrap"] {
            assert!(!self.err.contains(sign), "{sign} in {self:?}");
        }
        let told = self.err.lines().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(told, "no line tells {words:?} in {}", self.err);
    }
}

/// A run of the program that has not ended, or has not been waited for.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    streams: Vec<(Arc<Mutex<String>>, JoinHandle<()>)>,
}

impl Running {
    /// Starts the program in `dir`.
    pub(crate) fn start(dir: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_retake"));
        command.args(arguments).current_dir(dir).env("RUST_BACKTRACE", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let streams = vec![follow(child.stdout.take().unwrap()), follow(child.stderr.take().unwrap())];
        Self { child, streams }
    }

    /// What it has written to standard error so far.
    pub(crate) fn err(&self) -> String {
        self.streams[1].0.lock().unwrap().clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        send(self.pid(), signal);
    }

    /// Waits for its end; what it started itself may have inherited its streams and must have ended too.
    pub(crate) fn end(mut self) -> Ended {
        let status = wait_for("the end of a run", || self.child.try_wait().unwrap());
        wait_for("the end of what a run says", || {
            self.streams.iter().all(|(_, thread)| thread.is_finished()).then_some(())
        });
        let text = |index: usize| self.streams[index].0.lock().unwrap().clone();
        Ended { status, out: text(0), err: text(1) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for (pid, _) in children(self.pid()) {
            send(pid, Signal::KILL);
        }
        // It may have ended long ago.
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Runs the program in `dir` to its end.
pub(crate) fn retake(dir: &Path, arguments: &[&str]) -> Ended {
    Running::start(dir, arguments).end()
}

fn follow(stream: impl Read + Send + 'static) -> (Arc<Mutex<String>>, JoinHandle<()>) {
    let text = Arc::new(Mutex::new(String::new()));
    let heard = Arc::clone(&text);
    let thread = thread::spawn(move || {
        let mut stream = BufReader::new(stream);
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            heard.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
            line.clear();
        }
    });
    (text, thread)
}

/// To one process, which may be gone already.
pub(crate) fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _gone = kill_process(pid, signal);
}

/// Processes that `parent` started, with their command lines; the dead that nobody waited for are left out.
pub(crate) fn children(parent: u32) -> Vec<(u32, Vec<String>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if status.contains(&format!("\nPPid:\t{parent}\n")) && !arguments.is_empty() {
            let words =
                arguments.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned());
            found.push((pid, words.collect()));
        }
    }
    found
}

/// Names of everything in `dir`, sorted.
pub(crate) fn names_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
