//! Verifications as people read them.

use std::fmt::Write as _;

use super::{FileVerification, Verification};

/// The text of `retake log verify`.
pub fn render_verification(found: &Verification) -> String {
    let bytes: u64 = found.files.iter().map(|file| file.bytes).sum();
    let messages: u64 = found.files.iter().map(|file| file.messages).sum();
    let mut text = format!(
        "{}: {}; {} files, {bytes} bytes, {messages} messages: {}\n",
        found.path,
        found.state,
        found.files.len(),
        verdict(found)
    );
    for problem in &found.problems {
        let _ = writeln!(text, "  {problem}");
    }
    for file in &found.files {
        let _ = writeln!(
            text,
            "  {}: {} bytes, {} chunks, {} messages: {}",
            file.file,
            file.bytes,
            file.chunks,
            file.messages,
            if file.is_whole() { "whole" } else { "NOT WHOLE" }
        );
        details(&mut text, file);
    }
    ticks(&mut text, found);
    for loss in &found.known_losses {
        let topic = if loss.topic.is_empty() { "topics that are not known" } else { &loss.topic };
        let _ = writeln!(
            text,
            "  known loss: {} on {topic}, from {:.2} s to {:.2} s",
            loss.count, loss.from_seconds, loss.to_seconds
        );
    }
    text
}

fn verdict(found: &Verification) -> &'static str {
    match (found.whole, found.state.as_str()) {
        (true, _) => "whole",
        (false, "being recorded") => "not finished yet",
        (false, "cut off") => "CUT OFF; `retake log repair` makes it whole again",
        (false, _) => "DAMAGED",
    }
}

fn details(text: &mut String, file: &FileVerification) {
    if let Some(torn) = file.torn {
        let _ = writeln!(
            text,
            "    cut off: {} bytes from byte {} on are no whole record",
            torn.bytes, torn.offset
        );
    }
    for fault in &file.faults {
        let _ = writeln!(text, "    at byte {}, {} bytes: {}", fault.offset, fault.bytes, fault.reason);
    }
    for problem in file.index.iter().chain(&file.manifest) {
        let _ = writeln!(text, "    {problem}");
    }
    for (count, what) in [
        (file.foreign_messages, "messages on topics that are not retake's"),
        (file.undecodable_messages, "messages that cannot be decoded"),
        (file.cut_bytes, "bytes were left out by an earlier repair"),
    ] {
        if count > 0 {
            let _ = writeln!(text, "    {count} {what}");
        }
    }
}

fn ticks(text: &mut String, found: &Verification) {
    let Some((first, last)) = found.tick_range else { return };
    let _ = writeln!(text, "  {} ticks, {first} to {last}, {} missing", found.ticks, found.missing_ticks);
    for gap in &found.tick_gaps {
        let _ = writeln!(text, "    none between tick {} and tick {}", gap.after, gap.before);
    }
}
