//! What is recorded: three cameras that wander over a smooth scene with grain, and floats.

use std::{sync::Arc, time::Duration};

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use retake_camera::encode_jpeg;
use retake_node::{Node, Outbox};
use retake_units::MonoTime;
use retake_wire::{
    Message, Topic,
    foxglove::CompressedImage,
    pb::{GroupValues, Header, Observation},
};

pub(super) const CAMERAS: usize = 3;
const WIDTH: usize = 640;
const HEIGHT: usize = 480;
const MARGIN: usize = 240;
const FRAME_PERIOD: Duration = Duration::from_nanos(33_333_333);
const STATE_PERIOD: Duration = Duration::from_millis(10);
const FLOATS: usize = 200;
/// Two seconds, then backwards: enough that nothing fits into a cache.
const PICTURES: usize = 60;

/// Smooth colours of three sizes, as big as a picture and a margin to wander in.
fn scene(random: &mut ChaCha8Rng) -> Vec<f32> {
    let (width, height) = (WIDTH + MARGIN, HEIGHT + MARGIN);
    let mut scene = vec![0.0; width * height * 3];
    for (cells, weight) in [(6_usize, 0.6_f32), (24, 0.3), (96, 0.1)] {
        let corners: Vec<f32> =
            (0..(cells + 1).pow(2) * 3).map(|_| random.random_range(0.0..255.0)).collect();
        let corner = |x: usize, y: usize, colour: usize| {
            corners.get((y * (cells + 1) + x) * 3 + colour).copied().unwrap_or_default()
        };
        for y in 0..height {
            for x in 0..width {
                let place = |at: usize, of: usize| ((at * cells) / of, (at * cells % of) as f32 / of as f32);
                let ((cx, fx), (cy, fy)) = (place(x, width), place(y, height));
                for colour in 0..3 {
                    let top = corner(cx, cy, colour) * (1.0 - fx) + corner(cx + 1, cy, colour) * fx;
                    let low = corner(cx, cy + 1, colour) * (1.0 - fx) + corner(cx + 1, cy + 1, colour) * fx;
                    if let Some(value) = scene.get_mut((y * width + x) * 3 + colour) {
                        *value += weight * (top * (1.0 - fy) + low * fy);
                    }
                }
            }
        }
    }
    scene
}

/// Raw pictures, RGB.
pub(crate) fn pictures() -> Arc<Vec<Vec<u8>>> {
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let scene = scene(&mut random);
    let (mut x, mut y) = (MARGIN / 2, MARGIN / 2);
    let step = |at: usize, random: &mut ChaCha8Rng| {
        (at + random.random_range(0..=6)).saturating_sub(3).min(MARGIN - 1)
    };
    let mut pictures = Vec::new();
    for _ in 0..PICTURES {
        (x, y) = (step(x, &mut random), step(y, &mut random));
        let mut picture = Vec::with_capacity(WIDTH * HEIGHT * 3);
        for row in y..y + HEIGHT {
            let from = (row * (WIDTH + MARGIN) + x) * 3;
            let line = scene.get(from..from + WIDTH * 3).unwrap_or_default();
            for pixel in line.chunks(3) {
                let grain = random.random_range(-3.0..3.0);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "clamped to a byte"
                )]
                picture.extend(pixel.iter().map(|value| (value + grain).clamp(0.0, 255.0) as u8));
            }
        }
        pictures.push(picture);
    }
    Arc::new(pictures)
}

/// A camera whose pictures are there already, and whose JPEGs are not.
pub(super) struct Lens {
    name: String,
    pictures: Arc<Vec<Vec<u8>>>,
    shot: usize,
    next: MonoTime,
}

impl Lens {
    pub(super) fn new(index: usize, pictures: &Arc<Vec<Vec<u8>>>, start: MonoTime) -> Self {
        Self { name: format!("cam{index}"), pictures: Arc::clone(pictures), shot: index * 20, next: start }
    }
}

impl Node for Lens {
    fn name(&self) -> &str {
        &self.name
    }

    fn subscriptions(&self) -> &[Topic] {
        &[]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Camera]
    }

    fn receive(&mut self, _: MonoTime, _: &Message, _: &mut Outbox) {}

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        // There and back again.
        let at = self.shot % (2 * PICTURES - 2);
        let index = if at < PICTURES { at } else { 2 * PICTURES - 2 - at };
        self.shot += 1;
        self.next = self.next + FRAME_PERIOD;
        let Some(data) = self.pictures.get(index).and_then(|rgb| encode_jpeg(rgb, (WIDTH, HEIGHT)).ok())
        else {
            return;
        };
        let seconds = i64::try_from(now.nanos() / 1_000_000_000).unwrap_or(i64::MAX);
        let nanos = i32::try_from(now.nanos() % 1_000_000_000).unwrap_or_default();
        let timestamp = Some(prost_types::Timestamp { seconds, nanos });
        out.publish(CompressedImage { timestamp, frame_id: self.name.clone(), data, format: "jpeg".into() });
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}

/// A control loop that has floats to say.
pub(super) struct States {
    seq: u64,
    next: MonoTime,
}

impl States {
    pub(super) const fn new(start: MonoTime) -> Self {
        Self { seq: 0, next: start }
    }
}

impl Node for States {
    fn name(&self) -> &'static str {
        "states"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[]
    }

    fn publications(&self) -> &[Topic] {
        &[Topic::Observation]
    }

    fn receive(&mut self, _: MonoTime, _: &Message, _: &mut Outbox) {}

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.seq += 1;
        self.next = self.next + STATE_PERIOD;
        let value = |index: usize| (self.seq as f64 * 0.01 + index as f64).sin();
        let position = vec![GroupValues { values: (0..FLOATS).map(value).collect() }];
        let header = Header { seq: self.seq, sent_nanos: now.wire_nanos(), ..Header::default() };
        out.publish(Observation {
            header: Some(header),
            captured_nanos: now.wire_nanos(),
            position,
            ..Observation::default()
        });
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next)
    }
}
