//! Pictures into H.264.

use std::num::NonZeroU32;

use openh264::{
    OpenH264API, Timestamp,
    encoder::{
        Complexity, Encoder, EncoderConfig, FrameRate, IntraFramePeriod, Profile, QpRange, RateControlMode,
        SpsPpsStrategy,
    },
    formats::YUVSlices,
};

use crate::picture::Yuv;

/// Every picture is encoded equally well, whatever it costs. Rendered scenes keep more than 35 dB against their JPEG files.
const QUANTISER: u8 = 20;
/// Frames from one key frame to the next. Training reads frames in any order, and to decode one all since the key frame are needed.
const KEY_EVERY: u32 = 5;

/// Encodes one camera's pictures for one file.
pub(crate) struct VideoEncoder {
    encoder: Encoder,
    frames: u32,
    fps: u32,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for VideoEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VideoEncoder").field("frames", &self.frames).finish_non_exhaustive()
    }
}

impl VideoEncoder {
    pub(crate) fn new(fps: NonZeroU32) -> Result<Self, openh264::Error> {
        let config = EncoderConfig::new()
            .profile(Profile::High)
            .complexity(Complexity::Low)
            // No frame may be left out, and none may be worse because the one before was hard.
            .rate_control_mode(RateControlMode::Off)
            .skip_frames(false)
            .qp(QpRange::new(QUANTISER, QUANTISER))
            .adaptive_quantization(false)
            .background_detection(false)
            .scene_change_detect(false)
            .max_frame_rate(FrameRate::from_hz(f32::from(u16::try_from(fps.get()).unwrap_or(u16::MAX))))
            .intra_frame_period(IntraFramePeriod::from_num_frames(KEY_EVERY))
            .sps_pps_strategy(SpsPpsStrategy::ConstantId)
            .num_threads(1);
        let encoder = Encoder::with_api_config(OpenH264API::from_source(), config)?;
        Ok(Self { encoder, frames: 0, fps: fps.get(), bytes: Vec::new() })
    }

    /// The next frame begins an attempt, and so needs no frame before it.
    pub(crate) fn restart(&mut self) {
        if self.frames > 0 {
            self.encoder.force_intra_frame();
        }
    }

    /// Encodes a frame: its NAL units, each after a start code.
    pub(crate) fn encode(&mut self, picture: &Yuv) -> Result<&[u8], openh264::Error> {
        let (width, height) = picture.size;
        let planes = (picture.y.as_slice(), picture.u.as_slice(), picture.v.as_slice());
        let slices = YUVSlices::new(planes, (width, height), (width, width / 2, width / 2));
        let millis = u64::from(self.frames) * 1000 / u64::from(self.fps);
        let stream = self.encoder.encode_at(&slices, Timestamp::from_millis(millis))?;
        self.bytes.clear();
        stream.write_vec(&mut self.bytes);
        self.frames += 1;
        Ok(&self.bytes)
    }
}

/// A NAL unit without its start code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unit<'a>(pub(crate) &'a [u8]);

impl Unit<'_> {
    pub(crate) const KEY: u8 = 5;
    pub(crate) const SPS: u8 = 7;
    pub(crate) const PPS: u8 = 8;

    pub(crate) fn kind(self) -> u8 {
        self.0.first().map_or(0, |head| head & 0x1f)
    }
}

/// The NAL units of a stream in which each follows a start code, of three or four bytes.
pub(crate) fn units(stream: &[u8]) -> Vec<Unit<'_>> {
    let mut starts = Vec::new();
    let mut at = 0;
    while let Some(window) = stream.get(at..at + 3) {
        if window == [0, 0, 1] {
            starts.push(at);
            at += 3;
        } else {
            at += 1;
        }
    }
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let bodies = starts.iter().zip(ends).map(|(start, end)| stream.get(start + 3..end).unwrap_or_default());
    // What stands before a start code are zeros that belong to it: no unit ends in one.
    let trimmed = bodies.map(|body| {
        let length = body.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        Unit(body.get(..length).unwrap_or_default())
    });
    trimmed.filter(|unit| !unit.0.is_empty()).collect()
}
