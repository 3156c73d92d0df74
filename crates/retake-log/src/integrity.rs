//! What is wrong with a recording's files.

use serde::{Deserialize, Serialize};

/// One stretch of a file that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// File name.
    pub file: String,
    /// Where it begins.
    pub offset: u64,
    /// Bytes left out.
    pub bytes: u64,
    /// What is wrong, in words.
    pub reason: String,
}

/// What reading a recording came across besides its messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integrity {
    /// Stretches that could not be used, the first hundred.
    pub faults: Vec<Fault>,
    /// Bytes of all stretches that could not be used.
    pub lost_bytes: u64,
    /// Segments without footer: cut off while they were written.
    pub unfinished_segments: u32,
    /// Messages on topics that are not retake's.
    pub foreign_messages: u64,
    /// Messages whose bytes are not what their topic promises.
    pub undecodable_messages: u64,
}

impl Integrity {
    const MAX_FAULTS: usize = 100;

    /// Every byte was as its writer left it.
    pub const fn is_whole(&self) -> bool {
        self.lost_bytes == 0 && self.unfinished_segments == 0 && self.undecodable_messages == 0
    }

    pub(crate) fn report(&mut self, fault: Fault) {
        self.lost_bytes = self.lost_bytes.saturating_add(fault.bytes);
        if self.faults.len() < Self::MAX_FAULTS {
            self.faults.push(fault);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.lost_bytes = self.lost_bytes.saturating_add(other.lost_bytes);
        let room = Self::MAX_FAULTS.saturating_sub(self.faults.len());
        self.faults.extend(other.faults.into_iter().take(room));
        self.unfinished_segments += other.unfinished_segments;
        self.foreign_messages += other.foreign_messages;
        self.undecodable_messages += other.undecodable_messages;
    }
}
