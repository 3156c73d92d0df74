//! The attempts of a recording, without their rows.

use std::{collections::BTreeMap, sync::Arc};

use retake_labels::{Rule, Step, label};
use retake_log::{Integrity, Logged};
use retake_wire::{
    Message, Topic,
    pb::{EpisodeRecord, Gap, Phase, RobotDescriptor, TickRecord},
};

use crate::{DatasetError, Episode, Key, Source, handover};

/// What is in a recording.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    /// Attempts that ran, in order.
    pub episodes: Vec<Episode>,
    /// What was wrong with the files.
    pub integrity: Integrity,
    /// Cameras that frames were recorded of.
    pub cameras: Vec<String>,
}

const READ: [Topic; 4] = [Topic::Descriptor, Topic::Tick, Topic::Episode, Topic::Gap];

/// Reads a recording through, and labels its attempts by `rule`. `progress` is told how many ticks were read so far.
///
/// # Errors
/// If the system refuses to read.
pub fn scan(source: &Source, rule: &Rule, mut progress: impl FnMut(u64)) -> Result<Scan, DatasetError> {
    let mut reader = Reader { name: source.name.clone(), ..Reader::default() };
    let mut messages = source.recording.messages_on(&READ);
    let mut cameras = std::collections::BTreeSet::new();
    let mut ticks = 0;
    while let Some((segment, raw)) = messages.next_raw()? {
        if retake_log::topic_of(&raw) == Some(Topic::Camera) {
            let name = raw.channel.topic.rsplit_once('/').map_or("", |(_, name)| name);
            if !cameras.contains(name) {
                cameras.insert(name.to_owned());
            }
            continue;
        }
        if let Some(Logged { message, .. }) = messages.decode(segment, &raw) {
            if matches!(message, Message::Tick(_)) {
                ticks += 1;
                progress(ticks);
            }
            reader.note(message);
        }
    }
    let integrity = messages.integrity().clone();
    let episodes = reader.finish(rule);
    Ok(Scan { episodes, integrity, cameras: cameras.into_iter().collect() })
}

/// An attempt that is being read.
struct Open {
    robot: Arc<RobotDescriptor>,
    record: EpisodeRecord,
    ended: bool,
    ticks: Vec<u64>,
    steps: Vec<Vec<Step>>,
    at_nanos: Vec<i64>,
    missing_ticks: u64,
    frames_dropped: u64,
    messages_lost: u64,
    handover_step: f64,
    problems: Vec<String>,
}

#[derive(Default)]
struct Reader {
    name: String,
    run: u32,
    robot: Option<Arc<RobotDescriptor>>,
    last: Option<TickRecord>,
    /// Told before their first row.
    records: BTreeMap<(u32, u64), EpisodeRecord>,
    open: BTreeMap<(u32, u64), Open>,
}

impl Reader {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only these topics are read")]
    fn note(&mut self, message: Message) {
        match message {
            Message::Descriptor(descriptor) if self.robot.as_deref() != Some(&descriptor) => {
                self.robot = Some(Arc::new(descriptor));
            }
            Message::Episode(record) if record.episode > 0 => self.record(record),
            Message::Gap(gap) => self.gap(&gap),
            Message::Tick(tick) => self.tick(tick),
            _ => {}
        }
    }

    fn record(&mut self, record: EpisodeRecord) {
        let name = (self.run, record.episode);
        if let Some(open) = self.open.get_mut(&name) {
            open.ended |= record.phase() == Phase::Ended;
            open.record = record;
        } else {
            self.records.insert(name, record);
        }
    }

    /// Losses are told at most a second after they began, and belong to the attempt that ran last.
    fn gap(&mut self, gap: &Gap) {
        let Some((_, open)) = self.open.iter_mut().next_back() else { return };
        if gap.topic.contains("/camera/") {
            open.frames_dropped += gap.count;
        } else {
            open.messages_lost += gap.count;
        }
    }

    fn tick(&mut self, tick: TickRecord) {
        if self.last.as_ref().is_some_and(|last| tick.tick <= last.tick) {
            // The arbiter was started again, and counts anew.
            (self.run, self.last) = (self.run + 1, None);
        }
        let running = tick.phase() == Phase::Running && tick.episode > 0;
        if let Some(robot) = self.robot.clone().filter(|_| running) {
            let name = (self.run, tick.episode);
            let record = self.records.remove(&name);
            let open = self.open.entry(name).or_insert_with(|| Open::new(&robot, &tick, record));
            open.row(&robot, &tick, self.last.as_ref());
        }
        self.last = Some(tick);
    }

    fn finish(self, rule: &Rule) -> Vec<Episode> {
        let named = |(run, episode)| Key { recording: self.name.clone(), run, episode };
        self.open.into_iter().map(|(name, open)| open.finish(named(name), rule)).collect()
    }
}

impl Open {
    fn new(robot: &Arc<RobotDescriptor>, tick: &TickRecord, record: Option<EpisodeRecord>) -> Self {
        let told = EpisodeRecord {
            episode: tick.episode,
            policy_version: tick.policy_version.clone(),
            task: robot.task.clone(),
            ..EpisodeRecord::default()
        };
        Self {
            robot: Arc::clone(robot),
            ended: false,
            record: record.unwrap_or(told),
            ticks: Vec::new(),
            steps: vec![Vec::new(); robot.groups.len()],
            at_nanos: Vec::new(),
            missing_ticks: 0,
            frames_dropped: 0,
            messages_lost: 0,
            handover_step: 0.0,
            problems: Vec::new(),
        }
    }

    fn problem(&mut self, what: String) {
        const MOST: usize = 20;
        if self.problems.len() < MOST && !self.problems.contains(&what) {
            self.problems.push(what);
        }
    }

    fn row(&mut self, robot: &Arc<RobotDescriptor>, tick: &TickRecord, last: Option<&TickRecord>) {
        if *self.robot != **robot {
            self.problem(format!("the robot's description changed at tick {}", tick.tick));
        }
        if tick.groups.len() != self.robot.groups.len() {
            return self.problem(format!("tick {} is of another robot", tick.tick));
        }
        for (group, limits) in tick.groups.iter().zip(&self.robot.groups) {
            let (command, measured) = (&group.command, &group.measured);
            let sizes = [command.len(), measured.len()];
            let finite = command.iter().chain(measured).all(|value| value.is_finite());
            if sizes != [limits.lower.len(); 2] || !finite {
                return self.problem(format!("tick {} has no usable values of {}", tick.tick, limits.name));
            }
        }
        if let Some(before) = self.ticks.last() {
            self.missing_ticks += tick.tick - before - 1;
        }
        if let Some(last) = last.filter(|last| last.tick + 1 == tick.tick) {
            self.handover_step = self.handover_step.max(handover::step(&self.robot, last, tick));
        }
        self.ticks.push(tick.tick);
        self.at_nanos.push(tick.at_nanos);
        for (steps, group) in self.steps.iter_mut().zip(&tick.groups) {
            steps.push(Step { at_nanos: tick.at_nanos, kind: group.segment() });
        }
    }

    fn finish(mut self, key: Key, rule: &Rule) -> Episode {
        if self.missing_ticks > 0 {
            self.problem(format!("{} ticks are missing", self.missing_ticks));
        }
        if self.messages_lost > 0 {
            self.problem(format!("{} messages were lost while it was recorded", self.messages_lost));
        }
        if self.at_nanos.windows(2).any(|pair| pair[0] > pair[1]) {
            self.problem("its times go back".into());
        }
        Episode {
            key,
            robot: self.robot,
            record: self.record,
            ended: self.ended,
            labels: self.steps.iter().map(|steps| label(steps, rule)).collect(),
            ticks: self.ticks,
            at_nanos: self.at_nanos,
            missing_ticks: self.missing_ticks,
            frames_dropped: self.frames_dropped,
            messages_lost: self.messages_lost,
            handover_step: self.handover_step,
            problems: self.problems,
        }
    }
}
