//! Exports of recordings, read back.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::wildcard_enum_match_arm,
    reason = "a failed step fails the test, and what is made up is small"
)]

mod back;
mod broken;
mod made;
mod values;
mod videos;
