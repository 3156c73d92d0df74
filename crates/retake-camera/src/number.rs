//! The few places where a measured number becomes a pixel, so that what is lost is stated once.

/// Index of the first pixel whose centre is at or beyond `edge`, within `0..=limit`; NaN counts as before all.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped just before")]
pub(crate) fn first_centre(edge: f64, limit: usize) -> usize {
    // Not `ceil`, which without newer instructions than we may assume is a call.
    let from = (edge - 0.5).max(0.0).min(limit as f64);
    let below = from as usize;
    below + usize::from((below as f64) < from)
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

/// 1 if the cell of a unit grid that `value` falls into is an odd one, else 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "only the parity is kept")]
pub(crate) fn odd(value: f32) -> usize {
    // Shifted by an even number of cells so that truncation is `floor`, which would be a call.
    (value + 65_536.0) as usize & 1
}

/// Level of a fraction on a scale of `levels` steps, ends included; NaN is the lowest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped just before")]
pub(crate) fn level(fraction: f32, levels: usize) -> usize {
    (fraction.clamp(0.0, 1.0) * levels as f32) as usize
}
