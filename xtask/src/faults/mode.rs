//! The ways in which things go wrong.

use retake_wire::Topic;

use super::{
    link::{Bytes, Wire},
    mangle::{Fault, Forgery},
    node::Kind,
};

/// What happens in a run, once the robot moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trouble {
    /// Nothing: the operator lets go, and that is all.
    None,
    /// Bytes between one process and all others.
    Bytes(Kind, Wire),
    /// The connection is closed: in between, or in the middle of what is under way.
    Cut { link: Kind, torn: bool },
    /// The connection is closed, and the next one is accepted but not served.
    Deaf(Kind),
    /// Messages of one topic.
    Messages(Topic, Fault),
    /// A process dies and is started again.
    Kill(Kind),
    /// A process stands still for a while.
    Freeze { who: Kind, least_ms: u64, most_ms: u64 },
    /// Two operators reach for the robot at once.
    Rival(Rivalry),
    /// Somebody presses stop, and others go on pushing.
    Stop { by: Kind, lossy: bool },
    /// The policy is resumed and paused at once, and the resumption comes again.
    ResumeAgain,
    /// The operator takes over, lets go and resumes, while the policy is not heard any more.
    OldChunk,
}

/// What the second operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rivalry {
    /// Holds the clutch and pushes the other way.
    Clutch,
    /// Asks for the lease, and gets it when the first gives it up.
    Request,
    /// Presses every button there is.
    Acts,
}

/// Who drives when the trouble begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engage {
    Human,
    Policy,
    Rewind,
}

/// One kind of trouble.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    pub(crate) name: &'static str,
    pub(crate) trouble: Trouble,
    pub(crate) engage: &'static [Engage],
}

const ANY: &[Engage] = &[Engage::Human, Engage::Policy, Engage::Rewind, Engage::Human];
const HUMAN: &[Engage] = &[Engage::Human];
const POLICY: &[Engage] = &[Engage::Policy];
const HANDS: &[Engage] = &[Engage::Human, Engage::Rewind, Engage::Human];

const fn mode(name: &'static str, engage: &'static [Engage], trouble: Trouble) -> Mode {
    Mode { name, trouble, engage }
}

const fn bytes(name: &'static str, link: Kind, up: Bytes, down: Bytes) -> Mode {
    mode(name, ANY, Trouble::Bytes(link, Wire { up, down }))
}

const fn messages(name: &'static str, topic: Topic, fault: Fault) -> Mode {
    mode(name, ANY, Trouble::Messages(topic, fault))
}

const fn forged(name: &'static str, topic: Topic, what: Forgery, every: u64, beside: bool) -> Mode {
    mode(name, ANY, Trouble::Messages(topic, Fault::Forge { what, every, beside }))
}

const fn frozen(
    name: &'static str,
    engage: &'static [Engage],
    who: Kind,
    least_ms: u64,
    most_ms: u64,
) -> Mode {
    mode(name, engage, Trouble::Freeze { who, least_ms, most_ms })
}

const PASS: Bytes = Bytes::Pass;
const SOME_DELAY: Bytes = Bytes::Delay { least_ms: 10, most_ms: 60 };
const JITTER: Bytes = Bytes::Delay { least_ms: 0, most_ms: 150 };
const SLOW: Bytes = Bytes::Throttle { bytes_per_s: 4_000 };
const FLIPS: Bytes = Bytes::Flip { every: 1_500 };

use Forgery as F;
use Kind::{Alice, Bob, Driver, Intervention, Policy};

/// All modes.
pub(crate) const MODES: &[Mode] = &[
    mode("release", ANY, Trouble::None),
    // Bytes.
    bytes("operator link delayed", Alice, SOME_DELAY, SOME_DELAY),
    bytes("arbiter link delayed", Intervention, SOME_DELAY, SOME_DELAY),
    bytes("operator link jitters", Alice, JITTER, JITTER),
    bytes("arbiter link jitters", Intervention, JITTER, JITTER),
    bytes("operator link stalls, then bursts", Alice, Bytes::Stall, Bytes::Stall),
    bytes("arbiter link stalls, then bursts", Intervention, Bytes::Stall, Bytes::Stall),
    bytes("driver link stalls, then bursts", Driver, Bytes::Stall, Bytes::Stall),
    bytes("operator unheard (one-way)", Alice, Bytes::Stall, PASS),
    bytes("operator hears nothing (half-open)", Alice, PASS, Bytes::Stall),
    bytes("driver hears nothing (half-open)", Driver, PASS, Bytes::Stall),
    bytes("driver unheard (one-way)", Driver, Bytes::Stall, PASS),
    bytes("policy unheard (one-way)", Policy, Bytes::Stall, PASS),
    bytes("operator link throttled", Alice, SLOW, PASS),
    bytes("arbiter link throttled", Intervention, SLOW, SLOW),
    bytes("bits flip at the operator", Alice, FLIPS, PASS),
    bytes("bits flip at the driver", Driver, PASS, FLIPS),
    bytes("bits flip at the policy", Policy, FLIPS, PASS),
    mode("operator link reset", ANY, Trouble::Cut { link: Alice, torn: false }),
    mode("driver link reset", ANY, Trouble::Cut { link: Driver, torn: false }),
    mode("arbiter link truncated", ANY, Trouble::Cut { link: Intervention, torn: true }),
    mode("operator accepted, not read", ANY, Trouble::Deaf(Alice)),
    // Messages.
    messages("inputs dropped", Topic::Input, Fault::Drop(0.7)),
    messages("commands dropped", Topic::Command, Fault::Drop(0.4)),
    messages("observations dropped", Topic::Observation, Fault::Drop(0.5)),
    messages("beacons dropped", Topic::Beacon, Fault::Drop(0.6)),
    messages("inputs twice", Topic::Input, Fault::Again(2)),
    messages("commands twice", Topic::Command, Fault::Again(2)),
    messages("proposals twice", Topic::Proposal, Fault::Again(2)),
    messages("inputs swapped", Topic::Input, Fault::Swap),
    messages("commands swapped", Topic::Command, Fault::Swap),
    messages("inputs late", Topic::Input, Fault::Late { least_ms: 20, most_ms: 140 }),
    messages("commands late", Topic::Command, Fault::Late { least_ms: 5, most_ms: 140 }),
    messages("old inputs again", Topic::Input, Fault::Replay { ms: 400 }),
    messages("young inputs again", Topic::Input, Fault::Replay { ms: 90 }),
    messages("old commands again", Topic::Command, Fault::Replay { ms: 600 }),
    messages("young commands again", Topic::Command, Fault::Replay { ms: 90 }),
    messages("old proposals again", Topic::Proposal, Fault::Replay { ms: 900 }),
    messages("old observations again", Topic::Observation, Fault::Replay { ms: 300 }),
    forged("input not finite", Topic::Input, F::NotFinite, 1, false),
    forged("input cut short", Topic::Input, F::Short, 1, false),
    forged("proposal not finite", Topic::Proposal, F::NotFinite, 2, false),
    forged("proposal out of range", Topic::Proposal, F::Far, 1, false),
    forged("proposal too fast", Topic::Proposal, F::Fast, 2, false),
    forged("proposal without a group", Topic::Proposal, F::Short, 1, false),
    forged("command not finite", Topic::Command, F::NotFinite, 3, true),
    forged("command out of range", Topic::Command, F::Beyond, 3, true),
    forged("command far away", Topic::Command, F::Far, 3, true),
    forged("command too fast", Topic::Command, F::Fast, 3, true),
    forged("command of an old epoch", Topic::Command, F::OldEpoch, 3, true),
    forged("command of an old number", Topic::Command, F::OldSequence, 3, true),
    forged("command of another session", Topic::Command, F::OtherSession, 3, true),
    forged("command to an old nonce", Topic::Command, F::OldBeacon, 3, false),
    forged("input of a future epoch", Topic::Input, F::FutureEpoch, 1, false),
    forged("input of an old number", Topic::Input, F::OldSequence, 2, true),
    forged("input to an old beacon", Topic::Input, F::OldBeacon, 1, false),
    forged("proposal of an old epoch", Topic::Proposal, F::OldEpoch, 1, false),
    forged("proposal of a future epoch", Topic::Proposal, F::FutureEpoch, 1, false),
    forged("observation not finite", Topic::Observation, F::NotFinite, 2, false),
    forged("observation with an old nonce", Topic::Observation, F::OldBeacon, 1, false),
    forged("beacon of long ago", Topic::Beacon, F::OldBeacon, 2, false),
    forged("beacon of a future epoch", Topic::Beacon, F::FutureEpoch, 1, false),
    forged("applied not finite", Topic::Applied, F::NotFinite, 2, false),
    forged("applied of an old epoch", Topic::Applied, F::OldEpoch, 1, false),
    forged("operator's clock an hour ahead", Topic::Input, F::ClockAhead, 1, false),
    forged("operator's clock an hour behind", Topic::Input, F::ClockBehind, 1, false),
    forged("operator's clock steps", Topic::Input, F::ClockSteps, 1, false),
    forged("policy's clock runs fast", Topic::Proposal, F::ClockFast, 1, false),
    // Processes.
    mode("operator killed", HANDS, Trouble::Kill(Alice)),
    mode("policy killed", POLICY, Trouble::Kill(Policy)),
    mode("arbiter killed and restarted", ANY, Trouble::Kill(Intervention)),
    mode("driver killed", ANY, Trouble::Kill(Driver)),
    frozen("operator frozen", HANDS, Alice, 200, 500),
    frozen("operator frozen shortly", HANDS, Alice, 30, 90),
    frozen("policy frozen", POLICY, Policy, 500, 800),
    frozen("arbiter frozen", ANY, Intervention, 150, 500),
    frozen("arbiter frozen shortly", ANY, Intervention, 20, 60),
    frozen("driver frozen", ANY, Driver, 120, 400),
    frozen("driver frozen shortly", ANY, Driver, 20, 60),
    // People.
    mode("two hold the clutch", HUMAN, Trouble::Rival(Rivalry::Clutch)),
    mode("the lease is asked for", HUMAN, Trouble::Rival(Rivalry::Request)),
    mode("the second presses everything", ANY, Trouble::Rival(Rivalry::Acts)),
    mode("stop, and pushing on", ANY, Trouble::Stop { by: Alice, lossy: false }),
    mode("stop by the other, and pushing on", ANY, Trouble::Stop { by: Bob, lossy: false }),
    mode("stop over a lossy link", ANY, Trouble::Stop { by: Alice, lossy: true }),
    mode("resumption again after a pause", POLICY, Trouble::ResumeAgain),
    mode("a chunk from before the takeover", POLICY, Trouble::OldChunk),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_enough_modes_and_each_has_its_own_name() {
        let names: BTreeSet<&str> = MODES.iter().map(|mode| mode.name).collect();
        assert_eq!(names.len(), MODES.len());
        assert!(names.len() >= 25);
        assert!(MODES.iter().all(|mode| !mode.engage.is_empty()));
    }
}
