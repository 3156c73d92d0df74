#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is made up is small")]

mod stats;
mod video;
