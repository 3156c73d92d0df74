//! What a camera frame costs.

use std::{hint::black_box, sync::mpsc, time::Duration};

use retake_camera::{Renderer, SceneModel, encode_jpeg};
use retake_scripted::Script;
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Observation, RobotDescriptor},
};

use super::{Effort, deploy};
use crate::{
    pace::thread_time,
    report::{Cell, Findings, Table, progress},
    stats::{Spans, ratios},
};

const COMPARED: &str = "\
Processor time of one thread per frame, for the simulated robot's own cameras and scene while the expert lifts: placing the bodies
and drawing them, and then making a JPEG. Floor: writing and averaging as many bytes as a renderer with four samples per
pixel must at least (colour and depth of each sample, then one pixel). Rounds alternate between the cameras and the floor;
ratios are of each round's median to that round's floor: median (least–most) of the rounds. `of a core` is drawing and
JPEG at the camera's 15 Hz.";

const SIZES: [(u32, u32); 2] = [(128, 128), (320, 240)];
const SAMPLES: usize = 4;
const WARM_UP: usize = 5;

/// One camera's rounds at one size.
#[derive(Default)]
struct Frames {
    draw: Vec<Spans>,
    jpeg: Vec<Spans>,
    bytes: usize,
}

pub(crate) fn run(effort: Effort) -> anyhow::Result<Findings> {
    let (rounds, frames) = effort.pick((2, 30), (7, 60));
    let (descriptor, observations) = observed(frames + WARM_UP)?;
    let mut table = Table::new(&[
        "camera",
        "size",
        "n",
        "step",
        "p50 ms",
        "p99 ms",
        "p50 / floor",
        "JPEG bytes",
        "of a core, %",
    ]);
    for (width, height) in SIZES {
        let mut descriptor = descriptor.clone();
        descriptor.cameras.iter_mut().for_each(|camera| (camera.width, camera.height) = (width, height));
        let model = SceneModel::from_descriptor(&descriptor)?;
        let mut cameras: Vec<Frames> = descriptor.cameras.iter().map(|_| Frames::default()).collect();
        let mut floors = Vec::new();
        for round in 1..=rounds {
            progress(&format!("  render: {width}×{height}, round {round} of {rounds}"));
            for (index, camera) in cameras.iter_mut().enumerate() {
                camera.shoot(&model, index, (width, height), &observations)?;
            }
            floors.push(floor(width, height, observations.len())?);
        }
        for (camera, of) in cameras.iter().zip(&descriptor.cameras) {
            camera.rows(of, &floors, &mut table);
        }
        let mut row: Vec<Cell> = vec!["floor".into(), format!("{width}×{height}").into()];
        let pooled = Spans::pooled(&floors);
        row.extend([pooled.count().into(), "fill".into(), pooled.millis_at(500), pooled.millis_at(990)]);
        row.extend([ratios(&floors, &floors, 500), "".into(), "".into()]);
        table.row(row);
    }
    Ok(Findings { compared: COMPARED, tables: vec![table], ..Findings::default() })
}

impl Frames {
    fn shoot(
        &mut self,
        model: &SceneModel,
        index: usize,
        (width, height): (u32, u32),
        observations: &[Observation],
    ) -> anyhow::Result<()> {
        let (mut renderer, mut poses) = (Renderer::new(width, height), Vec::new());
        let (mut draw, mut jpeg) = (Vec::new(), Vec::new());
        for observation in observations {
            let began = thread_time();
            model.body_poses(observation, &mut poses);
            let view = model.camera(index, &poses).ok_or_else(|| anyhow::anyhow!("no such camera"))?;
            let size = renderer.size();
            let pixels = renderer.render(&view, &model.place(&poses));
            let drawn = thread_time();
            self.bytes = encode_jpeg(pixels, size)?.len();
            draw.push(drawn.saturating_sub(began));
            jpeg.push(thread_time().saturating_sub(drawn));
        }
        self.draw.push(Spans::new(draw.split_off(WARM_UP)));
        self.jpeg.push(Spans::new(jpeg.split_off(WARM_UP)));
        Ok(())
    }

    fn rows(&self, camera: &retake_wire::pb::Camera, floors: &[Spans], table: &mut Table) {
        let (draw, jpeg) = (Spans::pooled(&self.draw), Spans::pooled(&self.jpeg));
        let share = (draw.at(500) + jpeg.at(500)).as_secs_f64() * camera.hz * 100.0;
        let name =
            || [Cell::from(camera.name.as_str()), format!("{}×{}", camera.width, camera.height).into()];
        for (step, rounds, pooled, bytes, share) in [
            ("draw", &self.draw, &draw, "".into(), Cell::from("")),
            ("JPEG", &self.jpeg, &jpeg, Cell::from(self.bytes), Cell::Number(share, 1)),
        ] {
            let mut row: Vec<Cell> = name().into();
            row.extend([pooled.count().into(), step.into(), pooled.millis_at(500), pooled.millis_at(990)]);
            row.extend([ratios(rounds, floors, 500), bytes, share]);
            table.row(row);
        }
    }
}

/// What the simulated robot says of itself, and what it measures while the expert lifts, evenly over six seconds.
pub(super) fn observed(count: usize) -> anyhow::Result<(RobotDescriptor, Vec<Observation>)> {
    let settings = deploy::settings("lift")?;
    let mut lockstep = deploy::lockstep(&settings, Script::Supervisor)?;
    let (seen, observations) = mpsc::channel();
    lockstep.set_tap(move |_, _, message| {
        if let Message::Observation(observation) = message {
            // The receiver lives as long as the deployment.
            let _ = seen.send(observation.clone());
        }
    });
    lockstep.run_until(MonoTime::ZERO + Duration::from_secs(6))?;
    let all: Vec<Observation> = observations.try_iter().collect();
    let step = all.len().checked_div(count).unwrap_or(1).max(1);
    Ok((settings.descriptor, all.into_iter().step_by(step).take(count).collect()))
}

/// Fills and averages a canvas of four samples per pixel, once per frame.
fn floor(width: u32, height: u32, frames: usize) -> anyhow::Result<Spans> {
    let pixels = usize::try_from(width * height)?;
    let (mut colour, mut depth) = (vec![[0_u8; 3]; pixels * SAMPLES], vec![0_f32; pixels * SAMPLES]);
    let mut image = vec![[0_u8; 3]; pixels];
    let mut took = Vec::new();
    for frame in 0..frames {
        let began = thread_time();
        colour.fill([u8::try_from(frame % 256)?; 3]);
        depth.fill(f32::from(u16::try_from(frame)?));
        for (pixel, samples) in image.iter_mut().zip(colour.chunks_exact(SAMPLES)) {
            let sum =
                |channel: usize| samples.iter().map(|sample| u16::from(sample[channel])).sum::<u16>() / 4;
            *pixel = [sum(0), sum(1), sum(2)].map(|mean| u8::try_from(mean).unwrap_or(u8::MAX));
        }
        black_box((&mut colour, &mut depth, &mut image));
        took.push(thread_time().saturating_sub(began));
    }
    Ok(Spans::new(took.split_off(WARM_UP)))
}
