//! Recorded JPEG files as pixels.

use jpeg_decoder::{Decoder, PixelFormat};

/// A picture's pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rgb {
    /// Width and height.
    pub(crate) size: (usize, usize),
    /// Rows from the top, three bytes a pixel.
    pub(crate) bytes: Vec<u8>,
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

/// Size of a JPEG file's picture, width first, from its header.
pub(crate) fn size(jpeg: &[u8]) -> Result<(usize, usize), String> {
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
