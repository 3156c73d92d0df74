//! The few places where a measured number becomes a pixel, so that what is lost is stated once.

/// Index of the first pixel whose centre is at or beyond `edge`, within `0..=limit`; NaN counts as before all.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped just before")]
pub(crate) fn first_centre(edge: f64, limit: usize) -> usize {
    (edge - 0.5).ceil().max(0.0).min(limit as f64) as usize
}

/// A channel of 0 to 1 as a byte.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "float casts saturate")]
pub(crate) fn byte(channel: f32) -> u8 {
    (channel * 255.0 + 0.5) as u8
}

/// Double to single precision.
#[expect(clippy::cast_possible_truncation, reason = "coordinates within a room need no more")]
pub(crate) fn single(value: f64) -> f32 {
    value as f32
}

/// The cell of a unit grid that `value` falls into is an odd one.
#[expect(clippy::cast_possible_truncation, reason = "only the parity is kept")]
pub(crate) fn odd(value: f32) -> bool {
    (value.floor() as i64) & 1 == 1
}
