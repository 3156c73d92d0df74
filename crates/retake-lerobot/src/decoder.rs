//! Compressed frames into pixels.

use std::collections::VecDeque;

use openh264::{
    OpenH264API,
    decoder::{DecodeOptions, DecodedYUV, Decoder as OpenH264, DecoderConfig, Flush},
    formats::YUVSource as _,
};
use re_rav1d::{
    Decoder as Rav1d, Error as Rav1dError, PixelLayout, PlanarImageComponent, Settings,
    pixel::MatrixCoefficients, pixel::YUVRange,
};
use shiguredo_mp4::bitstream::h264::{LengthSize, length_prefixed_to_annexb};

use crate::{
    picture::{Colour, Planes, Rgb},
    track::{Codec, MAX_PIXELS},
};

/// A decoder of one file's frames, in the order in which they stand in it. Pictures come out in the order in which they are shown,
/// one for each frame, some frames late.
pub(crate) enum Decoder {
    H264 {
        decoder: Box<OpenH264>,
        /// Parameter sets that go before the first frame.
        parameters: Vec<u8>,
        length: LengthSize,
        colour: Colour,
    },
    Av1(Rav1d),
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::H264 { .. } => f.write_str("H264"),
            Self::Av1(_) => f.write_str("Av1"),
        }
    }
}

impl Decoder {
    pub(crate) fn new(codec: &Codec) -> Result<Self, String> {
        match codec {
            Codec::H264 { parameters, length, colour } => {
                let config = DecoderConfig::new().flush_after_decode(Flush::NoFlush);
                let decoder = OpenH264::with_api_config(OpenH264API::from_source(), config);
                Ok(Self::H264 {
                    decoder: Box::new(decoder.map_err(|error| error.to_string())?),
                    parameters: parameters.clone(),
                    length: *length,
                    colour: *colour,
                })
            }
            Codec::Av1 => {
                let mut settings = Settings::new();
                // One picture for each frame, before the next one is taken in.
                settings.set_n_threads(1);
                settings.set_max_frame_delay(1);
                settings.set_frame_size_limit(MAX_PIXELS);
                Ok(Self::Av1(Rav1d::with_settings(&settings).map_err(|error| error.to_string())?))
            }
        }
    }

    /// Takes in a frame, and appends the pictures that are whole now.
    pub(crate) fn take(&mut self, frame: Vec<u8>, out: &mut VecDeque<Rgb>) -> Result<(), String> {
        match self {
            Self::H264 { decoder, parameters, length, colour } => {
                let mut stream = std::mem::take(parameters);
                stream.extend(length_prefixed_to_annexb(&frame, *length).map_err(|error| error.to_string())?);
                let options = DecodeOptions::new().flush_after_decode(Flush::NoFlush);
                let decoded = decoder.decode_with_options(&stream, options);
                let decoded = decoded.map_err(|error| error.to_string())?;
                out.extend(decoded.map(|picture| of_h264(&picture, *colour)).transpose()?);
            }
            Self::Av1(decoder) => {
                decoder.send_data(frame, None, None, None).or_else(|error| match error.is_again() {
                    true => Ok(()),
                    false => Err(error.to_string()),
                })?;
                drain(decoder, out)?;
                while let Err(error) = decoder.send_pending_data() {
                    if !error.is_again() {
                        return Err(error.to_string());
                    }
                    drain(decoder, out)?;
                }
                drain(decoder, out)?;
            }
        }
        Ok(())
    }

    /// Appends what is still to come after the last frame.
    pub(crate) fn finish(&mut self, out: &mut VecDeque<Rgb>) -> Result<(), String> {
        match self {
            Self::H264 { decoder, colour, .. } => {
                for picture in decoder.flush_remaining().map_err(|error| error.to_string())? {
                    out.push_back(of_h264(&picture, *colour)?);
                }
                Ok(())
            }
            Self::Av1(decoder) => drain(decoder, out),
        }
    }
}

fn drain(decoder: &mut Rav1d, out: &mut VecDeque<Rgb>) -> Result<(), String> {
    loop {
        match decoder.get_picture() {
            Ok(picture) => out.push_back(of_av1(&picture)?),
            Err(Rav1dError::Again) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn of_h264(picture: &DecodedYUV<'_>, colour: Colour) -> Result<Rgb, String> {
    let (luma, chroma, _) = picture.strides();
    let planes = Planes {
        size: picture.dimensions(),
        luma: (picture.y(), luma),
        chroma: [picture.u(), picture.v()],
        chroma_stride: chroma,
    };
    planes.rgb(colour)
}

fn of_av1(picture: &re_rav1d::Picture) -> Result<Rgb, String> {
    if picture.pixel_layout() != PixelLayout::I420 || picture.bit_depth() != 8 {
        return Err("a picture in it is not 8 bits and 4:2:0, as its tables say".into());
    }
    let matrix = if picture.matrix_coefficients() == MatrixCoefficients::BT709 {
        Colour::BT_709
    } else {
        Colour::BT_601
    };
    let colour = Colour::new(matrix, picture.color_range() == YUVRange::Full);
    let side = |pixels: u32| usize::try_from(pixels).unwrap_or(0);
    let [y, u, v] = [PlanarImageComponent::Y, PlanarImageComponent::U, PlanarImageComponent::V]
        .map(|component| picture.plane(component));
    let planes = Planes {
        size: (side(picture.width()), side(picture.height())),
        luma: (&y, side(picture.stride(PlanarImageComponent::Y))),
        chroma: [&u, &v],
        chroma_stride: side(picture.stride(PlanarImageComponent::U)),
    };
    planes.rgb(colour)
}
