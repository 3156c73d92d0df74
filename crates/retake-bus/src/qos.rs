//! How each topic travels.

use retake_wire::Topic;
use zenoh::qos::{CongestionControl, Priority};

/// Which thread puts a topic's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// The node's own thread; a receiver that does not keep up misses messages.
    Direct,
    /// The record lane; waits for receivers, so that the record is whole.
    Lane,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Qos {
    pub(crate) path: Path,
    pub(crate) priority: Priority,
    pub(crate) congestion: CongestionControl,
    pub(crate) express: bool,
}

/// The lane has a priority of its own: zenoh keeps one queue and one lock per priority, and a put that waits holds both.
pub(crate) const fn of(topic: Topic) -> Qos {
    match topic {
        Topic::Command | Topic::Reset | Topic::Applied | Topic::Beacon => direct(Priority::RealTime),
        Topic::Input | Topic::Observation => direct(Priority::InteractiveHigh),
        Topic::Proposal | Topic::Help => direct(Priority::InteractiveLow),
        Topic::Descriptor | Topic::PolicyInfo | Topic::Status | Topic::Watermark => {
            direct(Priority::DataHigh)
        }
        Topic::SimState
        | Topic::Tick
        | Topic::Segment
        | Topic::Episode
        | Topic::Branch
        | Topic::ArbiterInfo
        | Topic::Schedule
        | Topic::Notice
        | Topic::Gap => Qos {
            path: Path::Lane,
            priority: Priority::Data,
            congestion: CongestionControl::Block,
            express: true,
        },
        Topic::Camera => Qos {
            path: Path::Direct,
            priority: Priority::Background,
            congestion: CongestionControl::Drop,
            express: false,
        },
    }
}

const fn direct(priority: Priority) -> Qos {
    Qos { path: Path::Direct, priority, congestion: CongestionControl::Drop, express: true }
}

#[cfg(test)]
mod tests {
    use retake_wire::Delivery;

    use super::*;

    #[test]
    fn only_the_lane_waits_and_nothing_else_shares_its_priority() {
        for topic in Topic::ALL {
            let qos = of(*topic);
            let lane = qos.path == Path::Lane;
            assert_eq!(lane, qos.congestion == CongestionControl::Block, "{topic:?}");
            assert_eq!(lane, qos.priority == Priority::Data, "{topic:?}");
            assert!(!lane || topic.delivery() == Delivery::All, "{topic:?}");
        }
    }
}
