//! Words about what was refused, once a second at most for each kind.

use std::{collections::BTreeMap, time::Duration};

use retake_node::Outbox;
use retake_units::MonoTime;
use retake_wire::pb::Notice;

const QUIET: Duration = Duration::from_secs(1);

/// Says each kind of thing at most once per second. The counters in the tick records are complete; these are for people.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notices(BTreeMap<&'static str, MonoTime>);

impl Notices {
    pub(crate) fn say(
        &mut self,
        out: &mut Outbox,
        now: MonoTime,
        tick: u64,
        code: &'static str,
        source: &str,
        text: &str,
    ) {
        if self.0.get(code).is_some_and(|last| now.since(*last) < QUIET) {
            return;
        }
        self.0.insert(code, now);
        out.publish(Notice { tick, code: code.into(), text: text.into(), source: source.into() });
    }
}
