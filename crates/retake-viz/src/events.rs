//! What happened, in words.

use rerun::TextLog;
use retake_wire::pb;

use crate::{
    logger::Sink,
    paint::{driver, phase},
};

/// Where events are logged.
pub(crate) const EVENTS: &str = "events";

pub(crate) fn note(sink: &mut Sink, level: &str, text: &str) {
    sink.log(&format!("{EVENTS}/viz"), &TextLog::new(text).with_level(level));
}

pub(crate) fn notice(sink: &mut Sink, notice: &pb::Notice) {
    let text = format!("{}: {} [{}]", notice.source, notice.text, notice.code);
    sink.log(&format!("{EVENTS}/notices"), &TextLog::new(text).with_level("WARN"));
}

pub(crate) fn segment(sink: &mut Sink, segment: &pb::SegmentRecord) {
    let seconds = segment.end_nanos.saturating_sub(segment.start_nanos) as f64 * 1e-9;
    let text = format!(
        "{}: {} for {seconds:.1} s, ticks {} to {}, ended by {}",
        segment.group,
        word(segment.kind().as_str_name(), "SEGMENT_KIND_"),
        segment.start_tick,
        segment.end_tick,
        word(segment.ended().as_str_name(), "CAUSE_"),
    );
    let log = TextLog::new(text).with_level("INFO").with_color(driver(segment.owner(), false).colour);
    sink.log(&format!("{EVENTS}/segments"), &log);
}

pub(crate) fn episode(sink: &mut Sink, episode: &pb::EpisodeRecord) {
    let mut text = format!("episode {}: {}", episode.episode, phase(episode.phase()));
    if episode.phase() == pb::Phase::Ended {
        text += &format!(
            ", {} ({}), {} takeovers, {} rewinds",
            word(episode.verdict().as_str_name(), "VERDICT_"),
            word(episode.reason().as_str_name(), "END_REASON_"),
            episode.takeovers,
            episode.rewinds,
        );
    }
    sink.log(&format!("{EVENTS}/episodes"), &TextLog::new(text).with_level("INFO"));
}

/// `CAUSE_CLUTCH_PRESSED` is "clutch pressed".
pub(crate) fn word(name: &str, prefix: &str) -> String {
    let word = name.strip_prefix(prefix).unwrap_or(name).to_lowercase().replace('_', " ");
    if word == "unspecified" { "none".into() } else { word }
}
