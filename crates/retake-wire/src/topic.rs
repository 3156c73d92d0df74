//! The one table of topics.

use crate::RobotId;

/// What a slow receiver may miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Only the newest matters; older ones may be overwritten before they are read.
    Latest,
    /// Everyone gets all. If a queue overflows, the loss is counted and reported.
    All,
}

macro_rules! topics {
    ($($(#[doc = $doc:literal])* $name:ident = $suffix:literal, $schema:literal, $delivery:ident;)*) => {
        /// What is published, under which key, and how it is delivered.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Topic { $($(#[doc = $doc])* $name,)* }

        impl Topic {
            /// Every topic, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Key below the robot's root. A topic with many instances ends in `/` and the instance follows.
            pub const fn suffix(self) -> &'static str {
                match self { $(Self::$name => $suffix,)* }
            }

            /// Full name of the Protobuf message.
            pub const fn schema(self) -> &'static str {
                match self { $(Self::$name => $schema,)* }
            }

            /// What a slow receiver may miss.
            pub const fn delivery(self) -> Delivery {
                match self { $(Self::$name => Delivery::$delivery,)* }
            }
        }
    };
}

topics! {
    /// Driver → all: what the robot is.
    Descriptor = "robot/descriptor", "retake.v1.RobotDescriptor", Latest;
    /// Driver → all: what the robot measures.
    Observation = "robot/observation", "retake.v1.Observation", All;
    /// Driver → all: what it did with a command.
    Applied = "robot/applied", "retake.v1.Applied", All;
    /// Arbiter → driver: the only commands there are.
    Command = "robot/command", "retake.v1.Command", All;
    /// Arbiter → driver: put the scene into a start state.
    Reset = "robot/reset", "retake.v1.Reset", All;
    /// Camera node → all: one image; the camera's name ends the key.
    Camera = "camera/", "foxglove.CompressedImage", Latest;
    /// Simulator → recorder: the whole state of the world, now and then.
    SimState = "robot/sim_state", "retake.v1.SimState", All;
    /// Policy → arbiter: what it wants to do.
    Proposal = "policy/proposal", "retake.v1.Proposal", All;
    /// Policy → all: who is proposing.
    PolicyInfo = "policy/info", "retake.v1.PolicyInfo", Latest;
    /// Policy, critic or monitor → arbiter: how much it needs the operator.
    Help = "help", "retake.v1.HelpSignal", All;
    /// Device → arbiter: what the operator says.
    Input = "operator/input", "retake.v1.OperatorInput", All;
    /// Arbiter → all: heartbeat to be echoed.
    Beacon = "arbiter/beacon", "retake.v1.Beacon", Latest;
    /// Arbiter → all: the state of things for screens.
    Status = "arbiter/status", "retake.v1.Status", Latest;
    /// Arbiter → recorder: every decision.
    Tick = "arbiter/tick", "retake.v1.TickRecord", All;
    /// Arbiter → recorder: a finished stretch of one owner.
    Segment = "arbiter/segment", "retake.v1.SegmentRecord", All;
    /// Arbiter → recorder: an attempt's beginning and end.
    Episode = "arbiter/episode", "retake.v1.EpisodeRecord", All;
    /// Arbiter → recorder: a rewind, and where it led.
    Branch = "arbiter/branch", "retake.v1.BranchRecord", All;
    /// Arbiter → recorder: what its decisions depend on.
    ArbiterInfo = "arbiter/info", "retake.v1.ArbiterInfo", All;
    /// Arbiter → recorder: what it was told and when, so that its decisions can be repeated.
    Schedule = "arbiter/schedule", "retake.v1.Schedule", All;
    /// Anyone → all: something refused or wrong, in words.
    Notice = "notice", "retake.v1.Notice", All;
    /// Recorder → all: what is safe on disk.
    Watermark = "recorder/watermark", "retake.v1.Watermark", Latest;
    /// Recorder → recording: what is missing from it.
    Gap = "recorder/gap", "retake.v1.Gap", All;
}

impl Topic {
    /// The topic is one of many under the same key, told apart by what follows.
    pub fn has_instances(self) -> bool {
        self.suffix().ends_with('/')
    }

    /// Full key of this topic for `robot`; `instance` is used only by topics that have instances.
    pub fn key(self, robot: &RobotId, instance: &str) -> String {
        let instance = if self.has_instances() { instance } else { "" };
        format!("{}/{}{instance}", robot.root(), self.suffix())
    }

    /// Key expression that matches every message of this topic for `robot`.
    pub fn pattern(self, robot: &RobotId) -> String {
        self.key(robot, "*")
    }

    /// The topic a key below the robot's root belongs to.
    pub fn of_suffix(suffix: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|topic| {
            if topic.has_instances() {
                suffix
                    .strip_prefix(topic.suffix())
                    .is_some_and(|rest| !rest.is_empty() && !rest.contains('/'))
            } else {
                topic.suffix() == suffix
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_leads_back_to_its_topic() {
        for topic in Topic::ALL {
            let suffix = if topic.has_instances() {
                format!("{}front", topic.suffix())
            } else {
                topic.suffix().into()
            };
            assert_eq!(Topic::of_suffix(&suffix), Some(*topic));
        }
    }

    #[test]
    fn foreign_keys_have_no_topic() {
        for suffix in ["", "camera/", "camera/a/b", "robot", "robot/command/x", "ROBOT/command"] {
            assert_eq!(Topic::of_suffix(suffix), None, "{suffix}");
        }
    }

    #[test]
    fn the_table_is_as_agreed() {
        let table: String = Topic::ALL
            .iter()
            .map(|topic| format!("{:<20} {:<26} {:?}\n", topic.suffix(), topic.schema(), topic.delivery()))
            .collect();
        assert_eq!(table, include_str!("../topics.golden.txt"));
    }
}
