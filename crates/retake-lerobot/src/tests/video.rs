//! Videos: their bytes, their tables, and how much of the pictures they keep.

use std::{
    fs,
    io::{Read as _, Seek as _, SeekFrom},
    num::NonZeroU32,
    path::Path,
    sync::Arc,
};

use jpeg_encoder::{ColorType, Encoder};
use openh264::{decoder::Decoder, formats::YUVSource as _};
use proptest::prelude::*;
use retake_dataset::Frame;

use crate::{
    camera::Camera,
    h264::{Unit, VideoEncoder, units},
    mp4::{VideoWriter, timescale},
    mp4_read,
    picture::{Colour, Planes, Rgb, Yuv, decode, decode_png, size},
};

proptest! {
    #[test]
    fn units_are_what_stands_between_start_codes(
        bodies in prop::collection::vec(prop::collection::vec(1u8.., 1..20), 0..6),
        long in any::<[bool; 6]>(),
    ) {
        let mut stream = Vec::new();
        for (body, long) in bodies.iter().zip(long) {
            stream.extend_from_slice(if long { &[0, 0, 0, 1] } else { &[0, 0, 1] });
            stream.extend_from_slice(body);
        }
        let found: Vec<Vec<u8>> = units(&stream).iter().map(|unit| unit.0.to_vec()).collect();
        prop_assert_eq!(found, bodies);
    }

    #[test]
    fn units_of_anything_are_parts_of_it(stream in prop::collection::vec(0u8..3, 0..64)) {
        let length: usize = units(&stream).iter().map(|unit| unit.0.len() + 3).sum();
        prop_assert!(length <= stream.len());
    }
}

#[test]
fn ticks_per_second_are_those_of_lerobots_muxer() {
    let due =
        [(50, 12_800), (30, 15_360), (20, 10_240), (25, 12_800), (60, 15_360), (10, 10_240), (100, 12_800)];
    for (fps, scale) in due {
        let (found, delta) = timescale(NonZeroU32::new(fps).unwrap());
        assert_eq!((found.get(), delta * fps), (scale, scale));
    }
}

/// A scene with edges, a ramp and something that moves.
fn scene(number: usize, (width, height): (usize, usize)) -> Rgb {
    let pixel = |index: usize| -> [u8; 3] {
        let (x, y) = (index % width, index / width);
        let shade = (90 + 100 * y / height) as u8;
        let centre = (width / 4 + number % (width / 2), height / 2);
        if x.abs_diff(centre.0) < width / 10 && y.abs_diff(centre.1) < height / 10 {
            [200, 60, shade / 2]
        } else if (x / 16 + y / 16) % 2 == 0 {
            [shade, shade, shade / 2 + 60]
        } else {
            [shade - 20, shade - 10, shade]
        }
    };
    Rgb { size: (width, height), bytes: (0..width * height).flat_map(pixel).collect() }
}

fn write(path: &Path, count: usize, size: (usize, usize)) -> Vec<Rgb> {
    let fps = NonZeroU32::new(50).unwrap();
    let sides = (u16::try_from(size.0).unwrap(), u16::try_from(size.1).unwrap());
    let mut writer = VideoWriter::create(path, fps, sides).unwrap();
    let mut encoder = VideoEncoder::new(fps).unwrap();
    // Each picture twice, as a camera has it that is slower than the robot.
    let scenes: Vec<Rgb> = (0..count).map(|number| scene(number / 2 * 2, size)).collect();
    for (number, scene) in scenes.iter().enumerate() {
        if number == 7 {
            encoder.restart();
        }
        writer.frame(units(encoder.encode(&Yuv::of(scene)).unwrap())).unwrap();
    }
    writer.finish().unwrap();
    scenes
}

fn loss(a: &[u8], b: &[u8]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    20.0 * 255f64.log10() - 10.0 * (sum / a.len() as f64).log10()
}

/// Decodes the frames in a file with the parameters that stand in its tables.
fn decoded(path: &Path, video: mp4_read::Video) -> Vec<Vec<u8>> {
    let bytes = fs::read(path).unwrap();
    let avcc = bytes.windows(4).position(|four| four == b"avcC").unwrap() + 4;
    let sps_length = usize::from(u16::from_be_bytes([bytes[avcc + 6], bytes[avcc + 7]]));
    let sps = &bytes[avcc + 8..][..sps_length];
    let pps_at = avcc + 8 + sps_length + 1;
    let pps_length = usize::from(u16::from_be_bytes([bytes[pps_at], bytes[pps_at + 1]]));
    let pps = &bytes[pps_at + 2..][..pps_length];
    let mut decoder = Decoder::new().unwrap();
    let head = [&[0, 0, 0, 1], sps, &[0, 0, 0, 1], pps].concat();
    decoder.decode(&head).unwrap();
    let mut data = fs::File::open(path).unwrap();
    data.seek(SeekFrom::Start(video.place.0)).unwrap();
    let mut left = video.place.1 - video.place.0;
    let mut pictures = Vec::new();
    while left > 0 {
        let mut length = [0; 4];
        data.read_exact(&mut length).unwrap();
        let mut unit = vec![0; u32::from_be_bytes(length) as usize];
        data.read_exact(&mut unit).unwrap();
        left -= 4 + unit.len() as u64;
        let stream = [&[0, 0, 0, 1], unit.as_slice()].concat();
        let picture = decoder.decode(&stream).unwrap().unwrap();
        let (width, height) = picture.dimensions();
        let mut rgb = vec![0; 3 * width * height];
        picture.write_rgb8(&mut rgb);
        pictures.push(rgb);
    }
    pictures
}

#[test]
fn every_frame_is_there_in_order_and_near_its_picture() {
    let dir = tempfile::tempdir().unwrap();
    for size in [(128, 128), (640, 480)] {
        let path = dir.path().join(format!("{}.mp4", size.0));
        let scenes = write(&path, 20, size);
        let video = mp4_read::check(&path, 50).unwrap();
        let sides = (usize::from(video.width), usize::from(video.height));
        assert_eq!((video.frames, sides, video.profile), (20, size, 100));
        let frames = decoded(&path, video);
        assert_eq!(frames.len(), 20);
        for (frame, scene) in frames.iter().zip(&scenes) {
            let kept = loss(frame, &scene.bytes);
            assert!(kept > 35.0, "{kept} dB");
        }
        assert!(video.key_frames >= 5, "{video:?}");
    }
}

#[test]
fn each_row_shows_its_own_picture() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out.mp4");
    let frame = |number: usize| {
        let mut jpeg = Vec::new();
        let scene = scene(20 * number, (64, 64));
        Encoder::new(&mut jpeg, 95).encode(&scene.bytes, 64, 64, ColorType::Rgb).unwrap();
        Arc::new(Frame { captured_nanos: 0, jpeg })
    };
    let frames: Vec<Arc<Frame>> = (0..3).map(frame).collect();
    // With repeats, and with the first one again in an attempt that begins later.
    let rows = [0, 0, 1, 2, 2, 2, 0, 1];
    let mut camera = Camera::new(None);
    for (row, picture) in rows.iter().enumerate() {
        if row == 0 || row == 6 {
            camera.begin();
        }
        let fps = NonZeroU32::new(50).unwrap();
        camera.take(&frames[*picture], row == 3 || row == 7, Some((path.clone(), fps))).unwrap();
    }
    assert_eq!(camera.stats().count, 1);
    camera.finish().unwrap();
    let video = mp4_read::check(&path, 50).unwrap();
    // One at the start, one after five, and one where the other attempt begins.
    assert_eq!(video.key_frames, 3);
    let shown = decoded(&path, video);
    assert_eq!(shown.len(), rows.len());
    for (shown, picture) in shown.iter().zip(rows) {
        let near = |number: usize| loss(shown, &decode(&frames[number].jpeg).unwrap().bytes);
        let nearest = (0..3).max_by(|a, b| near(*a).total_cmp(&near(*b)));
        assert_eq!(nearest, Some(picture));
    }
    let wide = Arc::new(Frame {
        captured_nanos: 0,
        jpeg: {
            let mut jpeg = Vec::new();
            Encoder::new(&mut jpeg, 95).encode(&scene(0, (64, 32)).bytes, 64, 32, ColorType::Rgb).unwrap();
            jpeg
        },
    });
    assert!(camera.take(&wide, false, None).unwrap_err().contains("64×32"));
}

#[test]
fn a_file_that_is_cut_off_at_any_place_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whole.mp4");
    write(&path, 4, (64, 64));
    let bytes = fs::read(&path).unwrap();
    let cut = dir.path().join("cut.mp4");
    for length in (0..bytes.len()).step_by(7) {
        fs::write(&cut, &bytes[..length]).unwrap();
        assert!(mp4_read::check(&cut, 50).is_err(), "{length} of {}", bytes.len());
    }
    assert!(mp4_read::check(&path, 25).is_err());
    assert!(mp4_read::check(&path, 50).is_ok());
}

#[test]
fn a_frame_the_encoder_left_out_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let fps = NonZeroU32::new(50).unwrap();
    let mut writer = VideoWriter::create(&dir.path().join("out.mp4"), fps, (64, 64)).unwrap();
    assert!(
        writer.frame([Unit(&[0x67, 1, 2, 3]), Unit(&[0x68, 1])]).unwrap_err().to_string().contains("frame 1")
    );
    assert!(writer.frame([Unit(&[0x67, 9, 9, 9]), Unit(&[0x68, 1]), Unit(&[0x65, 1])]).is_err());
}

#[test]
fn colours_become_those_of_bt_601() {
    let of = |rgb: [u8; 3]| {
        let yuv = Yuv::of(&Rgb { size: (2, 2), bytes: rgb.repeat(4) });
        assert_eq!((yuv.y.len(), yuv.u.len(), yuv.v.len()), (4, 1, 1));
        (yuv.y[0], yuv.u[0], yuv.v[0])
    };
    assert_eq!(of([0, 0, 0]), (16, 128, 128));
    assert_eq!(of([255, 255, 255]), (235, 128, 128));
    assert_eq!(of([255, 0, 0]), (81, 90, 240));
    assert_eq!(of([0, 255, 0]), (145, 54, 34));
    assert_eq!(of([0, 0, 255]), (41, 240, 110));
}

#[test]
fn what_is_no_picture_is_refused() {
    assert!(decode(b"").is_err() && size(b"\xff\xd8\xff").is_err());
}

/// There and back: each colour's own conversion, and the standard's other ones by their formula.
#[test]
fn colours_come_back() {
    let shades = [0u8, 31, 64, 128, 200, 255];
    for red in shades {
        for green in shades {
            for blue in shades {
                let rgb = Rgb { size: (2, 2), bytes: [red, green, blue].repeat(4) };
                let yuv = Yuv::of(&rgb);
                let back = planes(&yuv.y, &yuv.u, &yuv.v).rgb(Colour::default()).unwrap();
                let far = back.bytes.iter().zip(&rgb.bytes).map(|(a, b)| a.abs_diff(*b)).max();
                assert!(far <= Some(3), "{red} {green} {blue}: {:?}", &back.bytes[..3]);
                for (matrix, kr, kb) in [(Colour::BT_601, 0.299, 0.114), (Colour::BT_709, 0.2126, 0.0722)] {
                    let [r, g, b] = [red, green, blue].map(f64::from);
                    let luma = kr * r + (1.0 - kr - kb) * g + kb * b;
                    let full =
                        [luma, 128.0 + (b - luma) / (2.0 - 2.0 * kb), 128.0 + (r - luma) / (2.0 - 2.0 * kr)];
                    let [y, u, v] = full.map(|value| value.round() as u8);
                    let back = planes(&[y; 4], &[u], &[v]).rgb(Colour::new(matrix, true)).unwrap();
                    let far = back.bytes.iter().zip(&rgb.bytes).map(|(a, b)| a.abs_diff(*b)).max();
                    assert!(far <= Some(2), "{matrix}, {red} {green} {blue}: {:?}", &back.bytes[..3]);
                }
            }
        }
    }
    // A row more than there is, and rows that are longer than the picture is wide.
    let wide = Planes {
        size: (2, 2),
        luma: (&[16, 16, 99, 235, 235], 3),
        chroma: [&[128], &[128]],
        chroma_stride: 1,
    };
    assert_eq!(wide.rgb(Colour::default()).unwrap().bytes, [[0; 6], [255; 6]].concat());
    assert!(Planes { size: (2, 3), ..wide }.rgb(Colour::default()).is_err());
}

fn planes<'a>(y: &'a [u8], u: &'a [u8], v: &'a [u8]) -> Planes<'a> {
    Planes { size: (2, 2), luma: (y, 2), chroma: [u, v], chroma_stride: 1 }
}

#[test]
fn png_files_of_all_kinds_become_pixels() {
    let file = |kind: ColorType, depth: BitDepth, data: &[u8]| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(kind);
        encoder.set_depth(depth);
        if kind == ColorType::Indexed {
            encoder.set_palette(vec![1, 2, 3, 9, 8, 7]);
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        bytes
    };
    use png::{BitDepth, BitDepth::Eight, BitDepth::Sixteen, ColorType};
    let cases = [
        (file(ColorType::Rgb, Eight, &[1, 2, 3, 4, 5, 6]), [1, 2, 3, 4, 5, 6]),
        (file(ColorType::Rgba, Eight, &[1, 2, 3, 0, 4, 5, 6, 255]), [1, 2, 3, 4, 5, 6]),
        (file(ColorType::Grayscale, Sixteen, &[7, 0, 9, 0]), [7, 7, 7, 9, 9, 9]),
        (file(ColorType::GrayscaleAlpha, Eight, &[7, 1, 9, 2]), [7, 7, 7, 9, 9, 9]),
        (file(ColorType::Indexed, Eight, &[1, 0]), [9, 8, 7, 1, 2, 3]),
    ];
    for (file, due) in cases {
        assert_eq!(decode_png(&file).unwrap(), Rgb { size: (2, 1), bytes: due.to_vec() });
        assert!(decode_png(&file[..file.len() / 2]).is_err());
    }
    // A bomb: it says that it has 60,000 × 60,000 pixels.
    let mut huge = file(ColorType::Rgb, Eight, &[1, 2, 3, 4, 5, 6]);
    huge[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let crc = crc32(&huge[12..29]);
    huge[29..33].copy_from_slice(&crc.to_be_bytes());
    assert!(decode_png(&huge).unwrap_err().contains("too large"), "{:?}", decode_png(&huge));
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    };
    !bytes.iter().fold(!0, step)
}
