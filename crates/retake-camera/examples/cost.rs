//! Prints what a frame costs: `cargo run --release -p retake-camera --example cost`.

#[path = "demo/descriptor.rs"]
mod descriptor;

use std::{error::Error, time::Instant};

use retake_camera::{Renderer, SceneModel, encode_jpeg};

const FRAMES: u32 = 300;

#[expect(clippy::disallowed_methods, reason = "a stopwatch")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::print_stdout, reason = "its output")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("{:<8} {:>9} {:>10} {:>10} {:>8}", "camera", "size", "render ms", "jpeg ms", "bytes");
    for (width, height) in [(128, 128), (320, 240), (640, 480)] {
        let descriptor = descriptor::descriptor(width, height);
        let model = SceneModel::from_descriptor(&descriptor)?;
        let mut renderer = Renderer::new(width, height);
        let mut poses = Vec::new();
        for (index, camera) in descriptor.cameras.iter().enumerate() {
            let (mut render, mut jpeg, mut bytes) = (Vec::new(), Vec::new(), 0);
            for frame in 0..FRAMES {
                let start = now();
                model.body_poses(&descriptor::observation(f64::from(frame) * 0.001), &mut poses);
                let view = model.camera(index, &poses).ok_or("no such camera")?;
                let size = renderer.size();
                let pixels = renderer.render(&view, &model.place(&poses));
                let drawn = now();
                bytes = encode_jpeg(pixels, size)?.len();
                render.push((drawn - start).as_secs_f64() * 1e3);
                jpeg.push((now() - drawn).as_secs_f64() * 1e3);
            }
            let size = format!("{width}x{height}");
            let (render, jpeg) = (median(render), median(jpeg));
            println!("{:<8} {size:>9} {render:>10.3} {jpeg:>10.3} {bytes:>8}", camera.name);
        }
    }
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}
