//! Videos, ours and LeRobot's own, decoded row by row.

use std::{fs, path::Path};

use jpeg_decoder::Decoder;
use retake_lerobot::{Limits, Options, Pictures, Rgb, Videos, export, jpeg_size, read};

use crate::made::{Making, ROWS, recording};

const CAMERA: &str = "observation.images.front";

fn loss(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    20.0 * 255f64.log10() - 10.0 * (sum / a.len() as f64).log10()
}

/// The picture of row `number` of the data that LeRobot wrote: a ramp, and a bar that walks over it.
fn due(number: usize) -> Rgb {
    let (width, height) = (64, 48);
    let pixel = |index: usize| -> [u8; 3] {
        let (x, y) = (index % width, index / width);
        match (x / 8 == number % 8, number / 8 % 2) {
            (true, 0) => [250, 30, 220],
            (true, _) => [20, 230, 40],
            (false, _) => [40 + 2 * x as u8, 200 - 3 * y as u8, 90],
        }
    };
    Rgb { size: (width, height), bytes: (0..width * height).flat_map(pixel).collect() }
}

/// The data that LeRobot wrote, with `video` in the place of its own if one is given.
fn data(dir: &Path, video: Option<&str>) -> std::path::PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let out = dir.join("lerobot");
    for (file, bytes) in crate::made::files(&from.join("lerobot")) {
        fs::create_dir_all(out.join(&file).parent().unwrap()).unwrap();
        fs::write(out.join(&file), bytes).unwrap();
    }
    if let Some(video) = video {
        fs::copy(from.join(video), out.join(FILE)).unwrap();
    }
    out
}

const FILE: &str = "videos/observation.images.front/chunk-000/file-000.mp4";

/// Every row's picture, or the first thing that is wrong.
fn pictures(dir: &Path) -> Result<Vec<Rgb>, String> {
    let dataset = read(dir).map_err(|error| error.to_string())?;
    let mut videos = Videos::open(dir, &dataset.videos, dataset.fps).map_err(|error| error.to_string())?;
    let mut shown = Vec::new();
    for row in dataset {
        let row = row.map_err(|error| error.to_string())?;
        let pictures = videos.at(row.episode, row.timestamp).map_err(|error| error.to_string())?;
        shown.extend(pictures.into_iter().cloned());
    }
    Ok(shown)
}

#[test]
fn pictures_of_lerobots_own_videos_belong_to_their_rows() {
    for video in [None, Some("h264-b.mp4")] {
        let dir = tempfile::tempdir().unwrap();
        let shown = pictures(&data(dir.path(), video)).unwrap();
        assert_eq!(shown.len(), 12);
        for (number, picture) in shown.iter().enumerate() {
            assert_eq!(picture.size, (64, 48));
            // The bar's edges lose colour by 4:2:0; any other row's picture is as far as 15 dB away.
            let near = loss(&picture.bytes, &due(number).bytes);
            assert!(near > 24.0, "{video:?}, row {number}: {near} dB");
            let other = loss(&picture.bytes, &due(number + 1).bytes);
            assert!(near > other + 6.0, "{video:?}, row {number}: {near} dB, the next {other} dB");
        }
    }
}

#[test]
fn rows_may_be_asked_for_in_any_order() {
    let dir = tempfile::tempdir().unwrap();
    let out = data(dir.path(), None);
    let all = pictures(&out).unwrap();
    let mut videos = Videos::open(&out, &[CAMERA.to_owned()], 10).unwrap();
    for (episode, row) in [(1, 6), (0, 0), (0, 0), (1, 2), (0, 4), (1, 6)] {
        let index = 5 * episode + row;
        assert_eq!(*videos.at(episode as u64, row as f64 / 10.0).unwrap()[0], all[index], "{episode} {row}");
    }
    let beyond = videos.at(1, 0.75).unwrap_err().to_string();
    assert!(beyond.contains("rows and frames do not go together"), "{beyond}");
    let between = videos.at(0, 0.05).unwrap_err().to_string();
    assert!(between.contains("episode 0") && between.contains("file-000.mp4"), "{between}");
    assert!(videos.at(2, 0.0).unwrap_err().to_string().contains("episode 2 is not in meta/episodes"));
}

#[test]
fn our_own_videos_come_back_as_the_pictures_they_were_made_of() {
    let dir = tempfile::tempdir().unwrap();
    let sources = recording(dir.path(), "first", Making::default());
    let limits = Limits { episodes: 2, ..Limits::default() };
    let export = |name: &str, pictures: Pictures| {
        let out = dir.path().join(name);
        export(&sources, &Options { pictures, limits, ..Options::default() }, &out, |_, _| {}).unwrap();
        out
    };
    let shown = pictures(&export("video", Pictures::Video)).unwrap();
    let kept = read(&export("image", Pictures::Image)).unwrap();
    let kept: Vec<Vec<u8>> = kept.map(|row| row.unwrap().images.remove(0)).collect();
    assert_eq!((shown.len() as u64, kept.len() as u64), (3 * ROWS, 3 * ROWS));
    for (number, (shown, jpeg)) in shown.iter().zip(&kept).enumerate() {
        assert_eq!(shown.size, jpeg_size(jpeg).unwrap());
        let near = loss(&shown.bytes, &Decoder::new(jpeg.as_slice()).decode().unwrap());
        assert!(near > 30.0, "row {number}: {near} dB");
    }
}

#[test]
fn what_cannot_be_decoded_is_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    for (video, codec) in [("hevc.mp4", "H.265 (HEVC)"), ("h264-444.mp4", "H.264 of profile 244")] {
        let why = pictures(&data(dir.path(), Some(video))).unwrap_err();
        assert!(why.contains("file-000.mp4: ") && why.contains(codec), "{why}");
        assert!(why.contains("ffmpeg -i FILE.mp4") && why.contains("--no-pictures"), "{why}");
    }
    let out = data(dir.path(), None);
    fs::remove_file(out.join(FILE)).unwrap();
    assert!(pictures(&out).unwrap_err().contains("file-000.mp4"));
    assert!(Videos::open(&out, &["../front".to_owned()], 10).unwrap_err().to_string().contains("no name"));
    let other = Videos::open(&out, &["observation.images.wrist".to_owned()], 10).unwrap_err().to_string();
    assert!(other.contains("videos/observation.images.wrist/from_timestamp"), "{other}");
}

/// A video that is cut off or has any byte changed is refused, or shows other pictures, and never does anything worse.
#[test]
fn damaged_videos_do_no_harm() {
    for video in [None, Some("h264-b.mp4")] {
        let dir = tempfile::tempdir().unwrap();
        let out = data(dir.path(), video);
        let good = fs::read(out.join(FILE)).unwrap();
        let mut refused = 0;
        for place in (0..good.len()).step_by(37) {
            let mut bad = good.clone();
            bad[place] ^= 1 << (place % 8);
            fs::write(out.join(FILE), &bad).unwrap();
            refused += usize::from(pictures(&out).is_err());
            fs::write(out.join(FILE), &good[..place]).unwrap();
            assert!(pictures(&out).is_err(), "{place} of {}", good.len());
        }
        assert!(refused > 5, "{refused}");
    }
}
