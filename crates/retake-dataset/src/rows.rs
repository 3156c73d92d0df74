//! The steps of attempts, with everything that belongs to them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use retake_log::{Logged, Messages};
use retake_wire::{
    Message, Topic,
    foxglove::CompressedImage,
    pb::{Observation, TickRecord},
};

use crate::{DatasetError, Episode, Source};

/// A camera's picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When it was taken: the driver's monotonic clock, nanoseconds.
    pub captured_nanos: i64,
    /// JPEG.
    pub jpeg: Vec<u8>,
}

/// One tick of an attempt.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which of the episodes that were asked for.
    pub episode: usize,
    /// Row within it; also the index into its labels and times.
    pub row: usize,
    /// The arbiter's record of the tick: proposals, targets, commands, measured and applied values, owners, limits, input.
    pub tick: TickRecord,
    /// What the robot had observed when it was decided. None if that was not recorded.
    pub observation: Option<Arc<Observation>>,
    /// Per camera that was asked for, the newest picture taken no later than the observation; at the start of an attempt, and only
    /// there, the first one after it. None if there is none.
    pub frames: Vec<Option<Arc<Frame>>>,
}

/// Streams the rows of attempts of one recording, in order, with bounded memory.
#[derive(Debug)]
pub struct Rows<'a> {
    messages: Messages,
    episodes: &'a [Episode],
    cameras: Vec<String>,
    /// Run of the arbiter, and the last tick in it: counted as [`crate::scan`] counts them.
    run: u32,
    last: Option<u64>,
    /// Ticks read so far, of whatever attempt: time passes for those that wait, too, when nothing more is wanted.
    passed: usize,
    /// Ticks that wait for what was observed and taken before them and recorded after them.
    waiting: VecDeque<TickOf>,
    observations: VecDeque<Arc<Observation>>,
    frames: BTreeMap<String, VecDeque<Arc<Frame>>>,
    ended: bool,
}

#[derive(Debug)]
struct TickOf {
    episode: usize,
    row: usize,
    tick: TickRecord,
    /// Number of the tick in the recording.
    read: usize,
}

/// Ticks that wait at most: what belongs to a tick is recorded long before so many ticks after it.
const WAIT: usize = 32;
/// Observations and frames that are kept. At the usual rates more than ten times as long as ticks wait.
const KEPT: usize = 512;

impl<'a> Rows<'a> {
    /// The rows of `episodes`, which [`crate::scan`] found in `source`, with pictures of `cameras`.
    pub fn new(source: &Source, episodes: &'a [Episode], cameras: &[String]) -> Self {
        let mut topics = vec![Topic::Tick, Topic::Observation];
        if !cameras.is_empty() {
            topics.push(Topic::Camera);
        }
        Self {
            messages: source.recording.messages_on(&topics),
            episodes,
            cameras: cameras.to_vec(),
            run: 0,
            last: None,
            passed: 0,
            waiting: VecDeque::new(),
            observations: VecDeque::new(),
            frames: BTreeMap::new(),
            ended: false,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only these topics are read")]
    fn note(&mut self, message: Message) {
        match message {
            Message::Tick(tick) => self.tick(tick),
            Message::Observation(observation) => keep(&mut self.observations, Arc::new(observation)),
            Message::Camera(image) => self.frame(image),
            _ => {}
        }
    }

    fn tick(&mut self, tick: TickRecord) {
        if self.last.is_some_and(|last| tick.tick <= last) {
            self.run += 1;
        }
        self.last = Some(tick.tick);
        self.passed += 1;
        let is_it = |episode: &Episode| (episode.key.run, episode.key.episode) == (self.run, tick.episode);
        let Some(index) = self.episodes.iter().position(is_it) else { return };
        let Some(row) = self.episodes.get(index).and_then(|found| found.ticks.binary_search(&tick.tick).ok())
        else {
            return;
        };
        self.waiting.push_back(TickOf { episode: index, row, tick, read: self.passed });
    }

    fn frame(&mut self, image: CompressedImage) {
        if !self.cameras.contains(&image.frame_id) {
            return;
        }
        let taken = image.timestamp.unwrap_or_default();
        let captured_nanos =
            taken.seconds.saturating_mul(1_000_000_000).saturating_add(i64::from(taken.nanos));
        let frame = Arc::new(Frame { captured_nanos, jpeg: image.data });
        keep(self.frames.entry(image.frame_id).or_default(), frame);
    }

    fn joined(&self, TickOf { episode, row, tick, .. }: TickOf) -> Row {
        let seq = tick.observation_seq;
        let seen =
            |observation: &&Arc<Observation>| observation.header.is_some_and(|header| header.seq == seq);
        let observation = self.observations.iter().rev().find(seen).cloned();
        let at = observation.as_ref().map_or(i64::MAX, |observation| observation.captured_nanos);
        let newest = |camera: &String| {
            let frames = self.frames.get(camera)?;
            let before = frames.iter().rev().find(|frame| frame.captured_nanos <= at);
            // Nothing was taken before the first row of the first attempt.
            before.or_else(|| frames.front()).cloned()
        };
        let frames = self.cameras.iter().map(newest).collect();
        Row { episode, row, tick, observation, frames }
    }
}

fn keep<T>(queue: &mut VecDeque<T>, newest: T) {
    if queue.len() == KEPT {
        queue.pop_front();
    }
    queue.push_back(newest);
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended && self.waiting.front().is_none_or(|oldest| self.passed < oldest.read + WAIT) {
            match self.messages.next() {
                Some(Ok(Logged { message, .. })) => self.note(message),
                Some(Err(error)) => {
                    self.ended = true;
                    self.waiting.clear();
                    return Some(Err(error.into()));
                }
                None => self.ended = true,
            }
        }
        let oldest = self.waiting.pop_front()?;
        Some(Ok(self.joined(oldest)))
    }
}
