//! Which codec and quality cameras are recorded with.

use std::{hint::black_box, time::Duration};

use anyhow::Context as _;
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder as Jpeg, SamplingFactor};
use openh264::{
    OpenH264API,
    decoder::Decoder,
    encoder::{Encoder, EncoderConfig, IntraFramePeriod, RateControlMode},
    formats::{RgbSliceU8, YUVBuffer, YUVSource as _},
};
use retake_camera::{Renderer, SceneModel};

use super::{Effort, recording::load, render::observed};
use crate::{
    pace::thread_time,
    report::{Cell, Findings, Table, progress},
    stats::Spans,
};

const COMPARED: &str = "\
Each frame of 640×480 is compressed by itself, on one thread, as a camera does it. `rendered`: the simulated robot's own cameras while the
expert lifts. `grain`: smooth colours with the noise of a sensor, as in `recording`. JPEG by jpeg-encoder, colour 4:2:0 as recorded and
4:4:4; PNG by png, fast; H.264 by openh264, key frames only, at its default quantiser without rate control. PSNR is over all channels of the decoded frame, the
median and the worst frame; time is the thread's own, conversion of colours included.";

const SIZE: (usize, usize) = (640, 480);

/// A way to compress one frame, and to get it back.
#[derive(Clone, Copy)]
enum Codec {
    Jpeg(u8, SamplingFactor),
    Png,
    H264,
}

const CODECS: [Codec; 10] = [
    Codec::Jpeg(75, SamplingFactor::F_2_2),
    Codec::Jpeg(80, SamplingFactor::F_2_2),
    Codec::Jpeg(85, SamplingFactor::F_2_2),
    Codec::Jpeg(88, SamplingFactor::F_2_2),
    Codec::Jpeg(90, SamplingFactor::F_2_2),
    Codec::Jpeg(92, SamplingFactor::F_2_2),
    Codec::Jpeg(95, SamplingFactor::F_2_2),
    Codec::Jpeg(90, SamplingFactor::F_1_1),
    Codec::Png,
    Codec::H264,
];

pub(crate) fn run(effort: Effort) -> anyhow::Result<Findings> {
    let count = effort.pick(6, 40);
    let mut table =
        Table::new(&["pictures", "codec", "n", "p50 ms", "p99 ms", "kB", "PSNR p50 dB", "worst dB"]);
    let grain: Vec<Vec<u8>> = load::pictures().iter().take(count).cloned().collect();
    for (name, pictures) in [("rendered", rendered(count)?), ("grain", grain)] {
        for codec in CODECS {
            progress(&format!("  codec: {name}, {}", codec.name()));
            let mut found = Vec::new();
            for picture in &pictures {
                let began = thread_time();
                let bytes = black_box(codec.encode(picture)?);
                let took = thread_time().saturating_sub(began);
                found.push((took, bytes.len(), psnr(picture, &codec.decode(&bytes)?)));
            }
            table.row(row(name, codec, &found));
        }
    }
    Ok(Findings { compared: COMPARED, tables: vec![table], ..Findings::default() })
}

fn row(name: &str, codec: Codec, found: &[(Duration, usize, f64)]) -> Vec<Cell> {
    let spans = Spans::new(found.iter().map(|(took, ..)| *took).collect());
    let bytes: usize = found.iter().map(|(_, bytes, _)| bytes).sum();
    let mut psnr: Vec<f64> = found.iter().map(|(.., psnr)| *psnr).collect();
    psnr.sort_by(f64::total_cmp);
    let decibels = |at: usize| match psnr.get(at) {
        Some(found) if found.is_finite() => Cell::Number(*found, 1),
        _ => "exact".into(),
    };
    vec![
        name.into(),
        codec.name().into(),
        spans.count().into(),
        spans.millis_at(500),
        spans.millis_at(990),
        Cell::Number(bytes as f64 / 1e3 / found.len().max(1) as f64, 1),
        decibels(psnr.len() / 2),
        decibels(0),
    ]
}

/// Frames of all the robot's cameras.
fn rendered(count: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    let (mut descriptor, observations) = observed(count)?;
    let (width, height) = (u32::try_from(SIZE.0)?, u32::try_from(SIZE.1)?);
    descriptor.cameras.iter_mut().for_each(|camera| (camera.width, camera.height) = (width, height));
    let model = SceneModel::from_descriptor(&descriptor)?;
    let (mut renderer, mut poses, mut pictures) = (Renderer::new(width, height), Vec::new(), Vec::new());
    for observation in &observations {
        model.body_poses(observation, &mut poses);
        for camera in 0..descriptor.cameras.len() {
            let view = model.camera(camera, &poses).context("no such camera")?;
            pictures.push(renderer.render(&view, &model.place(&poses)).to_vec());
        }
    }
    Ok(pictures)
}

impl Codec {
    fn name(self) -> String {
        match self {
            Self::Jpeg(quality, SamplingFactor::F_1_1) => format!("JPEG {quality}, 4:4:4"),
            Self::Jpeg(quality, _) => format!("JPEG {quality}"),
            Self::Png => "PNG".into(),
            Self::H264 => "H.264 intra".into(),
        }
    }

    fn encode(self, rgb: &[u8]) -> anyhow::Result<Vec<u8>> {
        let (wide, high) = (u16::try_from(SIZE.0)?, u16::try_from(SIZE.1)?);
        let mut bytes = Vec::new();
        match self {
            Self::Jpeg(quality, sampling) => {
                let mut encoder = Jpeg::new(&mut bytes, quality);
                encoder.set_sampling_factor(sampling);
                encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
                encoder.encode(rgb, wide, high, ColorType::Rgb)?;
            }
            Self::Png => {
                let mut encoder = png::Encoder::new(&mut bytes, wide.into(), high.into());
                encoder.set_color(png::ColorType::Rgb);
                encoder.set_compression(png::Compression::Fast);
                encoder.write_header()?.write_image_data(rgb)?;
            }
            Self::H264 => {
                let config = EncoderConfig::new()
                    .rate_control_mode(RateControlMode::Off)
                    .intra_frame_period(IntraFramePeriod::from_num_frames(1))
                    .num_threads(1);
                let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), config)?;
                let yuv = YUVBuffer::from_rgb8_source(RgbSliceU8::new(rgb, SIZE));
                encoder.encode(&yuv)?.write_vec(&mut bytes);
            }
        }
        Ok(bytes)
    }

    fn decode(self, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Jpeg(..) => Ok(jpeg_decoder::Decoder::new(bytes).decode()?),
            Self::Png => {
                let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info()?;
                let mut rgb = vec![0; reader.output_buffer_size().context("too large")?];
                reader.next_frame(&mut rgb)?;
                Ok(rgb)
            }
            Self::H264 => {
                let mut decoder = Decoder::new()?;
                let picture = decoder.decode(bytes)?.context("no picture in it")?;
                let mut rgb = vec![0; picture.rgb8_len()];
                picture.write_rgb8(&mut rgb);
                Ok(rgb)
            }
        }
    }
}

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    20.0 * 255f64.log10() - 10.0 * (sum / a.len().max(1) as f64).log10()
}
