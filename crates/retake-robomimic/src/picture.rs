use std::io::Cursor;

use jpeg_decoder::{Decoder, PixelFormat};

/// No camera's picture is larger.
const MAX_BYTES: usize = 64 << 20;

/// A picture: height, width, and three bytes per pixel, row by row.
pub(crate) struct Picture {
    pub(crate) size: [usize; 2],
    pub(crate) rgb: Vec<u8>,
}

/// Decodes a JPEG. What is wrong with it comes back in words.
pub(crate) fn decode(jpeg: &[u8]) -> Result<Picture, String> {
    let mut decoder = Decoder::new(Cursor::new(jpeg));
    decoder.set_max_decoding_buffer_size(MAX_BYTES);
    let pixels = decoder.decode().map_err(|error| error.to_string())?;
    let about = decoder.info().ok_or("it has no size")?;
    let size = [usize::from(about.height), usize::from(about.width)];
    let rgb = match about.pixel_format {
        PixelFormat::RGB24 => pixels,
        PixelFormat::L8 => pixels.into_iter().flat_map(|grey| [grey; 3]).collect(),
        PixelFormat::L16 | PixelFormat::CMYK32 => return Err(format!("it is {:?}", about.pixel_format)),
    };
    if rgb.len() == size[0] * size[1] * 3 { Ok(Picture { size, rgb }) } else { Err("it is cut off".into()) }
}
