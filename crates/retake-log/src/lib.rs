//! Recordings: directories of MCAP segments that stock tools open, and that survive `kill -9`.
//!
//! [`RecordingWriter`] appends messages and makes them durable; [`Recording`] reads them back, tolerating torn and damaged
//! files; [`recover`] turns what a crash left behind into properly indexed segments, and [`verify`] tells whether every byte is
//! as its writer left it. [`summary`] tells what is inside,
//! rebuilding from the ticks what a crash kept from being written, and [`decisions_digest`] and [`first_difference`]
//! compare what two runs decided.
//!
//! This crate knows no clock and no transport: times come with the messages.

mod anchor;
mod chunk;
mod cursor;
mod decisions;
mod deferred;
mod disk;
mod entry;
mod error;
mod integrity;
mod layout;
mod manifest;
mod recording;
mod recovery;
mod schema;
mod segment_reader;
mod segment_writer;
mod states;
mod summary;
mod verify;
mod writer;
mod writer_config;

pub use anchor::{Anchor, utc_label, utc_text};
pub use decisions::{Difference, decisions_digest, first_difference};
pub use deferred::DeferredDisk;
pub use disk::{Disk, DiskFile, LocalDisk};
pub use entry::{Entry, Mark};
pub use error::LogError;
pub use integrity::{Fault, Integrity};
pub use manifest::{Extras, MANIFEST, Manifest, SegmentEntry, State};
pub use recording::{Logged, Messages, Recording, topic_of};
pub use recovery::{Found, Recovery, RepairedSegment, recover, recover_all, repair};
pub use segment_reader::{Channel, MAX_CHUNK_BYTES, MAX_RECORD_BYTES, Raw, SegmentReader};
pub use segment_writer::Packing;
pub use states::{EpisodeStates, Place, PlacedState, episode_states, named_state};
pub use summary::{
    BranchSegment, BranchSummary, EpisodeSummary, GapSummary, Info, Moment, SegmentFile, SegmentSummary,
    Summary, TopicSummary, render_info, render_show, render_tree, summary, table,
};
pub use verify::{
    FileVerification, Progress, TickGap, Torn, Verification, recordings_at, render_verification, verify,
};
pub use writer::{Position, RecordingWriter};
pub use writer_config::{Durability, WriterConfig};
