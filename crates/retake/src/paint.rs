//! The live status in the terminal.

use std::{
    fmt::Write as _,
    io::{IsTerminal as _, Write as _, stderr},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use retake_wire::pb::{EpisodeRecord, GroupStatus, Owner, Status, Watermark};

use crate::collect::{Ear, Heard};

const REFRESH: Duration = Duration::from_millis(150);

/// A thread that repaints until it is dropped. Where standard error is no terminal, it writes only what happened.
#[derive(Debug)]
pub(crate) struct Painter {
    done: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Painter {
    pub(crate) fn start(ear: Ear) -> Self {
        let (done, ended) = channel();
        let thread = thread::Builder::new().name("terminal".into()).spawn(move || paint(&ear, &ended)).ok();
        Self { done: Some(done), thread }
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        self.done.take();
        if let Some(thread) = self.thread.take() {
            // A painter that panicked has nothing more to show.
            let _ended = thread.join();
        }
    }
}

fn paint(ear: &Ear, ended: &Receiver<()>) {
    let live = stderr().is_terminal();
    let mut shown = Shown::default();
    loop {
        let over = !matches!(ended.recv_timeout(REFRESH), Err(RecvTimeoutError::Timeout));
        let text = ear.with(|heard| shown.next(heard, live && !over));
        // If the terminal is gone there is nobody to tell.
        let _written = stderr().write_all(text.as_bytes());
        if over {
            return;
        }
    }
}

/// What is on the screen already.
#[derive(Debug, Default)]
struct Shown {
    lines: usize,
    episodes: usize,
}

impl Shown {
    /// What to write to bring the screen up to date: events scroll, the status stays below them.
    fn next(&mut self, heard: &mut Heard, live: bool) -> String {
        let mut text = String::new();
        if self.lines > 0 {
            let _ = write!(text, "\x1b[{}A\x1b[J", self.lines);
        }
        // After each takeover one proposal is outlived: it is counted, but no news.
        for notice in heard.notices.drain(..).filter(|notice| notice.code != "proposal_old_epoch") {
            let _ = writeln!(text, "  ! {}: {}", notice.source, notice.text);
        }
        let ended = heard.episodes.values().skip(self.episodes);
        for episode in ended {
            let _ = writeln!(text, "{}", episode_line(episode));
        }
        self.episodes = heard.episodes.len();
        let lines = match (&heard.status, live) {
            (Some(status), true) => status_lines(status, heard.watermark.as_ref()),
            (None, _) | (Some(_), false) => Vec::new(),
        };
        for line in &lines {
            let _ = writeln!(text, "{line}");
        }
        self.lines = lines.len();
        text
    }
}

/// One line about an episode that has ended.
pub(crate) fn episode_line(episode: &EpisodeRecord) -> String {
    #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
    let seconds = (episode.end_nanos - episode.start_nanos) as f64 / 1e9;
    format!(
        "  episode {:>3}  {:<9}  {:>5.1} s  takeovers {}  rewinds {}  human ticks {}",
        episode.episode,
        verdict(episode),
        seconds,
        episode.takeovers,
        episode.rewinds,
        episode.human_ticks
    )
}

/// The verdict as a word.
pub(crate) fn verdict(episode: &EpisodeRecord) -> String {
    let name = episode.verdict().as_str_name().trim_start_matches("VERDICT_").to_lowercase();
    if name == "unspecified" { "no verdict".into() } else { name }
}

fn status_lines(status: &Status, watermark: Option<&Watermark>) -> Vec<String> {
    let counters = status.counters.unwrap_or_default();
    let groups: Vec<String> = status.groups.iter().map(|group| owner(group, status.stopped)).collect();
    let phase = status.phase().as_str_name().trim_start_matches("PHASE_").to_lowercase();
    let mut lines = vec![
        format!("  {}", groups.join("   ")),
        format!(
            "  episode {} {}   success {} failure {} discarded {}   takeovers {}   rewinds {}   human ticks {}",
            status.episode,
            phase,
            status.successes,
            status.failures,
            status.discarded,
            counters.takeovers,
            counters.rewinds,
            counters.human_ticks
        ),
        format!(
            "  tick {} at {} Hz   late p50 {} µs  p99 {} µs  worst {} µs   late ticks {}   operator {}",
            status.tick,
            status.control_hz,
            status.jitter_p50_us,
            status.jitter_p99_us,
            status.jitter_max_us,
            counters.late_ticks,
            if status.operator.is_empty() { "nobody" } else { &status.operator }
        ),
        recording_line(watermark),
    ];
    if !status.prompt.is_empty() {
        lines.push(format!("  \x1b[1m{}\x1b[0m", status.prompt));
    }
    lines
}

fn recording_line(watermark: Option<&Watermark>) -> String {
    match watermark {
        None => "  not recording".into(),
        Some(mark) if !mark.recording => format!("  \x1b[1;31mNOT RECORDING\x1b[0m: {}", mark.error),
        Some(mark) => {
            #[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
            let (written, free) = (mark.bytes as f64 / 1e6, mark.disk_free_bytes as f64 / 1e9);
            format!("  safe on disk up to tick {}   {written:.1} MB   {free:.0} GB free", mark.tick)
        }
    }
}

/// A group's owner in the colour it has everywhere: policy blue, human green, rewind purple, hold amber, stop red.
fn owner(group: &GroupStatus, stopped: bool) -> String {
    let (colour, word) = match group.owner() {
        _ if stopped => ("41;97", "STOP"),
        Owner::Policy => ("44;97", "POLICY"),
        Owner::Human => ("42;30", "HUMAN"),
        Owner::Shared => ("46;30", "SHARED"),
        Owner::Rewind => ("45;97", "REWIND"),
        Owner::Hold | Owner::Unspecified => ("43;30", "HOLD"),
    };
    format!("{} \x1b[{colour}m {word:^8} \x1b[0m", group.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_says_who_drives_and_what_is_safe() {
        let group = |name: &str, owner: Owner| GroupStatus {
            name: name.into(),
            owner: owner.into(),
            ..GroupStatus::default()
        };
        let status = Status {
            groups: vec![group("arm", Owner::Human), group("gripper", Owner::Policy)],
            prompt: "Hold.".into(),
            ..Status::default()
        };
        let mark = Watermark { recording: true, tick: 77, ..Watermark::default() };
        let text = status_lines(&status, Some(&mark)).join("\n");
        for word in ["arm", "HUMAN", "gripper", "POLICY", "tick 77", "Hold."] {
            assert!(text.contains(word), "{word} is missing in\n{text}");
        }
        let stopped = Status { stopped: true, ..status };
        assert!(status_lines(&stopped, None)[0].matches("STOP").count() == 2);
        let failed = Watermark { recording: false, error: "disk full".into(), ..Watermark::default() };
        assert!(recording_line(Some(&failed)).contains("disk full"));
    }

    #[test]
    fn events_are_written_once_and_the_status_is_painted_over() {
        let mut heard = Heard { status: Some(Status::default()), ..Heard::default() };
        heard.episodes.insert(1, EpisodeRecord { episode: 1, ..EpisodeRecord::default() });
        let mut shown = Shown::default();
        let first = shown.next(&mut heard, true);
        assert!(first.contains("episode   1") && !first.starts_with('\x1b'));
        let second = shown.next(&mut heard, true);
        assert!(!second.contains("episode   1") && second.starts_with("\x1b["));
        assert_eq!(
            Shown::default().next(&mut Heard { status: Some(Status::default()), ..Heard::default() }, false),
            ""
        );
    }
}
