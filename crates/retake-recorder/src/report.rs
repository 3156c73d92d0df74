use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use retake_log::Mark;

/// What a recorder did, for the summary at the end of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecorderReport {
    /// The recording's directory.
    pub path: PathBuf,
    /// Durable bytes.
    pub bytes: u64,
    /// Durable messages.
    pub messages: u64,
    /// Segments begun.
    pub segments: u32,
    /// The last durable tick.
    pub mark: Option<Mark>,
    /// Camera frames that found no room.
    pub camera_frames_dropped: u64,
    /// Other messages that are not in the recording.
    pub messages_lost: u64,
    /// What went wrong, in words; empty if nothing did.
    pub errors: Vec<String>,
    /// Recordings of earlier runs that were found cut off and repaired.
    pub recovered: Vec<PathBuf>,
}

/// Where a recorder's report appears once it has finished.
#[derive(Clone, Debug, Default)]
pub struct ReportHandle(Arc<OnceLock<RecorderReport>>);

impl ReportHandle {
    /// The report; `None` until the recorder has finished.
    pub fn get(&self) -> Option<&RecorderReport> {
        self.0.get()
    }

    pub(crate) fn put(&self, report: RecorderReport) {
        // The first report stands: a recorder finishes once.
        let _ = self.0.set(report);
    }
}
