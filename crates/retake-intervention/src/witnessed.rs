//! The arbiter with a note of everything it is told, so that its decisions can be repeated.

use retake_node::Witness;
use retake_units::MonoTime;
use retake_wire::pb::ArbiterInfo;

use crate::{Arbiter, ArbiterConfig};

/// Version of the rules in this program; recordings say which one decided.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// An arbiter that owns nothing, whose first tick is at `start`, and that publishes what it is told besides what it decides.
pub fn witnessed(config: ArbiterConfig, start: MonoTime) -> Witness<Arbiter> {
    // A configuration that cannot be written is left out: the arbiter must run, and the verifier says that it is missing.
    let text = config.to_json().unwrap_or_default();
    let arbiter = Arbiter::new(config, start);
    let info = ArbiterInfo {
        session: arbiter.sender.session,
        version: VERSION.into(),
        config: text,
        start_nanos: start.wire_nanos(),
    };
    Witness::new(arbiter, info)
}
