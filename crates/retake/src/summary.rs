//! What a run came to.

use std::{fmt::Write as _, path::PathBuf};

use retake_deployment::Settings;
use retake_recorder::RecorderReport;
use serde::Serialize;

use crate::{collect::Heard, paint::verdict};

/// Verdicts of all episodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Verdicts {
    pub(crate) success: u64,
    pub(crate) failure: u64,
    pub(crate) discarded: u64,
    pub(crate) none: u64,
}

/// One episode.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct EpisodeSummary {
    pub(crate) episode: u64,
    pub(crate) seed: u64,
    pub(crate) verdict: String,
    pub(crate) takeovers: u32,
    pub(crate) rewinds: u32,
    pub(crate) human_ticks: u64,
    pub(crate) seconds: f64,
}

/// A whole run; `retake demo --json` prints exactly this.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) task: String,
    pub(crate) policy: String,
    pub(crate) operator: String,
    pub(crate) lockstep: bool,
    pub(crate) episodes: u64,
    pub(crate) verdicts: Verdicts,
    pub(crate) takeovers: u64,
    pub(crate) rewinds: u64,
    pub(crate) human_ticks: u64,
    pub(crate) ticks: u64,
    pub(crate) late_ticks: u64,
    pub(crate) proposals_refused: u64,
    pub(crate) inputs_refused: u64,
    pub(crate) commands_refused: u64,
    pub(crate) messages_dropped: u64,
    pub(crate) robot_seconds: f64,
    pub(crate) wall_seconds: f64,
    pub(crate) jitter_p99_us: u32,
    pub(crate) recording: Option<PathBuf>,
    pub(crate) camera_frames_dropped: u64,
    pub(crate) messages_lost: u64,
    pub(crate) attempts: Vec<EpisodeSummary>,
}

impl Summary {
    pub(crate) fn new(
        settings: &Settings,
        operator: String,
        lockstep: bool,
        heard: &Heard,
        recorded: Option<&RecorderReport>,
        wall_seconds: f64,
    ) -> Self {
        let status = heard.status.clone().unwrap_or_default();
        let counters = status.counters.unwrap_or_default();
        Self {
            task: settings.task.name.clone(),
            policy: settings.policy.version(),
            operator,
            lockstep,
            episodes: u64::try_from(heard.episodes.len()).unwrap_or(u64::MAX),
            verdicts: verdicts(heard),
            takeovers: counters.takeovers,
            rewinds: counters.rewinds,
            human_ticks: counters.human_ticks,
            ticks: status.tick,
            late_ticks: counters.late_ticks,
            proposals_refused: counters.proposals_refused,
            inputs_refused: counters.inputs_refused,
            commands_refused: counters.commands_refused,
            messages_dropped: counters.messages_dropped,
            robot_seconds: heard.began.map_or(0.0, |began| heard.now.since(began).as_secs_f64()),
            wall_seconds,
            jitter_p99_us: status.jitter_p99_us,
            recording: recorded.map(|report| report.path.clone()),
            camera_frames_dropped: recorded.map_or(0, |report| report.camera_frames_dropped),
            messages_lost: recorded.map_or(0, |report| report.messages_lost),
            attempts: heard.episodes.values().map(EpisodeSummary::of).collect(),
        }
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{} episodes: {} success, {} failure, {} discarded, {} without a verdict\n",
            self.episodes,
            self.verdicts.success,
            self.verdicts.failure,
            self.verdicts.discarded,
            self.verdicts.none
        );
        let _ = writeln!(
            text,
            "takeovers {}, rewinds {}, human ticks {} of {}; late ticks {}; refused: proposals {}, inputs {}, commands {}; \
             messages dropped {}",
            self.takeovers,
            self.rewinds,
            self.human_ticks,
            self.ticks,
            self.late_ticks,
            self.proposals_refused,
            self.inputs_refused,
            self.commands_refused,
            self.messages_dropped
        );
        let pace = self.robot_seconds / self.wall_seconds.max(1e-9);
        let _ = writeln!(
            text,
            "{:.1} s of robot time in {:.1} s ({pace:.1} times real time)",
            self.robot_seconds, self.wall_seconds
        );
        if let Some(path) = &self.recording {
            let _ = writeln!(text, "recording: {}", path.display());
            let _ = writeln!(
                text,
                "  look into it: retake log show {0}\n  see it again: retake replay {0}",
                path.display()
            );
        }
        text
    }
}

impl EpisodeSummary {
    fn of(episode: &retake_wire::pb::EpisodeRecord) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
        let seconds = (episode.end_nanos - episode.start_nanos) as f64 / 1e9;
        Self {
            episode: episode.episode,
            seed: episode.seed,
            verdict: verdict(episode),
            takeovers: episode.takeovers,
            rewinds: episode.rewinds,
            human_ticks: episode.human_ticks,
            seconds,
        }
    }
}

fn verdicts(heard: &Heard) -> Verdicts {
    use retake_wire::pb::Verdict;
    let mut verdicts = Verdicts::default();
    for episode in heard.episodes.values() {
        match episode.verdict() {
            Verdict::Success => verdicts.success += 1,
            Verdict::Failure => verdicts.failure += 1,
            Verdict::Discarded => verdicts.discarded += 1,
            Verdict::Unspecified => verdicts.none += 1,
        }
    }
    verdicts
}
