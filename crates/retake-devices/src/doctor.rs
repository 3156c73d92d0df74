//! What `retake pad` prints: which pads there are, what each control does, and, if there is none, what is missing.

mod probe;
mod render;

pub use probe::InputProbe;
pub use render::{live_view, pad_list};
