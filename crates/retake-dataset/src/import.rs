//! Demonstrations from elsewhere, as a recording of our own.

use std::path::Path;

use retake_log::{Anchor, Durability, Entry, Extras, LocalDisk, RecordingWriter, WriterConfig};
use retake_units::{MonoTime, WallTime};
use retake_wire::{
    Message, RobotId,
    foxglove::CompressedImage,
    pb::{
        Camera, Cause, CommandSpace, EndReason, EpisodeRecord, Group, GroupTick, GroupValues, Header,
        Observation, Owner, Phase, Pose, RobotDescriptor, SegmentKind, TickRecord, Verdict,
    },
};

use crate::DatasetError;

/// What demonstrations are of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// The robot: a-z, 0-9 and _.
    pub robot: String,
    /// Steps per second.
    pub hz: f64,
    /// Name and values of each group: what is commanded, and what is measured.
    pub groups: Vec<(String, Vec<String>)>,
    /// Name, width and height of each camera.
    pub cameras: Vec<(String, u32, u32)>,
    /// Where they come from, for the record.
    pub origin: String,
}

/// One step of a demonstration. Values per group, in the order and units of the robot it is of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportedStep {
    /// Where the robot was.
    pub measured: Vec<Vec<f64>>,
    /// Where it was sent.
    pub command: Vec<Vec<f64>>,
    /// Where things were, if that is known.
    pub objects: Vec<Pose>,
    /// Per camera, a JPEG; empty for none at this step.
    pub frames: Vec<Vec<u8>>,
}

/// Writes demonstrations into a new recording: its ticks say that a human drove from the start, so that everything that reads
/// recordings takes them for what they are.
#[derive(Debug)]
pub struct Importer {
    what: Imported,
    writer: RecordingWriter,
    period_nanos: u64,
    now: u64,
    tick: u64,
    episode: EpisodeRecord,
}

/// Nothing is known of the limits of a robot of elsewhere.
const NO_LIMIT: f64 = 1e9;
/// Steps between two commits.
const COMMIT: u64 = 1024;

impl Importer {
    /// A new recording `name` in `dir`, said to be made at `wall`.
    ///
    /// # Errors
    /// If it is there already, the disk refuses, or `what` describes no robot.
    pub fn new(dir: &Path, name: &str, what: Imported, wall: WallTime) -> Result<Self, DatasetError> {
        let refused = |error: String| DatasetError::Refused(format!("{}: {error}", what.origin));
        let robot: RobotId = what.robot.parse().map_err(|error| refused(format!("{error}")))?;
        let descriptor = descriptor(&what);
        retake_wire::check_descriptor(&descriptor).map_err(|error| refused(error.to_string()))?;
        let anchor = Anchor::new(MonoTime::ZERO, wall);
        let mut config = WriterConfig::new(dir.to_owned(), name.to_owned(), robot, wall.nanos(), anchor);
        config.durability = Durability::EachSegment;
        config.extras = Extras::default();
        config.extras.options.insert("imported_from".into(), what.origin.clone());
        let mut writer = RecordingWriter::create(config, Box::new(LocalDisk))?;
        writer.append(&Entry::new(&descriptor.into(), MonoTime::ZERO))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked: 1 to 1000 Hz")]
        let period_nanos = (1e9 / what.hz).round() as u64;
        Ok(Self { what, writer, period_nanos, now: 0, tick: 0, episode: EpisodeRecord::default() })
    }

    /// Begins the next demonstration.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn begin(&mut self, task: &str, operator: &str) -> Result<(), DatasetError> {
        // A second between two demonstrations, so that nobody takes them for one.
        self.now += 1_000_000_000;
        self.episode = EpisodeRecord {
            episode: self.episode.episode + 1,
            phase: Phase::Running.into(),
            task: task.to_owned(),
            operator: operator.to_owned(),
            protocol: "demo".into(),
            start_tick: self.tick + 1,
            start_nanos: nanos(self.now + self.period_nanos),
            ..EpisodeRecord::default()
        };
        let episode = self.episode.clone();
        self.say(episode)
    }

    /// Adds a step.
    ///
    /// # Errors
    /// If it has not the values of the groups, or the disk refuses.
    pub fn step(&mut self, step: &ImportedStep) -> Result<(), DatasetError> {
        let sizes: Vec<usize> = self.what.groups.iter().map(|(_, values)| values.len()).collect();
        for (name, values) in [("measured", &step.measured), ("commanded", &step.command)] {
            let given: Vec<usize> = values.iter().map(Vec::len).collect();
            let finite = values.iter().flatten().all(|value| value.is_finite());
            if given != sizes || !finite {
                return Err(DatasetError::Refused(format!(
                    "{}, demonstration {}: step {} has {given:?} {name} values where {sizes:?} finite ones belong",
                    self.what.origin,
                    self.episode.episode,
                    self.tick + 1 - self.episode.start_tick
                )));
            }
        }
        self.tick += 1;
        self.now += self.period_nanos;
        for ((name, _, _), jpeg) in self.what.cameras.clone().into_iter().zip(&step.frames) {
            if !jpeg.is_empty() {
                self.say(frame(name, jpeg.clone(), self.now))?;
            }
        }
        self.say(self.observation(step))?;
        self.say(self.record(step))?;
        if self.tick.is_multiple_of(COMMIT) {
            self.writer.commit(MonoTime::from_nanos(self.now))?;
        }
        Ok(())
    }

    /// Ends the demonstration.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn end(&mut self, success: bool) -> Result<(), DatasetError> {
        let verdict = if success { Verdict::Success } else { Verdict::Failure };
        self.episode = EpisodeRecord {
            phase: Phase::Ended.into(),
            verdict: verdict.into(),
            reason: EndReason::Task.into(),
            end_tick: self.tick + 1,
            end_nanos: nanos(self.now + self.period_nanos),
            human_ticks: self.tick + 1 - self.episode.start_tick,
            ..self.episode.clone()
        };
        let episode = self.episode.clone();
        self.say(episode)
    }

    /// Closes the recording.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn finish(mut self) -> Result<u64, DatasetError> {
        self.writer.close()?;
        Ok(self.episode.episode)
    }

    fn say(&mut self, message: impl Into<Message>) -> Result<(), DatasetError> {
        Ok(self.writer.append(&Entry::new(&message.into(), MonoTime::from_nanos(self.now)))?)
    }

    fn observation(&self, step: &ImportedStep) -> Observation {
        Observation {
            header: Some(Header { seq: self.tick, ..Header::default() }),
            captured_nanos: nanos(self.now),
            position: step.measured.iter().map(|values| GroupValues { values: values.clone() }).collect(),
            objects: step.objects.clone(),
            ..Observation::default()
        }
    }

    fn record(&self, step: &ImportedStep) -> TickRecord {
        let groups = step.measured.iter().zip(&step.command).map(|(measured, command)| GroupTick {
            owner: Owner::Human.into(),
            cause: Cause::ClutchPressed.into(),
            segment: SegmentKind::Demo.into(),
            target: command.clone(),
            command: command.clone(),
            measured: measured.clone(),
            ..GroupTick::default()
        });
        TickRecord {
            tick: self.tick,
            at_nanos: nanos(self.now),
            epoch: 1,
            episode: self.episode.episode,
            phase: Phase::Running.into(),
            groups: groups.collect(),
            observation_seq: self.tick,
            ..TickRecord::default()
        }
    }
}

fn nanos(at: u64) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}

fn frame(name: String, data: Vec<u8>, at: u64) -> CompressedImage {
    let timestamp = prost_types::Timestamp {
        seconds: nanos(at / 1_000_000_000),
        nanos: i32::try_from(at % 1_000_000_000).unwrap_or_default(),
    };
    CompressedImage { timestamp: Some(timestamp), frame_id: name, data, format: "jpeg".into() }
}

fn descriptor(what: &Imported) -> RobotDescriptor {
    let group = |(name, joints): &(String, Vec<String>)| Group {
        name: name.clone(),
        space: if joints.len() == 1 { CommandSpace::Scalar } else { CommandSpace::JointPosition }.into(),
        joints: joints.clone(),
        lower: vec![-NO_LIMIT; joints.len()],
        upper: vec![NO_LIMIT; joints.len()],
        velocity: vec![NO_LIMIT; joints.len()],
        acceleration: vec![NO_LIMIT; joints.len()],
        jerk: vec![NO_LIMIT; joints.len()],
    };
    let camera = |(name, width, height): &(String, u32, u32)| Camera {
        name: name.clone(),
        width: *width,
        height: *height,
        hz: what.hz,
        ..Camera::default()
    };
    RobotDescriptor {
        robot: what.robot.clone(),
        groups: what.groups.iter().map(group).collect(),
        control_hz: what.hz,
        cameras: what.cameras.iter().map(camera).collect(),
        ..RobotDescriptor::default()
    }
}
