//! The node: what arrives, and what is done each tick.

use std::time::Duration;

use retake_authority::{Config, Event, GroupSet, Owner, State, step};
use retake_episode::{EndReason, Path, PathPoint, Step, Verdict};
use retake_node::{Node, Outbox};
use retake_units::{Epoch, MonoTime, Tick};
use retake_wire::{
    Message, Topic,
    pb::{
        Applied, Beacon, Command, GroupValues, Header, Observation, OperatorInput, PolicyInfo, Proposal,
        Reset, RobotDescriptor,
    },
};

use crate::{
    chunk::{Arrivals, BadProposal, Chunk},
    config::ArbiterConfig,
    drive::Goal,
    freshness::{Beacons, Sequence, Stale},
    lateness::Spans,
    notices::Notices,
    robot::Robot,
    session::Session,
    words,
};

/// The newest input that passed every check.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) input: Option<(OperatorInput, MonoTime)>,
    pub(crate) sequence: Sequence,
}

/// Sequence numbers and identity of what this node publishes.
#[derive(Clone, Copy, Debug, Default)]
struct Sender {
    session: u64,
    seq: u64,
    resets: u64,
    reset_sent: MonoTime,
}

/// The intervention node.
#[derive(Debug)]
pub struct Arbiter {
    pub(crate) config: ArbiterConfig,
    pub(crate) state: State,
    pub(crate) robot: Option<Robot>,
    pub(crate) session: Session,
    pub(crate) tick: Tick,
    pub(crate) heard: Heard,
    pub(crate) chunk: Option<Chunk>,
    pub(crate) goals: Vec<Goal>,
    pub(crate) path: Path,
    pub(crate) policy: PolicyInfo,
    pub(crate) lateness: Spans,
    pub(crate) notices: Notices,
    pub(crate) status_due: MonoTime,
    pub(crate) operator_name: String,
    beacons: Beacons,
    proposals: Sequence,
    arrivals: Arrivals,
    sender: Sender,
    next_tick: MonoTime,
    driver_tripped: bool,
}

/// Until a robot has said at which rate it is controlled.
const IDLE_PERIOD: Duration = Duration::from_millis(20);
const RESET_AGAIN: Duration = Duration::from_millis(200);

impl Arbiter {
    /// A node that owns nothing, whose first tick is at `start`.
    pub fn new(config: ArbiterConfig, start: MonoTime) -> Self {
        let mut beacons = Beacons::new(config.nonce_seed);
        let sender = Sender { session: beacons.random(), ..Sender::default() };
        Self {
            state: State::new(Epoch(config.first_epoch)),
            robot: None,
            session: Session::new(config.episodes),
            tick: Tick(0),
            heard: Heard::default(),
            chunk: None,
            goals: Vec::new(),
            path: Path::default(),
            policy: PolicyInfo::default(),
            lateness: Spans::default(),
            notices: Notices::default(),
            status_due: start,
            operator_name: String::new(),
            beacons,
            proposals: Sequence::default(),
            arrivals: Arrivals::default(),
            sender,
            next_tick: start,
            driver_tripped: false,
            config,
        }
    }

    pub(crate) fn authority(&self) -> Config {
        Config {
            groups: self.robot.as_ref().map_or(GroupSet::NONE, Robot::group_set),
            operator_timeout: self.config.operator_timeout,
            policy_timeout: self.config.policy_timeout,
            robot_timeout: self.config.robot_timeout,
            supervision: self.config.supervision,
        }
    }

    /// Tells authority what happened, and does what follows from its answer.
    pub(crate) fn tell(&mut self, event: Event, now: MonoTime, out: &mut Outbox) {
        let outcome = step(&self.authority(), self.state, event, now);
        self.state = outcome.state;
        if let Some(refusal) = outcome.refusal {
            let (code, text) = words::refusal(refusal);
            self.notices.say(out, now, self.tick.0, code, "operator", text);
        }
        for index in outcome.changed.iter() {
            self.owner_changed(index, now, out);
        }
    }

    fn owner_changed(&mut self, index: usize, now: MonoTime, out: &mut Outbox) {
        let owner = self.state.group(index).owner;
        self.status_due = now;
        self.session.owner_changed(owner);
        if let (Some(goal), Some(robot)) = (self.goals.get_mut(index), &self.robot) {
            *goal = crate::drive::engage(robot, index, owner);
            // One group moves the tool, and the path is its.
            if robot.groups.get(index).is_some_and(|group| group.chain.is_some()) {
                match owner {
                    Owner::Rewind => {
                        self.path.begin_rewind();
                        self.session.counters.rewinds += 1;
                    }
                    Owner::Policy { .. } | Owner::Human | Owner::Hold => self.path.end_rewind(),
                }
            }
        }
        if !matches!(owner, Owner::Hold)
            && let Some(step) = self.session.episodes.driven(now)
        {
            self.follow(step, now, out);
        }
    }

    /// Does what the episodes ask for.
    pub(crate) fn follow(&mut self, asked: Step, now: MonoTime, out: &mut Outbox) {
        self.status_due = now;
        match asked {
            Step::Reset(_) => {
                self.sender.resets += 1;
                self.request_reset(now, out);
            }
            Step::Open(episode) => {
                self.session.opened();
                self.path.clear();
                self.publish_episode(episode, out);
                self.tell(Event::EpisodeOpened, now, out);
            }
            Step::Begin(episode) => {
                self.session.begun(self.tick);
                self.publish_episode(episode, out);
            }
            Step::Close(episode) => {
                self.publish_episode(episode, out);
                self.tell(Event::EpisodeClosed, now, out);
            }
            Step::Finish => out.finish_deployment(),
        }
    }

    fn request_reset(&mut self, now: MonoTime, out: &mut Outbox) {
        self.sender.reset_sent = now;
        let header = Some(self.header(now));
        out.publish(Reset { header, resets: self.sender.resets, seed: self.session.episodes.current().seed });
    }

    fn header(&mut self, now: MonoTime) -> Header {
        self.sender.seq += 1;
        Header {
            epoch: self.state.epoch().0,
            seq: self.sender.seq,
            beacon: 0,
            sent_nanos: now.wire_nanos(),
            session: self.sender.session,
        }
    }

    fn described(&mut self, descriptor: &RobotDescriptor, now: MonoTime, out: &mut Outbox) {
        if self.robot.as_ref().is_some_and(|robot| &robot.descriptor == descriptor) {
            return;
        }
        if self.robot.is_some() {
            let text = "The robot's descriptor changed while it was in use; restart the intervention node to accept it.";
            self.notices.say(out, now, self.tick.0, "descriptor_changed", "robot", text);
            return;
        }
        match Robot::new(descriptor.clone()) {
            Ok(robot) => {
                self.session.begin(robot.groups.len());
                self.goals = vec![Goal::None; robot.groups.len()];
                self.robot = Some(robot);
            }
            Err(text) => self.notices.say(out, now, self.tick.0, "bad_descriptor", "robot", &text),
        }
    }

    fn observed(&mut self, observation: &Observation, now: MonoTime, out: &mut Outbox) {
        let Some(robot) = &mut self.robot else { return };
        let header = observation.header.unwrap_or_default();
        let last = robot.observation.as_ref().map(|(last, _)| last.header.unwrap_or_default());
        let restarted = last.is_some_and(|last| last.session != header.session);
        if !robot.fits(observation) || (!restarted && last.is_some_and(|last| header.seq <= last.seq)) {
            self.session.counters.messages_dropped += 1;
            let text =
                "An observation was refused: repeated, out of order, or not of the descriptor's shape.";
            self.notices.say(out, now, self.tick.0, "bad_observation", "robot", text);
            return;
        }
        robot.observation = Some((observation.clone(), now));
        if restarted {
            self.arrivals.clear();
            self.end_episode(None, EndReason::Robot, now, out);
        }
        self.arrivals.note(header.seq, now);
        self.tell(Event::RobotSeen, now, out);
        let started = self.session.episodes.robot_ready();
        let step = if observation.resets == self.sender.resets && self.sender.resets > 0 {
            self.reset_done(observation, now, out)
        } else {
            started
        };
        if let Some(step) = step {
            self.follow(step, now, out);
        }
    }

    fn reset_done(&mut self, observation: &Observation, now: MonoTime, out: &mut Outbox) -> Option<Step> {
        if observation.success && self.session.episodes.phase() == retake_episode::Phase::Running {
            self.end_episode(Some(Verdict::Success), EndReason::Task, now, out);
        }
        let opened = self.session.episodes.reset_done();
        if opened.is_some()
            && let Some(robot) = &mut self.robot
        {
            robot.rest_at_measured();
        }
        opened
    }

    pub(crate) fn end_episode(
        &mut self,
        verdict: Option<Verdict>,
        reason: EndReason,
        now: MonoTime,
        out: &mut Outbox,
    ) {
        if let Some(step) = self.session.episodes.end(verdict, reason, now) {
            self.follow(step, now, out);
        }
    }

    fn proposed(&mut self, proposal: &Proposal, now: MonoTime, out: &mut Outbox) {
        let Some(robot) = &self.robot else { return };
        let (max_age, epoch) = (self.config.proposal_age, self.state.epoch().0);
        let fresh = self.proposals.accept(proposal.header.as_ref(), &self.beacons, max_age, epoch, now);
        let checked = fresh
            .map_err(stale_code)
            .and_then(|_| Chunk::check(proposal, &robot.sizes(), &self.arrivals, now).map_err(proposal_code));
        match checked {
            Ok(chunk) => {
                let epoch = chunk.epoch;
                self.chunk = Some(chunk);
                self.tell(Event::Proposed { epoch }, now, out);
            }
            Err((code, text)) => {
                self.session.counters.proposals_refused += 1;
                self.notices.say(out, now, self.tick.0, code, "policy", text);
                if matches!(code, "proposal_not_finite" | "proposal_wrong_shape") {
                    self.chunk = None;
                    self.tell(Event::PolicyFaulted, now, out);
                }
            }
        }
    }

    fn applied(&mut self, applied: &Applied, now: MonoTime, out: &mut Outbox) {
        let Some(robot) = &mut self.robot else { return };
        robot.applied = Some(applied.clone());
        if applied.outcome != i32::from(retake_wire::pb::Outcome::Applied) {
            self.session.counters.commands_refused += 1;
            let text =
                format!("The driver refused the command of tick {}: {:?}.", applied.tick, applied.outcome());
            self.notices.say(out, now, self.tick.0, "command_refused", "robot", &text);
        }
        if applied.tripped && !self.driver_tripped {
            self.session.counters.driver_trips += 1;
            robot.rest_at_applied();
            self.tell(Event::DriverTripped, now, out);
        }
        self.driver_tripped = applied.tripped;
    }

    fn heard(&mut self, input: &OperatorInput, now: MonoTime, out: &mut Outbox) {
        let (max_age, epoch) = (self.config.input_age, self.state.epoch().0);
        match self.heard.sequence.accept(input.header.as_ref(), &self.beacons, max_age, epoch, now) {
            Ok(_) => crate::acts::heard(self, input, now, out),
            Err(stale) => {
                self.session.counters.inputs_refused += 1;
                let (code, text) = stale_code(stale);
                self.notices.say(out, now, self.tick.0, code, "operator", text);
            }
        }
    }

    fn run_tick(&mut self, now: MonoTime, out: &mut Outbox) {
        let late = now.since(self.next_tick);
        let period = self.robot.as_ref().map_or(IDLE_PERIOD, |robot| Duration::from_secs_f64(robot.period_s));
        self.next_tick = self.next_tick + period;
        if self.next_tick <= now {
            // Ticks that were missed are not made up for: the robot is where it is.
            self.next_tick = now + period;
        }
        self.tick = self.tick.next();
        self.lateness.note(late);
        if late > period / 2 {
            self.session.counters.late_ticks += 1;
        }
        self.tell(Event::Elapsed, now, out);
        if let Some(step) = self.session.episodes.elapsed(now) {
            self.follow(step, now, out);
        }
        if self.session.episodes.phase() == retake_episode::Phase::Resetting
            && now.since(self.sender.reset_sent) >= RESET_AGAIN
        {
            self.request_reset(now, out);
        }
        self.remember_path();
        let beacon = self.beacons.issue(now);
        let (epoch, tick, session) = (self.state.epoch().0, self.tick.0, self.sender.session);
        let groups = crate::report::drive_groups(self, now, out);
        if let Some(command) = self.command(now) {
            out.publish(command);
        }
        out.publish(Beacon { nonce: beacon, epoch: epoch.max(self.state.epoch().0), tick, session });
        crate::report::publish(self, groups, late, now, out);
    }

    /// Adds where the robot is to the way it can be rewound along.
    fn remember_path(&mut self) {
        let Some(robot) = &self.robot else { return };
        let running = self.session.episodes.phase() == retake_episode::Phase::Running;
        let arm = robot.groups.iter().position(|group| group.chain.is_some());
        let Some(arm) = arm.filter(|_| running) else { return };
        let position = robot.measured(arm).to_vec();
        if self.state.group(arm).owner != Owner::Rewind && !position.is_empty() {
            self.path.record(PathPoint { position, gripper: robot.gripper_command() });
        }
    }

    fn command(&mut self, now: MonoTime) -> Option<Command> {
        let header = self.header(now);
        let robot = self.robot.as_ref()?;
        let (observation, _) = robot.observation.as_ref()?;
        let values = robot.groups.iter().map(|group| GroupValues { values: group.shaper.position() });
        // While the scene is reset the driver moves the robot, and our positions mean nothing.
        let stop = matches!(
            self.session.episodes.phase(),
            retake_episode::Phase::Waiting | retake_episode::Phase::Resetting
        );
        Some(Command {
            header: Some(header),
            tick: self.tick.0,
            driver_beacon: observation.driver_beacon,
            position: if stop { Vec::new() } else { values.collect() },
            stop,
        })
    }
}

const fn stale_code(stale: Stale) -> (&'static str, &'static str) {
    match stale {
        Stale::NoHeader => ("no_header", "A message without a header was refused."),
        Stale::OldBeacon => ("stale", "A message that answers to no recent beacon was refused."),
        Stale::OldSequence => ("repeated", "A repeated or reordered message was refused."),
        Stale::FutureEpoch => ("future_epoch", "A message of an epoch that has not begun was refused."),
    }
}

const fn proposal_code(bad: BadProposal) -> (&'static str, &'static str) {
    match bad {
        BadProposal::NotFinite => {
            ("proposal_not_finite", "The policy proposed a value that is not a number.")
        }
        BadProposal::WrongShape => {
            ("proposal_wrong_shape", "The policy's proposal does not have the robot's groups and values.")
        }
        BadProposal::UnknownObservation => {
            ("proposal_unknown", "The policy answered to an observation not seen lately.")
        }
        BadProposal::Expired => {
            ("proposal_expired", "The policy's proposal came when all its steps were past.")
        }
    }
}

impl Node for Arbiter {
    fn name(&self) -> &'static str {
        "intervention"
    }

    fn subscriptions(&self) -> &[Topic] {
        &[
            Topic::Descriptor,
            Topic::Observation,
            Topic::Applied,
            Topic::Proposal,
            Topic::PolicyInfo,
            Topic::Input,
        ]
    }

    fn publications(&self) -> &[Topic] {
        &[
            Topic::Command,
            Topic::Reset,
            Topic::Beacon,
            Topic::Status,
            Topic::Tick,
            Topic::Segment,
            Topic::Episode,
            Topic::Notice,
        ]
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "only subscribed topics arrive")]
    fn receive(&mut self, now: MonoTime, message: &Message, out: &mut Outbox) {
        match message {
            Message::Descriptor(descriptor) => self.described(descriptor, now, out),
            Message::Observation(observation) => self.observed(observation, now, out),
            Message::Applied(applied) => self.applied(applied, now, out),
            Message::Proposal(proposal) => self.proposed(proposal, now, out),
            Message::PolicyInfo(info) => self.policy.clone_from(info),
            Message::Input(input) => self.heard(input, now, out),
            _ => {}
        }
    }

    fn wake(&mut self, now: MonoTime, out: &mut Outbox) {
        self.run_tick(now, out);
    }

    fn next_wake(&self) -> Option<MonoTime> {
        Some(self.next_tick)
    }

    fn dropped(&mut self, _: MonoTime, count: u64) {
        self.session.counters.messages_dropped += count;
    }

    fn finish(&mut self, now: MonoTime, out: &mut Outbox) {
        self.end_episode(None, EndReason::Shutdown, now, out);
        crate::report::finish(self, now, out);
    }
}
