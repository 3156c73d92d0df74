//! A node that listens for the person at the terminal, and ends a run whose time is up.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    pb::{EpisodeRecord, Notice, Phase, Status, Watermark},
};

/// What has been heard so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) status: Option<Status>,
    pub(crate) watermark: Option<Watermark>,
    /// Ended episodes by number; a changed verdict replaces the first.
    pub(crate) episodes: BTreeMap<u64, EpisodeRecord>,
    /// Notices not yet shown, oldest first.
    pub(crate) notices: Vec<Notice>,
    pub(crate) notices_skipped: u64,
    pub(crate) began: Option<MonoTime>,
    pub(crate) now: MonoTime,
}

/// Shared with whoever paints; the node's own thread is the only one that writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ear(Arc<Mutex<Heard>>);

impl Ear {
    pub(crate) fn with<R>(&self, look: impl FnOnce(&mut Heard) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notices kept for the painter; more than fit on a screen.
const NOTICES: usize = 64;

/// The listening node.
#[derive(Debug)]
pub(crate) struct Listener {
    ear: Ear,
    end: Option<MonoTime>,
}

impl Listener {
    /// Ends the deployment at `end`, if there is one.
    pub(crate) const fn new(ear: Ear, end: Option<MonoTime>) -> Self {
        Self { ear, end }
    }
}

impl Node for Listener {
    fn name(&self) -> &'static str {
        "terminal"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[Topic::Status, Topic::Watermark, Topic::Episode, Topic::Notice]
    }

    fn publications(&self) -> &[Topic] {
        &[]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only subscribed topics arrive")]
    fn receive(&mut self, now: MonoTime, message: &Message, _: &mut Outbox) {
        self.ear.with(|heard| {
            heard.began.get_or_insert(now);
            heard.now = now;
            match message {
                Message::Status(status) => heard.status = Some(status.clone()),
                Message::Watermark(watermark) => heard.watermark = Some(watermark.clone()),
                Message::Episode(episode) if episode.phase() == Phase::Ended => {
                    heard.episodes.insert(episode.episode, episode.clone());
                }
                Message::Notice(notice) if heard.notices.len() < NOTICES => {
                    heard.notices.push(notice.clone())
                }
                Message::Notice(_) => heard.notices_skipped += 1,
                _ => {}
            }
        });
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        if self.end.is_some_and(|end| now >= end) {
            self.end = None;
            out.finish_deployment();
        }
    }

    fn next_wake(&self) -> Option<MonoTime> {
        self.end
    }
}
