//! Everything that was said, in order.

use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{
        Applied, Beacon, BranchRecord, Cause, Command, EpisodeRecord, GroupTick, Notice, Observation,
        OperatorInput, Owner, Phase, Proposal, RobotDescriptor, SegmentKind, SegmentRecord, Status,
        TickRecord, Verdict,
    },
};

/// Index of the arm in the simulated robot's groups.
pub const ARM: usize = 0;
/// Index of the gripper.
pub const GRIPPER: usize = 1;

/// Seconds from the start.
pub fn seconds(at: MonoTime) -> f64 {
    at.nanos() as f64 * 1e-9
}

/// What the tap collected.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each field is the messages of its name, with the time they were said at")]
pub struct Seen {
    pub descriptor: Option<RobotDescriptor>,
    pub beacon: Beacon,
    pub ticks: Vec<TickRecord>,
    pub commands: Vec<(MonoTime, Command)>,
    pub applied: Vec<(MonoTime, Applied)>,
    pub observations: Vec<(MonoTime, Observation)>,
    pub inputs: Vec<(MonoTime, OperatorInput)>,
    pub proposals: Vec<(MonoTime, Proposal)>,
    pub status: Vec<(MonoTime, Status)>,
    pub segments: Vec<SegmentRecord>,
    pub episodes: Vec<EpisodeRecord>,
    pub branches: Vec<BranchRecord>,
    pub notices: Vec<(MonoTime, Notice)>,
}

impl Seen {
    pub(crate) fn note(&mut self, now: MonoTime, message: &Message) {
        match message {
            Message::Descriptor(descriptor) => self.descriptor = Some(descriptor.clone()),
            Message::Beacon(beacon) => self.beacon = *beacon,
            Message::Tick(tick) => self.ticks.push(tick.clone()),
            Message::Command(command) => self.commands.push((now, command.clone())),
            Message::Applied(applied) => self.applied.push((now, applied.clone())),
            Message::Observation(observation) => self.observations.push((now, observation.clone())),
            Message::Input(input) => self.inputs.push((now, input.clone())),
            Message::Proposal(proposal) => self.proposals.push((now, proposal.clone())),
            Message::Status(status) => self.status.push((now, status.clone())),
            Message::Segment(segment) => self.segments.push(segment.clone()),
            Message::Episode(episode) => self.episodes.push(episode.clone()),
            Message::Branch(branch) => self.branches.push(*branch),
            Message::Notice(notice) => self.notices.push((now, notice.clone())),
            Message::Reset(_)
            | Message::Camera(_)
            | Message::PolicyInfo(_)
            | Message::Watermark(_)
            | Message::Gap(_)
            | Message::SimState(_)
            | Message::Help(_)
            | Message::ArbiterInfo(_)
            | Message::Schedule(_) => {}
        }
    }

    /// The newest tick.
    pub fn tick(&self) -> &TickRecord {
        self.ticks.last().unwrap()
    }

    /// A group at the newest tick.
    pub fn group(&self, group: usize) -> &GroupTick {
        &self.tick().groups[group]
    }

    /// Every group at the newest tick has this owner for this reason.
    pub fn all(&self, owner: Owner, cause: Cause) -> bool {
        let groups = self.ticks.last().map_or(&[][..], |tick| tick.groups.as_slice());
        !groups.is_empty() && groups.iter().all(|group| (group.owner(), group.cause()) == (owner, cause))
    }

    /// Owners and causes at the newest tick, for messages.
    pub fn who(&self) -> Vec<(Owner, Cause)> {
        self.tick().groups.iter().map(|group| (group.owner(), group.cause())).collect()
    }

    /// Phase at the newest tick.
    pub fn phase(&self) -> Phase {
        self.ticks.last().map_or(Phase::Unspecified, TickRecord::phase)
    }

    /// Ticks at or after `from`.
    pub fn ticks_since(&self, from: MonoTime) -> impl Iterator<Item = &TickRecord> {
        self.ticks.iter().filter(move |tick| tick.at_nanos >= from.wire_nanos())
    }

    /// Seconds from `from` to the newest tick.
    pub fn now_since(&self, from: MonoTime) -> f64 {
        (self.tick().at_nanos - from.wire_nanos()) as f64 * 1e-9
    }

    /// A notice of this code was said at or after `from`.
    pub fn noticed(&self, code: &str, from: MonoTime) -> bool {
        self.notices.iter().any(|(at, notice)| *at >= from && notice.code == code)
    }

    /// Verdicts of the episodes that ended, in order.
    pub fn verdicts(&self) -> Vec<Verdict> {
        let ended = self.episodes.iter().filter(|episode| episode.phase() == Phase::Ended);
        ended.map(EpisodeRecord::verdict).collect()
    }

    /// Kinds of a group's finished segments, in order.
    pub fn kinds(&self, group: &str) -> Vec<SegmentKind> {
        self.segments.iter().filter(|segment| segment.group == group).map(SegmentRecord::kind).collect()
    }

    /// The fastest joint in the newest observation, rad/s.
    pub fn speed(&self) -> f64 {
        let (_, observation) = self.observations.last().unwrap();
        observation.velocity[ARM].values.iter().fold(0.0, |fastest, v| v.abs().max(fastest))
    }
}
