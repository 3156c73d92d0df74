//! Summaries as people read them.

use std::fmt::Write as _;

use super::{EpisodeSummary, Info, SegmentSummary, Summary};

/// The text of `retake log info`.
pub fn render_info(info: &Info) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(text, "{name:<10} {value}");
        }
    };
    line("recording", info.path.clone());
    line("state", state(info));
    line("started", info.started.clone());
    line("robot", info.robot.clone());
    line("session", info.session.clone());
    line("retake", info.retake.clone());
    line("seed", info.seed.map(|seed| seed.to_string()).unwrap_or_default());
    line("command", info.command_line.join(" "));
    line("duration", format!("{:.1} s", info.seconds));
    line("size", format!("{} in {} files", bytes(info.bytes), info.files.len()));
    line("messages", info.messages.to_string());
    line("ticks", ticks(info));
    let durable = info.last_watermark.map(|(episode, tick)| format!("episode {episode}, tick {tick}"));
    line("watermark", durable.unwrap_or_default());
    line("policies", info.policies.join(", "));
    line("operators", info.operators.join(", "));
    line("cameras", info.cameras.join(", "));
    let rows = info.topics.iter().map(|topic| {
        [topic.topic.clone(), topic.messages.to_string(), format!("{:.1}", topic.hz), bytes(topic.bytes)]
    });
    table(&mut text, ["topic", "messages", "per s", "bytes"], rows.collect());
    let rows = info.files.iter().map(|file| {
        let end = if file.complete { "complete" } else { "no footer" };
        let end = if file.cut_bytes > 0 {
            format!("repaired, {} cut", bytes(file.cut_bytes))
        } else {
            end.to_owned()
        };
        [file.file.clone(), file.messages.to_string(), bytes(file.bytes), end]
    });
    table(&mut text, ["file", "messages", "size", "end"], rows.collect());
    let rows = info.gaps.iter().map(|gap| {
        let topic = if gap.topic.is_empty() { "(unknown)".to_owned() } else { gap.topic.clone() };
        [topic, gap.count.to_string(), format!("{:.2}", gap.from_seconds), format!("{:.2}", gap.to_seconds)]
    });
    table(&mut text, ["not recorded", "count", "from s", "to s"], rows.collect());
    let rows = info.integrity.faults.iter().map(|fault| {
        [fault.file.clone(), fault.offset.to_string(), bytes(fault.bytes), fault.reason.clone()]
    });
    table(&mut text, ["damaged file", "at byte", "lost", "why"], rows.collect());
    text
}

fn state(info: &Info) -> String {
    let advice = if info.state == "cut off" {
        "; recovery will repair it when recording starts there again"
    } else {
        ""
    };
    let doubt = if info.contradictions > 0 {
        format!("; {} segment records contradict the ticks", info.contradictions)
    } else {
        String::new()
    };
    format!("{}{advice}{doubt}", info.state)
}

fn ticks(info: &Info) -> String {
    let last = info.last_tick.map(|last| format!(", the last is {last}")).unwrap_or_default();
    let missing =
        if info.missing_ticks > 0 { format!(", {} missing", info.missing_ticks) } else { String::new() };
    format!("{}{last}{missing}", info.ticks)
}

/// The text of `retake log show`.
pub fn render_show(summary: &Summary) -> String {
    let mut text = String::new();
    if summary.episodes.is_empty() {
        text.push_str("no episodes\n");
    }
    for episode in &summary.episodes {
        heading(&mut text, episode);
        table(&mut text, ["  group", "kind", "ticks", "seconds", "began", "ended"], rows(&episode.segments));
    }
    text
}

/// The verdict, and why the episode ended.
pub(super) fn verdict(episode: &EpisodeSummary) -> String {
    let verdict = match (episode.verdict.as_str(), episode.ended) {
        ("", true) => "no verdict",
        ("", false) => "not ended",
        (verdict, _) => verdict,
    };
    if episode.reason.is_empty() { verdict.to_owned() } else { format!("{verdict} ({})", episode.reason) }
}

pub(super) fn heading(text: &mut String, episode: &EpisodeSummary) {
    let _ = write!(text, "\nepisode {}: {}", episode.episode, verdict(episode));
    let _ = write!(
        text,
        ", ticks {}..{}, {:.1} s, {} takeovers, {} rewinds, {} human ticks",
        episode.start_tick,
        episode.end_tick,
        episode.end_seconds - episode.start_seconds,
        episode.takeovers,
        episode.rewinds,
        episode.human_ticks
    );
    for (name, value) in
        [("task", &episode.task), ("policy", &episode.policy), ("operator", &episode.operator)]
    {
        if !value.is_empty() {
            let _ = write!(text, ", {name} {value}");
        }
    }
    if let Some(seed) = episode.seed {
        let _ = write!(text, ", seed {seed}");
    }
    text.push('\n');
}

fn rows(segments: &[SegmentSummary]) -> Vec<[String; 6]> {
    let row = |segment: &SegmentSummary| {
        [
            format!("  {}", segment.group),
            segment.kind.clone(),
            format!("{}..{}", segment.start_tick, segment.end_tick),
            format!("{:.2}..{:.2}", segment.start_seconds, segment.end_seconds),
            segment.began.clone(),
            if segment.ended.is_empty() { "(recording ends)".to_owned() } else { segment.ended.clone() },
        ]
    };
    segments.iter().map(row).collect()
}

/// Adds a table with aligned columns to `text`, after an empty line; nothing if there are no rows.
pub fn table<const N: usize>(text: &mut String, head: [&str; N], rows: Vec<[String; N]>) {
    if rows.is_empty() {
        return;
    }
    let mut widths = head.map(|cell| cell.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    text.push('\n');
    for row in std::iter::once(head.map(str::to_owned)).chain(rows) {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(&row) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}
