//! A recorder's process as its starter sees it.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread::JoinHandle,
};

use anyhow::Context as _;
use retake_units::MonoTime;

/// What a recorder said before its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// When it took its first tick.
    pub(super) first: Option<MonoTime>,
    /// The last tick that it took, and when.
    pub(super) taken: Option<(u64, MonoTime)>,
    /// Watermarks: ticks that it acknowledged, and when.
    pub(super) acknowledged: Vec<(u64, MonoTime)>,
    /// The last watermark says that it records …
    pub(super) recording: bool,
    /// … and has no complaint.
    pub(super) contented: bool,
    /// Codes of its notices.
    pub(super) notices: Vec<String>,
    /// Messages that it says are lost, and errors.
    pub(super) report: Option<(u64, u64)>,
}

impl Heard {
    /// The last tick that was acknowledged; zero if none was.
    pub(super) fn last(&self) -> u64 {
        self.acknowledged.iter().map(|(tick, _)| *tick).max().unwrap_or(0)
    }

    /// A line that was cut off by the end of the process says nothing.
    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
        let time = |at: usize| number(at).map(MonoTime::from_nanos);
        match (words.first().copied(), number(1), time(2), number(3)) {
            (Some("t"), Some(tick), Some(at), None) => {
                self.first.get_or_insert(at);
                self.taken = Some((tick, at));
            }
            (Some("w"), Some(tick), Some(at), Some(told)) => {
                self.acknowledged.push((tick, at));
                (self.recording, self.contented) = (told & 1 == 1, told & 2 == 0);
            }
            (Some("r"), Some(lost), _, None) => self.report = number(2).map(|errors| (lost, errors)),
            (Some("n"), ..) => self.notices.extend(words.get(1).map(|code| (*code).to_owned())),
            _ => {}
        }
    }
}

/// A recorder that runs, or has ended.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    reader: Option<JoinHandle<Heard>>,
}

impl Process {
    /// Starts a recorder into `dir/name`.
    pub(super) fn start(dir: &Path, name: &str, more: &[String]) -> anyhow::Result<Self> {
        // Not by its path: the program may be built anew while it runs.
        let mut child = Command::new("/proc/self/exe")
            .arg("recorder")
            .arg("--dir")
            .arg(dir)
            .args(["--name", name])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("start a recorder")?;
        let pipe = BufReader::new(child.stdout.take().context("a process without output")?);
        let reader = std::thread::spawn(move || {
            let mut heard = Heard::default();
            // What it printed before it was killed is still in the pipe.
            for line in pipe.split(b'\n').map_while(Result::ok) {
                heard.line(&String::from_utf8_lossy(&line));
            }
            heard
        });
        Ok(Self { child, reader: Some(reader) })
    }

    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill()?)
    }

    /// Waits for its end.
    pub(super) fn end(mut self) -> anyhow::Result<(ExitStatus, Heard)> {
        let status = self.child.wait()?;
        let reader = self.reader.take().context("ended twice")?;
        Ok((status, reader.join().map_err(|_panic| anyhow::anyhow!("the reader died"))?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_recorder_says_is_understood_and_a_torn_line_is_not() {
        let mut heard = Heard::default();
        for line in ["t 1 100", "w 0 150 1", "t 2 200", "w 1 250 2", "n recorder_disk_full", "r 7 1", "w 9"] {
            heard.line(line);
        }
        assert_eq!((heard.first, heard.last()), (Some(MonoTime::from_nanos(100)), 1));
        assert_eq!(heard.taken, Some((2, MonoTime::from_nanos(200))));
        assert!(!heard.recording && !heard.contented);
        assert_eq!((heard.notices, heard.report), (vec!["recorder_disk_full".to_owned()], Some((7, 1))));
    }
}
