//! Exports of recordings, read back.

mod broken;
mod made;
mod values;
