//! What goes on around the decisions: episodes, segments, marks and counters.

use retake_authority::{Group, Owner, Stage};
use retake_episode::{Episode, Episodes, EpisodesConfig, Kind, Phase, Segment, Segments};
use retake_units::{MonoTime, Tick};
use retake_wire::pb::{self, Counters, EpisodeRecord, SegmentRecord};

use crate::words;

/// The session so far.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) episodes: Episodes,
    pub(crate) counters: Counters,
    segments: Segments<pb::Owner, pb::Cause>,
    /// Counters as they were when the current episode opened, and at which tick it began.
    at_open: Counters,
    start_tick: Tick,
    /// At which tick it ended; a verdict that changes later does not move it.
    end_tick: Option<Tick>,
    /// The policy has driven in this episode, so a human who drives is intervening.
    policy_drove: bool,
    /// From a takeover to its hand-back.
    intervening: bool,
}

impl Session {
    pub(crate) fn new(episodes: EpisodesConfig) -> Self {
        Self {
            episodes: Episodes::new(episodes),
            counters: Counters::default(),
            segments: Segments::new(0),
            at_open: Counters::default(),
            start_tick: Tick(0),
            end_tick: None,
            policy_drove: false,
            intervening: false,
        }
    }

    /// The robot has this many groups.
    pub(crate) fn begin(&mut self, groups: usize) {
        self.segments = Segments::new(groups);
    }

    /// A new episode is at its start state.
    pub(crate) fn opened(&mut self) {
        (self.at_open, self.policy_drove, self.intervening) = (self.counters, false, false);
        self.end_tick = None;
    }

    /// The episode is over.
    pub(crate) fn closed(&mut self, tick: Tick) {
        self.end_tick.get_or_insert(tick);
    }

    /// Somebody drives for the first time in the episode.
    pub(crate) const fn begun(&mut self, tick: Tick) {
        self.start_tick = tick;
    }

    /// A group got a new owner.
    pub(crate) fn owner_changed(&mut self, owner: Owner) {
        match owner {
            Owner::Policy { .. } => (self.policy_drove, self.intervening) = (true, false),
            Owner::Human | Owner::Shared { .. } | Owner::Rewind if self.policy_drove && !self.intervening => {
                self.intervening = true;
                self.counters.takeovers += 1;
            }
            Owner::Human | Owner::Shared { .. } | Owner::Rewind | Owner::Hold => {}
        }
    }

    /// What a group's tick is for.
    pub(crate) fn kind(&self, owner: Owner, stage: Stage) -> Kind {
        match (self.episodes.phase(), owner) {
            (Phase::Waiting | Phase::Resetting, _) => Kind::Reset,
            (_, Owner::Policy { .. }) => Kind::Policy,
            (_, Owner::Rewind) => Kind::Rewind,
            (_, Owner::Hold) => Kind::Hold,
            (_, Owner::Human | Owner::Shared { .. }) => match stage {
                Stage::Fresh | Stage::Demo => Kind::Demo,
                Stage::Recovery => Kind::Recovery,
                Stage::Policy | Stage::Correction => Kind::Correction,
            },
        }
    }

    /// One group at one tick; the segment that ended before it, if one did.
    pub(crate) fn tick(
        &mut self,
        index: usize,
        name: &str,
        (group, stage): (Group, Stage),
        now: (Tick, MonoTime),
    ) -> Option<SegmentRecord> {
        let (kind, episode) = (self.kind(group.owner, stage), self.episodes.current().number);
        let ended = self.segments.tick(
            index,
            episode,
            kind,
            words::owner(group.owner),
            words::cause(group.cause),
            now,
        )?;
        Some(segment_record(ended, name))
    }

    /// Ends every open segment.
    pub(crate) fn finish(
        &mut self,
        names: &[String],
        cause: pb::Cause,
        now: (Tick, MonoTime),
    ) -> Vec<SegmentRecord> {
        let ended = self.segments.finish(cause, now).into_iter();
        ended
            .map(|segment| segment_record(segment, names.get(segment.group).map_or("", String::as_str)))
            .collect()
    }

    /// The current episode, as recordings know it.
    pub(crate) fn record(&self, episode: Episode, task: &str, policy: &str, operator: &str) -> EpisodeRecord {
        let ended = episode.ended;
        let since = |count: fn(&Counters) -> u64| count(&self.counters) - count(&self.at_open);
        let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        EpisodeRecord {
            episode: episode.number,
            phase: words::phase(self.episodes.phase()).into(),
            seed: episode.seed,
            task: task.into(),
            policy_version: policy.into(),
            operator: operator.into(),
            verdict: words::verdict(ended.and_then(|(verdict, _, _)| verdict)).into(),
            reason: ended.map_or(pb::EndReason::Unspecified, |(_, reason, _)| words::reason(reason)).into(),
            start_tick: if episode.started.is_some() { self.start_tick.0 } else { 0 },
            end_tick: self.end_tick.map_or(0, |tick| tick.0),
            start_nanos: episode.started.map_or(0, MonoTime::wire_nanos),
            end_nanos: ended.map_or(0, |(_, _, at)| at.wire_nanos()),
            takeovers: small(since(|counters| counters.takeovers)),
            rewinds: small(since(|counters| counters.rewinds)),
            human_ticks: since(|counters| counters.human_ticks),
            ..EpisodeRecord::default()
        }
    }
}

fn segment_record(segment: Segment<pb::Owner, pb::Cause>, name: &str) -> SegmentRecord {
    SegmentRecord {
        episode: segment.episode,
        group: name.into(),
        kind: words::kind(segment.kind).into(),
        owner: segment.owner.into(),
        began: segment.began.into(),
        ended: segment.ended.into(),
        start_tick: segment.start.0.0,
        end_tick: segment.end.0.0,
        start_nanos: segment.start.1.wire_nanos(),
        end_nanos: segment.end.1.wire_nanos(),
    }
}
