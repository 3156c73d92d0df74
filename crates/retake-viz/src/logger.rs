//! Messages into Rerun: the one place that decides who shows what.

use std::time::Duration;

use rerun::{AsComponents, RecordingStream};
use retake_units::MonoTime;
use retake_wire::{Message, foxglove, pb};

use crate::{events, layout, scene::SceneLog, series::SeriesLog, status::StatusLog, trail::Trail};

/// Control tick of the arbiter.
pub(crate) const TICK: &str = "tick";
/// The robot's own clock.
pub(crate) const ROBOT_TIME: &str = "robot_time";

/// Nothing is logged more often: a viewer shows no more, and 50 Hz controllers jitter around their period.
const SPACING: Duration = Duration::from_millis(15);

/// Messages kept until the robot's time is known.
const EARLY: usize = 1024;

/// The stream, and what it refused.
#[derive(Debug)]
pub(crate) struct Sink {
    stream: RecordingStream,
    refused: u64,
}

impl Sink {
    pub(crate) fn log(&mut self, path: &str, what: &dyn AsComponents) {
        self.refused += u64::from(self.stream.log(path, what).is_err());
    }

    pub(crate) fn log_static(&mut self, path: &str, what: &dyn AsComponents) {
        self.refused += u64::from(self.stream.log_static(path, what).is_err());
    }
}

/// Logs messages of one robot.
#[derive(Debug)]
pub(crate) struct Logger {
    sink: Sink,
    described: Option<pb::RobotDescriptor>,
    scene: Option<SceneLog>,
    series: SeriesLog,
    status: StatusLog,
    trail: Trail,
    last_tick: Option<MonoTime>,
    last_observation: Option<MonoTime>,
    /// What came before the first observation and so has no place on the robot's time yet.
    early: Vec<(MonoTime, Message)>,
}

impl Logger {
    pub(crate) fn new(stream: RecordingStream) -> Self {
        Self {
            sink: Sink { stream, refused: 0 },
            described: None,
            scene: None,
            series: SeriesLog::default(),
            status: StatusLog::default(),
            trail: Trail::default(),
            last_tick: None,
            last_observation: None,
            early: Vec::new(),
        }
    }

    pub(crate) const fn refused(&self) -> u64 {
        self.sink.refused
    }

    /// Says that messages are missing from here on.
    pub(crate) fn dropped(&mut self, count: u64) {
        events::note(
            &mut self.sink,
            "WARN",
            &format!("{count} messages were dropped before the view saw them"),
        );
    }

    pub(crate) fn log(&mut self, at: MonoTime, message: &Message) {
        let timed = matches!(message, Message::Descriptor(_) | Message::Observation(_) | Message::Camera(_));
        if !timed && self.last_observation.is_none() {
            if self.early.len() < EARLY {
                self.early.push((at, message.clone()));
            }
            return;
        }
        match message {
            Message::Descriptor(descriptor) => self.describe(descriptor),
            Message::Observation(observation) => self.observe(at, observation),
            Message::Camera(image) => self.camera(image),
            Message::Tick(record) => self.tick(at, record),
            Message::Segment(segment) => events::segment(&mut self.sink, segment),
            Message::Episode(episode) => events::episode(&mut self.sink, episode),
            Message::Notice(notice) => events::notice(&mut self.sink, notice),
            Message::Status(status) => self.status.status(&mut self.sink, status),
            Message::Watermark(watermark) => self.status.watermark(&mut self.sink, watermark),
            Message::Applied(_)
            | Message::Command(_)
            | Message::Reset(_)
            | Message::Proposal(_)
            | Message::PolicyInfo(_)
            | Message::Input(_)
            | Message::Beacon(_)
            | Message::Gap(_)
            | Message::SimState(_)
            | Message::Help(_)
            | Message::Branch(_)
            | Message::ArbiterInfo(_)
            | Message::Schedule(_) => {}
        }
    }

    fn describe(&mut self, descriptor: &pb::RobotDescriptor) {
        if self.described.as_ref() == Some(descriptor) {
            return;
        }
        let blueprint = layout::blueprint(descriptor);
        self.sink.refused += u64::from(
            blueprint.send(&self.sink.stream, rerun::blueprint::BlueprintActivation::default()).is_err(),
        );
        self.series.describe(&mut self.sink, descriptor);
        match SceneLog::new(&mut self.sink, descriptor) {
            Ok(scene) => self.scene = Some(scene),
            Err(error) => events::note(&mut self.sink, "ERROR", &error.to_string()),
        }
        self.described = Some(descriptor.clone());
    }

    fn observe(&mut self, at: MonoTime, observation: &pb::Observation) {
        if too_soon(&mut self.last_observation, at) {
            return;
        }
        self.robot_time(observation.captured_nanos);
        for (at, message) in std::mem::take(&mut self.early) {
            self.log(at, &message);
        }
        if let Some(scene) = &mut self.scene {
            scene.observe(&mut self.sink, observation);
        }
        self.trail.observe(&mut self.sink, observation);
    }

    fn tick(&mut self, at: MonoTime, record: &pb::TickRecord) {
        let tick = i64::try_from(record.tick).unwrap_or(i64::MAX);
        self.sink.stream.set_time_sequence(TICK, tick);
        self.trail.set_driver(record);
        self.series.authority(&mut self.sink, record);
        self.status.set_tick(record.tick);
        if !too_soon(&mut self.last_tick, at) {
            self.series.tick(&mut self.sink, record);
        }
    }

    fn camera(&mut self, image: &foxglove::CompressedImage) {
        if let Some(stamp) = &image.timestamp {
            self.robot_time(
                stamp.seconds.saturating_mul(1_000_000_000).saturating_add(i64::from(stamp.nanos)),
            );
        }
        let kind = format!("image/{}", image.format);
        let picture = rerun::EncodedImage::new(image.data.clone()).with_media_type(kind);
        self.sink.log(&format!("cameras/{}", image.frame_id), &picture);
    }

    fn robot_time(&self, nanos: i64) {
        let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or_default());
        self.sink.stream.set_time(ROBOT_TIME, time);
    }
}

fn too_soon(last: &mut Option<MonoTime>, at: MonoTime) -> bool {
    let soon = last.is_some_and(|last| at >= last && at.since(last) < SPACING);
    if !soon {
        *last = Some(at);
    }
    soon
}
