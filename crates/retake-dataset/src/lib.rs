//! Recordings as a dataset.
//!
//! A dataset is a folder with recordings in it. [`scan`] finds the attempts of a recording and labels their steps, [`Rows`] streams
//! the steps themselves with everything that belongs to them, and [`Annotations`] are what people say about attempts afterwards:
//! verdicts, tags, notes, discarded or not. They are appended beside the recording and never rewritten; the recording itself is
//! never touched. [`Tally`] counts, [`Validator`] finds what is wrong, [`split`] and [`merge`] prepare training.

mod annotations;
mod episode;
mod error;
mod find;
mod handover;
mod import;
mod merge;
mod report;
mod rows;
mod scan;
mod split;
mod validate;

pub use annotations::{Annotation, Annotations, FILE as ANNOTATIONS, Standing, TAGS, Word, annotate};
pub use episode::{Episode, Key};
pub use error::DatasetError;
pub use find::{Source, find, select};
pub use import::{Imported, ImportedStep, Importer};
pub use merge::{Merged, merge};
pub use report::{Group, Tally};
pub use rows::{Frame, Row, Rows};
pub use scan::{Scan, scan};
pub use split::{Split, split};
pub use validate::{Finding, Validator, difference};

#[cfg(test)]
mod tests;
