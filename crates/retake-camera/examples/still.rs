//! Writes what each camera of the demonstration scene sees: `cargo run --release --example still -- FOLDER [WIDTH HEIGHT]`.

#[path = "demo/descriptor.rs"]
mod descriptor;

use std::{error::Error, fs, path::PathBuf};

use retake_camera::{Renderer, SceneModel, encode_jpeg};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().unwrap_or_else(|| ".".into()));
    let width = args.next().map_or(Ok(640), |text| text.parse())?;
    let height = args.next().map_or(Ok(480), |text| text.parse())?;

    let descriptor = descriptor::descriptor(width, height);
    let model = SceneModel::from_descriptor(&descriptor)?;
    let mut poses = Vec::new();
    model.body_poses(&descriptor::observation(0.0), &mut poses);
    let scene = model.place(&poses);
    let mut renderer = Renderer::new(width, height);
    fs::create_dir_all(&folder)?;
    for (index, camera) in descriptor.cameras.iter().enumerate() {
        let view = model.camera(index, &poses).ok_or("no such camera")?;
        let size = renderer.size();
        let jpeg = encode_jpeg(renderer.render(&view, &scene), size)?;
        fs::write(folder.join(format!("{}.jpg", camera.name)), jpeg)?;
    }
    Ok(())
}
