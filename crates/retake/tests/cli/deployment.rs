//! Launch files for tests, and deployments started from them.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU16, Ordering},
};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{Ended, Running, children, send, wait_for};

/// What the launch files of these tests differ in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) task: &'static str,
    pub(crate) policy: &'static str,
    pub(crate) operator: &'static str,
    /// Attempts to make; none means until stopped.
    pub(crate) episodes: Option<u64>,
}

impl Plan {
    pub(crate) const NODES: [&str; 5] = ["sim", "policy", "intervention", "operator", "recorder"];

    /// The text of its launch file, on ports that are free now.
    pub(crate) fn text(&self, recordings: &Path) -> String {
        let Self { task, policy, operator, episodes } = self;
        let episodes = episodes.map(|episodes| format!("episodes = {episodes}")).unwrap_or_default();
        let (port, dir, state) = (free_ports(), recordings.display(), recordings.with_file_name("state"));
        let state = state.display();
        format!(
            r#"
[deployment]
robot = "arm_1"
task = "{task}"
[bus]
base_port = {port}
[node.sim]
kind = "sim"
[node.policy]
kind = "policy"
policy = "{policy}"
[node.intervention]
kind = "intervention"
seed = 1
policy_timeout = "320ms"
state_dir = "{state}"
{episodes}
[node.operator]
kind = "operator"
operator = "{operator}"
[node.recorder]
kind = "recorder"
dir = "{dir}"
"#
        )
    }
}

/// First of enough free ports in a row. Below the range from which the system gives ports to outgoing connections, so that
/// none is taken between here and its use.
pub(crate) fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let process = u16::try_from(std::process::id() % 500).unwrap();
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    wait_for("free ports", || {
        let turn = NEXT.fetch_add(1, Ordering::Relaxed) % 50;
        let first = 20_000 + (process * 20 + turn * 10) % 10_000;
        (first..first + 8).all(free).then_some(first)
    })
}

/// A deployment that runs.
#[derive(Debug)]
pub(crate) struct Launched {
    running: Running,
    dir: TempDir,
}

impl Launched {
    pub(crate) fn start(plan: &Plan) -> Self {
        Self::start_as(plan, |text| text)
    }

    /// With a launch file that `change` has changed.
    pub(crate) fn start_as(plan: &Plan, change: impl Fn(String) -> String) -> Self {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("deployment.toml");
        fs::write(&file, change(plan.text(&dir.path().join("recordings")))).unwrap();
        let running = Running::start(dir.path(), &["launch", "deployment.toml"]);
        Self { running, dir }
    }

    /// Where it records.
    pub(crate) fn recordings(&self) -> PathBuf {
        self.dir.path().join("recordings")
    }

    pub(crate) fn launch_file(&self) -> PathBuf {
        self.dir.path().join("deployment.toml")
    }

    /// The process of a node, as soon as it is there.
    pub(crate) fn pid_of(&mut self, node: &str) -> u32 {
        wait_for(format_args!("a process for {node}"), || {
            assert!(!self.running.has_ended(), "ended early: {}", self.running.err());
            let runs = |words: &[String]| words.windows(2).any(|pair| pair[0] == "node" && pair[1] == node);
            children(self.running.pid()).into_iter().find(|(_, words)| runs(words)).map(|(pid, _)| pid)
        })
    }

    /// Ends a node's process as a crash would.
    pub(crate) fn kill(&mut self, node: &str) -> u32 {
        let pid = self.pid_of(node);
        send(pid, Signal::KILL);
        pid
    }

    /// What it has written to standard error so far.
    pub(crate) fn err(&self) -> String {
        self.running.err()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.running.signal(signal);
    }

    /// Waits for its end; the recordings stay until the folder is dropped.
    pub(crate) fn end(self) -> (Ended, TempDir) {
        (self.running.end(), self.dir)
    }
}
