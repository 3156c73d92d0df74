//! What could not be recorded, counted per key until it is told.

use std::{collections::BTreeMap, mem};

use retake_units::MonoTime;
use retake_wire::pb::Gap;

/// Losses since the last time they were told.
#[derive(Debug, Default)]
pub(crate) struct Gaps(BTreeMap<String, Gap>);

impl Gaps {
    /// More keys than any robot has; losses on others are counted together.
    const MAX_KEYS: usize = 256;

    pub(crate) fn add(&mut self, topic: &str, count: u64, at: MonoTime) {
        let topic = if self.0.len() < Self::MAX_KEYS || self.0.contains_key(topic) { topic } else { "" };
        let gap = self.0.entry(topic.to_owned()).or_insert_with(|| Gap {
            topic: topic.to_owned(),
            first_nanos: at.wire_nanos(),
            ..Gap::default()
        });
        gap.count = gap.count.saturating_add(count);
        gap.last_nanos = at.wire_nanos();
    }

    /// Takes back a gap that could not be told yet.
    pub(crate) fn restore(&mut self, gap: Gap) {
        match self.0.get_mut(&gap.topic) {
            Some(known) => {
                known.count = known.count.saturating_add(gap.count);
                known.first_nanos = known.first_nanos.min(gap.first_nanos);
                known.last_nanos = known.last_nanos.max(gap.last_nanos);
            }
            None => drop(self.0.insert(gap.topic.clone(), gap)),
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Gap> {
        mem::take(&mut self.0).into_values().collect()
    }
}
