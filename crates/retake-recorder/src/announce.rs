//! What the recording side has to say to everyone.

use retake_log::{LogError, Mark};
use retake_wire::{
    Message,
    pb::{Notice, Watermark},
};

/// Something went wrong, in a code for programs and words for people.
pub(crate) fn notice(code: &str, text: String, mark: Option<Mark>) -> Message {
    let tick = mark.map_or(0, |mark| mark.tick);
    Notice { tick, code: code.to_owned(), text, source: "recorder".to_owned() }.into()
}

/// The code of a disk's refusal.
pub(crate) const fn code(error: &LogError) -> &'static str {
    if error.is_disk_full() { "recorder_disk_full" } else { "recorder_io_error" }
}

/// A watermark as it goes into the recording: without what is true of this machine and not of the recording, so that two
/// lockstep runs write the same.
pub(crate) fn for_the_record(watermark: &Watermark) -> Watermark {
    Watermark { disk_free_bytes: 0, path: String::new(), ..watermark.clone() }
}
