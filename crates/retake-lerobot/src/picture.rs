//! Pictures' files, and frames of videos, as pixels.

use std::io::Cursor;

use jpeg_decoder::{Decoder, PixelFormat};

use crate::track::MAX_PIXELS;

/// A picture's pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rgb {
    /// Width and height.
    pub size: (usize, usize),
    /// Rows from the top, three bytes a pixel.
    pub bytes: Vec<u8>,
}

/// A picture as video has it: brightness for each pixel, colour for each two by two. BT.601, limited range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Yuv {
    /// Width and height, both even.
    pub(crate) size: (usize, usize),
    pub(crate) y: Vec<u8>,
    pub(crate) u: Vec<u8>,
    pub(crate) v: Vec<u8>,
}

/// Decodes a JPEG file.
pub(crate) fn decode(jpeg: &[u8]) -> Result<Rgb, String> {
    let mut decoder = Decoder::new(jpeg);
    let pixels = decoder.decode().map_err(|error| format!("a picture cannot be decoded: {error}"))?;
    let info = decoder.info().ok_or("a picture has no size")?;
    let size = (usize::from(info.width), usize::from(info.height));
    let bytes = match info.pixel_format {
        PixelFormat::RGB24 => pixels,
        PixelFormat::L8 => pixels.into_iter().flat_map(|grey| [grey; 3]).collect(),
        PixelFormat::L16 | PixelFormat::CMYK32 => {
            return Err("a picture is neither in colour nor grey".into());
        }
    };
    if bytes.len() != 3 * size.0 * size.1 {
        return Err("a picture is not of the size it says".into());
    }
    Ok(Rgb { size, bytes })
}

/// Decodes a PNG file, of any depth and kind of colour; what is transparent loses that.
///
/// # Errors
/// What is wrong with it, in words. More than 4096 × 4096 pixels are too many.
pub fn decode_png(png: &[u8]) -> Result<Rgb, String> {
    let wrong = |error: png::DecodingError| format!("a picture cannot be decoded: {error}");
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(png), png::Limits { bytes: 64 << 20 });
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(wrong)?;
    let (width, height) = (reader.info().width, reader.info().height);
    if u64::from(width) * u64::from(height) > u64::from(MAX_PIXELS) {
        return Err(format!("a picture of {width}×{height} pixels is too large"));
    }
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("a picture is too large")?];
    let info = reader.next_frame(&mut pixels).map_err(wrong)?;
    pixels.truncate(info.buffer_size());
    let (alpha, grey) = match info.color_type {
        png::ColorType::Rgb => (0, false),
        png::ColorType::Rgba => (1, false),
        png::ColorType::Grayscale => (0, true),
        png::ColorType::GrayscaleAlpha => (1, true),
        png::ColorType::Indexed => return Err("a picture's palette is missing".into()),
    };
    let bytes = match (grey, alpha) {
        (false, 0) => pixels,
        (false, _) => pixels.chunks_exact(4).flat_map(|pixel| pixel.iter().take(3)).copied().collect(),
        (true, alpha) => {
            pixels.chunks_exact(1 + alpha).filter_map(<[u8]>::first).flat_map(|grey| [*grey; 3]).collect()
        }
    };
    let side = |pixels: u32| usize::try_from(pixels).unwrap_or(0);
    Ok(Rgb { size: (side(width), side(height)), bytes })
}

/// Size of a JPEG file's picture, width first, from its header.
///
/// # Errors
/// What is wrong with it, in words.
pub fn size(jpeg: &[u8]) -> Result<(usize, usize), String> {
    let mut decoder = Decoder::new(jpeg);
    decoder.read_info().map_err(|error| format!("a picture cannot be read: {error}"))?;
    let info = decoder.info().ok_or("a picture has no size")?;
    Ok((info.width.into(), info.height.into()))
}

impl Yuv {
    /// Converts `rgb`, whose sides must be even.
    pub(crate) fn of(rgb: &Rgb) -> Self {
        let (width, height) = rgb.size;
        let mut picture = Self { size: rgb.size, ..Self::default() };
        picture.y =
            rgb.bytes.chunks_exact(3).map(|pixel| luma(pixel.iter().copied().map(i32::from))).collect();
        picture.u.reserve(width * height / 4);
        picture.v.reserve(width * height / 4);
        for pair in rgb.bytes.chunks_exact((6 * width).max(1)) {
            let (above, below) = pair.split_at(3 * width);
            for (above, below) in above.chunks_exact(6).zip(below.chunks_exact(6)) {
                let sum = |channel: usize| -> i32 {
                    let four = [
                        above.get(channel),
                        above.get(channel + 3),
                        below.get(channel),
                        below.get(channel + 3),
                    ];
                    four.into_iter().flatten().copied().map(i32::from).sum()
                };
                let (red, green, blue) = (sum(0), sum(1), sum(2));
                picture.u.push(chroma(-9_714 * red - 19_070 * green + 28_784 * blue));
                picture.v.push(chroma(28_784 * red - 24_103 * green - 4_681 * blue));
            }
        }
        picture
    }
}

// 16-bit fixed point: the BT.601 weights times 219/255 for brightness and 224/255 for colour. Colour is a sum over four pixels.
fn luma(pixel: impl Iterator<Item = i32>) -> u8 {
    let sum: i32 = pixel.zip([16_829, 33_039, 6_416]).map(|(value, weight)| value * weight).sum();
    byte(16 + ((sum + (1 << 15)) >> 16))
}

fn chroma(sum: i32) -> u8 {
    byte(128 + ((sum + (1 << 17)) >> 18))
}

fn byte(value: i32) -> u8 {
    u8::try_from(value.clamp(0, 255)).unwrap_or(0)
}

/// How colours are told by brightness and two differences: by which weights, and in which range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Colour {
    is_709: bool,
    is_full: bool,
}

impl Colour {
    /// Numbers of matrices in ISO 23091-2.
    pub(crate) const BT_709: u16 = 1;
    pub(crate) const BT_601: u16 = 6;

    /// Whatever is not said to be BT.709 is taken for BT.601, as FFmpeg does.
    pub(crate) fn new(matrix: u16, is_full: bool) -> Self {
        Self { is_709: matrix == Self::BT_709, is_full }
    }

    /// In 16-bit fixed point: the scale of brightness; red by V, green by U and by V, blue by U. The inverse of the matrix of the
    /// standard, times 255/219 and 255/224 where the range is limited.
    fn weights(self) -> [i32; 5] {
        match (self.is_709, self.is_full) {
            (false, false) => [76_309, 104_597, -25_675, -53_279, 132_201],
            (false, true) => [65_536, 91_881, -22_553, -46_802, 116_130],
            (true, false) => [76_309, 117_489, -13_975, -34_925, 138_438],
            (true, true) => [65_536, 103_206, -12_276, -30_679, 121_609],
        }
    }
}

/// A frame as decoders have it: brightness for each pixel, colour for each two by two. Rows may be longer than the picture is wide.
pub(crate) struct Planes<'a> {
    /// Width and height.
    pub(crate) size: (usize, usize),
    /// Bytes, and how many of them a row has.
    pub(crate) luma: (&'a [u8], usize),
    /// U and V.
    pub(crate) chroma: [&'a [u8]; 2],
    pub(crate) chroma_stride: usize,
}

impl Planes<'_> {
    /// The frame's pixels. Four pixels share their colour; nothing is interpolated.
    pub(crate) fn rgb(&self, colour: Colour) -> Result<Rgb, String> {
        let (width, height) = self.size;
        let [scale, red, green_u, green_v, blue] = colour.weights();
        let black = if colour.is_full { 0 } else { 16 };
        let mut bytes = Vec::with_capacity(3 * width * height);
        fn line(plane: &[u8], stride: usize, row: usize, length: usize) -> Option<&[u8]> {
            plane.chunks(stride.max(1)).nth(row)?.get(..length)
        }
        for row in 0..height {
            let y = line(self.luma.0, self.luma.1, row, width);
            let chroma = self.chroma.map(|plane| line(plane, self.chroma_stride, row / 2, width.div_ceil(2)));
            let (Some(y), [Some(u), Some(v)]) = (y, chroma) else {
                return Err("a picture is not of the size it says".into());
            };
            for (pair, (u, v)) in y.chunks(2).zip(u.iter().zip(v)) {
                let (u, v) = (i32::from(*u) - 128, i32::from(*v) - 128);
                for y in pair {
                    let y = (i32::from(*y) - black) * scale + (1 << 15);
                    let channels = [y + red * v, y + green_u * u + green_v * v, y + blue * u];
                    bytes.extend(channels.map(|value| byte(value >> 16)));
                }
            }
        }
        Ok(Rgb { size: self.size, bytes })
    }
}
