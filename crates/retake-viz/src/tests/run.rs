//! An episode that never happened: the policy drives, a person takes over, rewinds, corrects and hands back.

use std::time::Duration;

use retake_camera::{Renderer, SceneModel, encode_jpeg};
use retake_units::MonoTime;
use retake_wire::{Message, foxglove, pb};

#[path = "../../../retake-camera/examples/demo/descriptor.rs"]
mod descriptor;

/// Length of the episode.
pub(crate) const SECONDS: u64 = 20;
const HZ: u64 = 50;

/// From which second on who drives the arm, why, and as what.
const STORY: [(u64, pb::Owner, pb::Cause, pb::SegmentKind); 6] = [
    (0, pb::Owner::Policy, pb::Cause::Resumed, pb::SegmentKind::Policy),
    (6, pb::Owner::Human, pb::Cause::ClutchPressed, pb::SegmentKind::Recovery),
    (9, pb::Owner::Rewind, pb::Cause::RewindPressed, pb::SegmentKind::Rewind),
    (11, pb::Owner::Human, pb::Cause::ClutchPressed, pb::SegmentKind::Correction),
    (14, pb::Owner::Hold, pb::Cause::ClutchReleased, pb::SegmentKind::Hold),
    (15, pb::Owner::Policy, pb::Cause::Resumed, pb::SegmentKind::Policy),
];

/// Everything that would have been published, in order.
pub(crate) fn messages(seconds: u64) -> impl Iterator<Item = (MonoTime, Message)> {
    let descriptor = descriptor::descriptor(160, 120);
    let mut studio = Studio::new(&descriptor);
    let begin = (MonoTime::ZERO, Message::Descriptor(descriptor));
    let ticks = (0..seconds * HZ).flat_map(move |tick| {
        let at = MonoTime::ZERO + Duration::from_millis(tick * 1000 / HZ);
        studio.tick(tick, at, seconds * HZ).into_iter().map(move |message| (at, message))
    });
    std::iter::once(begin).chain(ticks)
}

struct Studio {
    model: SceneModel,
    renderer: Renderer,
    names: Vec<String>,
    tool: usize,
}

impl Studio {
    fn new(descriptor: &pb::RobotDescriptor) -> Self {
        let model = SceneModel::from_descriptor(descriptor).expect("the arm is well described");
        let tool = model.bodies().iter().position(|body| body.name == "tool").expect("it has a tool");
        let names = descriptor.cameras.iter().map(|camera| camera.name.clone()).collect();
        Self { model, renderer: Renderer::new(160, 120), names, tool }
    }

    fn tick(&mut self, tick: u64, at: MonoTime, last: u64) -> Vec<Message> {
        let seconds = tick as f64 / HZ as f64;
        let mut observation = descriptor::observation(0.35 * (seconds * 0.6).sin());
        let nanos = at.wire_nanos();
        observation.captured_nanos = nanos;
        let lift = 0.25 * (seconds * 0.9).sin();
        observation.position[0].values[1] += lift;
        observation.position[0].values[3] -= lift * 0.8;
        observation.position[1].values[0] = 0.04 + 0.03 * (seconds * 0.5).cos();
        let mut poses = Vec::new();
        self.model.body_poses(&observation, &mut poses);
        let tool = poses[self.tool].translation;
        observation.tool = Some(pb::Pose { x: tool.x, y: tool.y, z: tool.z, qw: 1.0, ..pb::Pose::default() });

        let mut messages = vec![Message::Tick(record(tick, nanos, &observation))];
        messages.extend(asides(tick, nanos, last));
        messages.push(Message::Observation(observation));
        if tick.is_multiple_of(5) {
            messages.extend(self.pictures(nanos, &poses));
        }
        messages
    }

    fn pictures(&mut self, nanos: i64, poses: &[nalgebra::Isometry3<f64>]) -> Vec<Message> {
        let scene = self.model.place(poses);
        let frames = self.names.iter().enumerate().map(|(index, name)| {
            let view = self.model.camera(index, poses).expect("a camera per name");
            let size = self.renderer.size();
            let data = encode_jpeg(self.renderer.render(&view, &scene), size).expect("the size is right");
            let stamp = prost_types::Timestamp {
                seconds: nanos / 1_000_000_000,
                nanos: i32::try_from(nanos % 1_000_000_000).expect("less than a second"),
            };
            foxglove::CompressedImage {
                timestamp: Some(stamp),
                frame_id: name.clone(),
                data,
                format: "jpeg".into(),
            }
            .into()
        });
        frames.collect()
    }
}

fn chapter(tick: u64) -> (usize, (u64, pb::Owner, pb::Cause, pb::SegmentKind)) {
    let index = STORY.iter().rposition(|(from, ..)| from * HZ <= tick).unwrap_or(0);
    (index, STORY[index])
}

fn record(tick: u64, nanos: i64, observation: &pb::Observation) -> pb::TickRecord {
    let (_, (_, owner, cause, segment)) = chapter(tick);
    let group = |index: usize, owner: pb::Owner| {
        let measured = &observation.position[index].values;
        let moved = |by: f64| measured.iter().map(|value| value + by).collect();
        pb::GroupTick {
            owner: owner.into(),
            cause: cause.into(),
            segment: segment.into(),
            proposal: if index == 0 { moved(0.08) } else { moved(0.0) },
            command: moved(0.005),
            measured: measured.clone(),
            ..pb::GroupTick::default()
        }
    };
    let driving = f64::from(u8::from(owner == pb::Owner::Human));
    let wave = |axis: u32| driving * 0.1 * (tick as f64 / 20.0 + f64::from(axis)).sin();
    pb::TickRecord {
        tick,
        at_nanos: nanos,
        phase: pb::Phase::Running.into(),
        groups: vec![group(0, owner), group(1, pb::Owner::Policy)],
        twist: (0..6).map(wave).collect(),
        ..pb::TickRecord::default()
    }
}

/// What is published now and then: segments, the episode, a notice, status and watermark.
fn asides(tick: u64, nanos: i64, last: u64) -> Vec<Message> {
    let mut messages = Vec::new();
    let (index, (from, owner, began, kind)) = chapter(tick);
    let ends = STORY.get(index + 1).map_or(last, |(next, ..)| next * HZ);
    if tick + 1 == ends {
        let ended = STORY.get(index + 1).map_or(pb::Cause::EpisodeEnded, |(_, _, cause, _)| *cause);
        messages.push(Message::Segment(pb::SegmentRecord {
            group: "arm".into(),
            kind: kind.into(),
            owner: owner.into(),
            began: began.into(),
            ended: ended.into(),
            start_tick: from * HZ,
            end_tick: ends,
            start_nanos: i64::try_from(from * 1_000_000_000).unwrap_or_default(),
            end_nanos: nanos,
            ..pb::SegmentRecord::default()
        }));
    }
    if tick == 0 || tick + 1 == last {
        let phase = if tick == 0 { pb::Phase::Running } else { pb::Phase::Ended };
        messages.push(Message::Episode(pb::EpisodeRecord {
            phase: phase.into(),
            verdict: pb::Verdict::Success.into(),
            reason: pb::EndReason::Task.into(),
            takeovers: 2,
            rewinds: 1,
            ..pb::EpisodeRecord::default()
        }));
    }
    if tick == 14 * HZ {
        let text = "the clutch was let go: holding".into();
        messages.push(pb::Notice { tick, code: "hold".into(), text, source: "arbiter".into() }.into());
    }
    if tick.is_multiple_of(10) {
        let wobble = u32::try_from(tick % 70).unwrap_or_default();
        let status = pb::Status { tick, jitter_p99_us: 80 + wobble, ..pb::Status::default() };
        messages.push(status.into());
        messages.push(
            pb::Watermark { tick: tick.saturating_sub(4), recording: true, ..pb::Watermark::default() }
                .into(),
        );
    }
    messages
}
