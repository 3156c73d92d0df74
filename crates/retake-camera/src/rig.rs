//! The cameras of one descriptor and when each is due.

use std::time::Duration;

use nalgebra::Isometry3;
use prost_types::Timestamp;
use retake_units::MonoTime;
use retake_wire::{foxglove, pb};

use crate::{JpegError, Renderer, SceneError, SceneModel, encode_jpeg};

#[derive(Debug)]
struct Camera {
    name: String,
    period: Duration,
    due: MonoTime,
    renderer: Renderer,
    /// Which observation it saw last, so that a robot that fell silent does not look alive.
    seen: Option<u64>,
}

/// Scene, cameras and the newest observation.
#[derive(Debug)]
pub(crate) struct Rig {
    descriptor: pb::RobotDescriptor,
    scene: SceneModel,
    cameras: Vec<Camera>,
    poses: Vec<Isometry3<f64>>,
    observation: Option<pb::Observation>,
    received: u64,
}

impl Rig {
    pub(crate) fn new(descriptor: &pb::RobotDescriptor, now: MonoTime) -> Result<Self, SceneError> {
        let scene = SceneModel::from_descriptor(descriptor)?;
        let cameras = descriptor.cameras.iter().map(|camera| Camera {
            name: camera.name.clone(),
            period: Duration::from_secs_f64(1.0 / camera.hz),
            due: now,
            renderer: Renderer::new(camera.width, camera.height),
            seen: None,
        });
        Ok(Self {
            descriptor: descriptor.clone(),
            cameras: cameras.collect(),
            scene,
            poses: Vec::new(),
            observation: None,
            received: 0,
        })
    }

    pub(crate) fn is_for(&self, descriptor: &pb::RobotDescriptor) -> bool {
        self.descriptor == *descriptor
    }

    pub(crate) fn observe(&mut self, observation: &pb::Observation) {
        self.observation = Some(observation.clone());
        self.received += 1;
    }

    /// When the next frame is due; `None` before anything was observed.
    pub(crate) fn next_due(&self) -> Option<MonoTime> {
        self.observation.as_ref()?;
        self.cameras.iter().map(|camera| camera.due).min()
    }

    /// One frame of each camera that is due, from the newest observation. Frames that were missed stay missing.
    pub(crate) fn shoot(&mut self, now: MonoTime) -> Vec<Result<foxglove::CompressedImage, JpegError>> {
        let Some(observation) = &self.observation else { return Vec::new() };
        let mut frames = Vec::new();
        let mut posed = None;
        for (index, camera) in self.cameras.iter_mut().enumerate().filter(|(_, camera)| camera.due <= now) {
            camera.due = following(camera.due, camera.period, now);
            if camera.seen.replace(self.received) == Some(self.received) {
                continue;
            }
            let scene = posed.get_or_insert_with(|| {
                self.scene.body_poses(observation, &mut self.poses);
                self.scene.place(&self.poses)
            });
            let Some(view) = self.scene.camera(index, &self.poses) else { continue };
            let size = camera.renderer.size();
            let data = encode_jpeg(camera.renderer.render(&view, scene), size);
            frames.push(data.map(|data| foxglove::CompressedImage {
                timestamp: Some(timestamp(observation.captured_nanos)),
                frame_id: camera.name.clone(),
                data,
                format: "jpeg".into(),
            }));
        }
        frames
    }
}

/// The first time after `now` on the camera's own grid.
fn following(due: MonoTime, period: Duration, now: MonoTime) -> MonoTime {
    let behind = now.since(due).as_nanos();
    let whole = behind / period.as_nanos().max(1);
    let skipped = u32::try_from(whole).map_or(Duration::MAX, |count| period.saturating_mul(count));
    due + skipped + period
}

fn timestamp(nanos: i64) -> Timestamp {
    const SECOND: i64 = 1_000_000_000;
    let rest = i32::try_from(nanos.rem_euclid(SECOND)).unwrap_or_default();
    Timestamp { seconds: nanos.div_euclid(SECOND), nanos: rest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_camera_skips_frames_and_keeps_its_grid() {
        let period = Duration::from_nanos(10);
        let at = MonoTime::from_nanos;
        assert_eq!(following(at(100), period, at(100)), at(110));
        assert_eq!(following(at(100), period, at(109)), at(110));
        assert_eq!(following(at(100), period, at(110)), at(120));
        assert_eq!(following(at(100), period, at(157)), at(160));
        assert_eq!(following(at(0), period, MonoTime::MAX), MonoTime::MAX);
    }

    #[test]
    fn times_before_zero_stay_well_formed() {
        assert_eq!(timestamp(-1), Timestamp { seconds: -1, nanos: 999_999_999 });
        assert_eq!(timestamp(2_000_000_003), Timestamp { seconds: 2, nanos: 3 });
    }
}
