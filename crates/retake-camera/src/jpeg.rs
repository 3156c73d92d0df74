//! Pixels into a JPEG file.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, SamplingFactor};

/// Measured (`cargo xtask bench codec`): more costs bytes and keeps little that colour at half the size has not lost already.
const QUALITY: u8 = 88;

/// An image that JPEG cannot hold.
#[derive(Debug, thiserror::Error)]
pub enum JpegError {
    /// A side is zero or over 65,535.
    #[error("an image of {width}×{height} pixels does not fit into a JPEG")]
    Size {
        /// Pixels per row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// The encoder refused.
    #[error("the image cannot be encoded: {0}")]
    Encoder(#[from] EncodingError),
}

/// Encodes RGB bytes, row by row from the top left.
///
/// # Errors
/// If the size is none that a JPEG can have, or not that of `rgb`.
pub fn encode_jpeg(rgb: &[u8], (width, height): (usize, usize)) -> Result<Vec<u8>, JpegError> {
    let side = |pixels: usize| u16::try_from(pixels).ok().filter(|side| *side > 0);
    let (Some(wide), Some(high)) = (side(width), side(height)) else {
        return Err(JpegError::Size { width, height });
    };
    let mut bytes = Vec::with_capacity(rgb.len() / 6 + 1024);
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.encode(rgb, wide, high, ColorType::Rgb)?;
    Ok(bytes)
}
