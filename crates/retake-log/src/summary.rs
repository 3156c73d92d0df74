//! What is in a recording.
//!
//! Everything that the ticks tell is rebuilt from them, so that an episode that a crash cut off is there up to its last
//! tick. Where the arbiter's own records of a segment or an episode exist they count, and must agree.

mod branches;
mod episodes;
mod files;
mod render;
mod segments;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use retake_wire::{Message, Topic, pb::TickRecord};
use serde::{Deserialize, Serialize};

use crate::{Integrity, LogError, Logged, Raw, Recording, recording::topic_of};
use branches::Branches;
use episodes::Episodes;
use segments::Segments;

pub use branches::{BranchSegment, BranchSummary, Moment};
pub use episodes::EpisodeSummary;
pub use files::SegmentFile;
pub(crate) use files::state;
pub use render::{render_info, render_show, table};
pub use segments::SegmentSummary;
pub use tree::render_tree;

/// Messages of one topic.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TopicSummary {
    /// Full key.
    pub topic: String,
    /// How many.
    pub messages: u64,
    /// Their bytes, before compression.
    pub bytes: u64,
    /// Per second, from the first to the last.
    pub hz: f64,
}

/// Messages that the recorder knows to be missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GapSummary {
    /// Full key; empty if it is not known.
    pub topic: String,
    /// How many.
    pub count: u64,
    /// First loss, seconds from the recording's start.
    pub from_seconds: f64,
    /// Last loss, seconds from the recording's start.
    pub to_seconds: f64,
}

/// A recording as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Info {
    /// Where it is.
    pub path: String,
    /// `closed`, `recovered`, `cut off`, `being recorded`, or `single file`.
    pub state: String,
    /// Session, hexadecimal; empty if not known.
    pub session: String,
    /// Robot; empty if not known.
    pub robot: String,
    /// Version of retake that recorded it; empty if not known.
    pub retake: String,
    /// Time of day of the start, for people; empty if not known.
    pub started: String,
    /// Command line that recorded it.
    pub command_line: Vec<String>,
    /// Seed of the session.
    pub seed: Option<u64>,
    /// From the first message to the last.
    pub seconds: f64,
    /// All messages.
    pub messages: u64,
    /// Size of all files.
    pub bytes: u64,
    /// Per topic.
    pub topics: Vec<TopicSummary>,
    /// Per file.
    pub files: Vec<SegmentFile>,
    /// Ticks recorded.
    pub ticks: u64,
    /// Ticks missing between the first and the last.
    pub missing_ticks: u64,
    /// The last tick recorded.
    pub last_tick: Option<u64>,
    /// Episode and tick of the last watermark that is itself recorded. What was acknowledged later is there as well.
    pub last_watermark: Option<(u64, u64)>,
    /// Known losses.
    pub gaps: Vec<GapSummary>,
    /// Versions of the policies that were asked.
    pub policies: Vec<String>,
    /// Operators who had a device.
    pub operators: Vec<String>,
    /// Cameras.
    pub cameras: Vec<String>,
    /// What was wrong with the files.
    pub integrity: Integrity,
    /// Segment records of the arbiter that the ticks contradict: zero, or there is a defect.
    pub contradictions: u64,
}

/// What is in a recording.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// As a whole.
    pub info: Info,
    /// Its episodes, in order.
    pub episodes: Vec<EpisodeSummary>,
}

/// Reads a recording through and tells what is in it. Changes nothing.
///
/// # Errors
/// If the system refuses to read.
pub fn summary(recording: &Recording) -> Result<Summary, LogError> {
    let wanted = [
        Topic::Tick,
        Topic::Segment,
        Topic::Branch,
        Topic::Episode,
        Topic::Gap,
        Topic::Watermark,
        Topic::Descriptor,
        Topic::PolicyInfo,
    ];
    let mut messages = recording.messages_on(&wanted);
    let mut seen = Seen::default();
    while let Some((segment, raw)) = messages.next_raw()? {
        seen.count(segment, &raw);
        if let Some(logged) = messages.decode(segment, &raw) {
            seen.note(&logged);
        }
    }
    let integrity = messages.integrity().clone();
    seen.finish(recording, integrity)
}

#[derive(Debug, Default)]
struct Count {
    messages: u64,
    bytes: u64,
    first: u64,
    last: u64,
}

/// What has been met so far.
#[derive(Debug, Default)]
struct Seen {
    topics: BTreeMap<String, Count>,
    per_file: BTreeMap<u32, u64>,
    bounds: Option<(u64, u64)>,
    /// Monotonic time of the first message and of the first tick; two clocks, if the arbiter runs elsewhere.
    origin: Option<i64>,
    ticks: u64,
    missing_ticks: u64,
    last_tick: Option<u64>,
    last_watermark: Option<(u64, u64)>,
    gaps: Vec<GapSummary>,
    policies: BTreeSet<String>,
    operators: BTreeSet<String>,
    cameras: BTreeSet<String>,
    segments: Segments,
    branches: Branches,
    episodes: Episodes,
}

/// No recording needs more names of one kind.
const MAX_NAMES: usize = 1_000;
/// Later losses are in the counts only.
const MAX_GAPS: usize = 1_000;

impl Seen {
    fn count(&mut self, segment: u32, raw: &Raw) {
        let at = raw.log_nanos;
        let count = match self.topics.get_mut(&raw.channel.topic) {
            Some(count) => count,
            None => {
                if topic_of(raw) == Some(Topic::Camera)
                    && let Some((_, name)) = raw.channel.topic.rsplit_once('/')
                {
                    self.cameras.insert(name.to_owned());
                }
                let fresh = Count { first: at, ..Count::default() };
                self.topics.entry(raw.channel.topic.clone()).or_insert(fresh)
            }
        };
        count.messages += 1;
        count.bytes += raw.data.len() as u64;
        count.last = at;
        *self.per_file.entry(segment).or_default() += 1;
        let (first, last) = self.bounds.unwrap_or((at, at));
        self.bounds = Some((first.min(at), last.max(at)));
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are counted and tell nothing more")]
    fn note(&mut self, logged: &Logged) {
        let origin = *self.origin.get_or_insert(logged.at.wire_nanos());
        match &logged.message {
            Message::Tick(tick) => self.tick(tick),
            Message::Segment(record) => self.segments.record(record),
            Message::Branch(record) => self.branches.record(record),
            Message::Episode(record) => {
                name(&mut self.operators, &record.operator);
                name(&mut self.policies, &record.policy_version);
                self.episodes.record(record);
            }
            Message::Gap(gap) if self.gaps.len() < MAX_GAPS => self.gaps.push(GapSummary {
                topic: gap.topic.clone(),
                count: gap.count,
                from_seconds: seconds(origin, gap.first_nanos),
                to_seconds: seconds(origin, gap.last_nanos),
            }),
            Message::Watermark(watermark) => self.last_watermark = Some((watermark.episode, watermark.tick)),
            Message::Descriptor(descriptor) => {
                self.segments.set_groups(descriptor.groups.iter().map(|group| group.name.clone()).collect());
            }
            Message::PolicyInfo(info) => name(&mut self.policies, &info.version),
            _ => {}
        }
    }

    fn tick(&mut self, tick: &TickRecord) {
        self.ticks += 1;
        if let Some(last) = self.last_tick {
            let missing = tick.tick.saturating_sub(last).saturating_sub(1);
            self.missing_ticks = self.missing_ticks.saturating_add(missing);
        }
        self.last_tick = Some(tick.tick);
        name(&mut self.policies, &tick.policy_version);
        if let Some(input) = &tick.input {
            name(&mut self.operators, &input.operator);
        }
        self.segments.tick(tick);
        self.branches.tick(tick);
        self.episodes.tick(tick);
    }

    fn finish(self, recording: &Recording, integrity: Integrity) -> Result<Summary, LogError> {
        let manifest = recording.manifest();
        let (segments, contradictions) = self.segments.finish();
        let files = files::list(recording, &self.per_file)?;
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        let (first, last) = self.bounds.unwrap_or_default();
        let info = Info {
            path: recording.path().to_string_lossy().into_owned(),
            state: state(recording),
            session: text(manifest.map(|manifest| &manifest.session)),
            robot: text(manifest.map(|manifest| &manifest.robot)),
            retake: text(manifest.map(|manifest| &manifest.retake)),
            started: text(manifest.map(|manifest| &manifest.started)),
            command_line: manifest.map(|manifest| manifest.extras.command_line.clone()).unwrap_or_default(),
            seed: manifest.and_then(|manifest| manifest.extras.seed),
            seconds: span(first, last),
            messages: self.topics.values().map(|count| count.messages).sum(),
            bytes: files.iter().map(|file| file.bytes).sum(),
            topics: self.topics.into_iter().map(topic).collect(),
            files,
            ticks: self.ticks,
            missing_ticks: self.missing_ticks,
            last_tick: self.last_tick,
            last_watermark: self.last_watermark,
            gaps: self.gaps,
            policies: self.policies.into_iter().collect(),
            operators: self.operators.into_iter().collect(),
            cameras: self.cameras.into_iter().collect(),
            integrity,
            contradictions,
        };
        let mut episodes = self.episodes.finish(segments);
        for episode in &mut episodes {
            self.branches.complete(episode);
        }
        Ok(Summary { info, episodes })
    }
}

fn name(names: &mut BTreeSet<String>, name: &str) {
    if !name.is_empty() && names.len() < MAX_NAMES && !names.contains(name) {
        names.insert(name.to_owned());
    }
}

fn topic((topic, count): (String, Count)) -> TopicSummary {
    let seconds = span(count.first, count.last);
    let hz = if seconds > 0.0 { (count.messages - 1) as f64 / seconds } else { 0.0 };
    TopicSummary { topic, messages: count.messages, bytes: count.bytes, hz }
}

fn span(first: u64, last: u64) -> f64 {
    last.saturating_sub(first) as f64 * 1e-9
}

fn seconds(origin: i64, nanos: i64) -> f64 {
    nanos.saturating_sub(origin) as f64 * 1e-9
}

/// The word for a Protobuf value: `OWNER_POLICY` without its prefix, in small letters.
fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase()
}
