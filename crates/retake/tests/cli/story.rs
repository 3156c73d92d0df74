//! What a recording tells, read in this process.

use std::path::{Path, PathBuf};

use retake_log::{Info, Recording, Summary, summary};
use retake_wire::{
    Message, Topic,
    pb::{Applied, TickRecord},
};

use crate::process::names_in;

/// The recording's contents, whatever state it is in.
pub(crate) fn told(recording: &Path) -> Summary {
    summary(&Recording::open(recording).unwrap()).unwrap()
}

/// The one recording in `dir`, as soon as it can be read.
pub(crate) fn recording_in(dir: &Path) -> Option<PathBuf> {
    if !dir.is_dir() {
        return None;
    }
    let path = dir.join(names_in(dir).first()?);
    Recording::open(&path).ok().filter(|recording| !recording.files().is_empty()).map(|_| path)
}

/// All ticks in it, in order.
pub(crate) fn ticks(recording: &Path) -> Vec<TickRecord> {
    messages(recording, Topic::Tick)
        .filter_map(|message| if let Message::Tick(tick) = message { Some(tick) } else { None })
        .collect()
}

/// All reports of the driver in it, in order.
pub(crate) fn applied(recording: &Path) -> Vec<Applied> {
    messages(recording, Topic::Applied)
        .filter_map(|message| if let Message::Applied(applied) = message { Some(applied) } else { None })
        .collect()
}

fn messages(recording: &Path, topic: Topic) -> impl Iterator<Item = Message> {
    Recording::open(recording).unwrap().messages_on(&[topic]).map(|logged| logged.unwrap().message)
}

/// Kinds of the arm's segments, in order, with why each began.
pub(crate) fn arm_segments(summary: &Summary) -> Vec<(String, String)> {
    let segments = summary.episodes.iter().flat_map(|episode| &episode.segments);
    segments
        .filter(|segment| segment.group == "arm")
        .map(|segment| (segment.kind.clone(), segment.began.clone()))
        .collect()
}

/// Closed by its writer, nothing missing, and nothing in it that contradicts the rest.
#[track_caller]
pub(crate) fn assert_whole(info: &Info) {
    assert_eq!(info.state, "closed", "{info:?}");
    assert!(info.integrity.is_whole(), "{info:?}");
    assert_eq!((info.missing_ticks, info.contradictions, info.gaps.len()), (0, 0, 0), "{info:?}");
    assert!(info.files.iter().all(|file| file.complete), "{info:?}");
}
