//! The node: what it knows, and what follows from a change of owner or episode. What arrives is in `hear`, what is done each
//! tick in `tick`.

use std::collections::VecDeque;

use retake_authority::{Config, Event, GroupSet, OperatorId, Owner, State, step};
use retake_autonomy::Autonomy;
use retake_episode::{EndReason, Mark, Step, Verdict};
use retake_node::{Node, Outbox};
use retake_units::{Epoch, MonoTime, Tick};
use retake_wire::{
    Message, Topic,
    pb::{Header, OperatorInput, PolicyInfo, Reset},
};

use crate::{
    chunk::{Arrivals, Chunk},
    config::ArbiterConfig,
    drive::Goal,
    freshness::{Beacons, Sequences},
    hands::Hands,
    lateness::Spans,
    notices::Notices,
    restore::Restoring,
    rewind::Rewinder,
    robot::Robot,
    session::Session,
    words,
};

/// The newest input that passed every check.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    pub(crate) input: Option<(OperatorInput, MonoTime)>,
    pub(crate) sequences: Sequences,
    /// Operators heard lately, newest last.
    names: VecDeque<(OperatorId, String)>,
}

/// Operators whose names are remembered.
const NAMES: usize = 16;

impl Heard {
    /// Remembers what an operator is called.
    pub(crate) fn note_name(&mut self, operator: OperatorId, name: &str) {
        if self.names.iter().any(|(known, _)| *known == operator) {
            return;
        }
        if self.names.len() == NAMES {
            self.names.pop_front();
        }
        self.names.push_back((operator, name.to_owned()));
    }

    /// What an operator is called; empty if that is not remembered.
    pub(crate) fn name(&self, operator: OperatorId) -> String {
        let named = self.names.iter().find(|(known, _)| *known == operator);
        named.map(|(_, name)| name.clone()).unwrap_or_default()
    }
}

/// Sequence numbers and identity of what this node publishes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sender {
    pub(crate) session: u64,
    seq: u64,
    pub(crate) resets: u64,
    pub(crate) reset_sent: MonoTime,
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
    pub(crate) hands: Hands,
    pub(crate) rewind: Rewinder,
    pub(crate) restoring: Option<Restoring>,
    pub(crate) policy: PolicyInfo,
    pub(crate) lateness: Spans,
    pub(crate) notices: Notices,
    pub(crate) status_due: MonoTime,
    pub(crate) operator_name: String,
    pub(crate) beacons: Beacons,
    pub(crate) proposals: Sequences,
    pub(crate) helpers: Sequences,
    pub(crate) autonomy: Autonomy,
    pub(crate) arrivals: Arrivals,
    pub(crate) sender: Sender,
    pub(crate) next_tick: MonoTime,
    pub(crate) driver_tripped: bool,
}

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
            hands: Hands::default(),
            rewind: Rewinder::default(),
            restoring: None,
            policy: PolicyInfo::default(),
            lateness: Spans::default(),
            notices: Notices::default(),
            status_due: start,
            operator_name: String::new(),
            beacons,
            proposals: Sequences::default(),
            helpers: Sequences::default(),
            autonomy: Autonomy::new(config.autonomy),
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
            protocol: self.config.protocol,
            idle_release: self.config.idle_release,
            tap_limit: self.config.rewind.tap_limit,
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
        let takeovers = self.session.counters.takeovers;
        self.session.owner_changed(owner);
        if self.session.counters.takeovers > takeovers {
            self.mark(Mark::Takeover);
        }
        if owner == Owner::Rewind {
            self.rewind.press();
        }
        if matches!(owner, Owner::Human | Owner::Shared { .. } | Owner::Rewind | Owner::Policy { .. }) {
            self.acknowledge_help(now);
        }
        if let (Some(goal), Some(robot)) = (self.goals.get_mut(index), &self.robot) {
            *goal = crate::drive::engage(robot, index, owner);
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
                self.sender.resets = self.sender.resets.max(self.resets_seen()) + 1;
                self.request_reset(now, out);
            }
            Step::Open(episode) => {
                self.session.opened();
                self.rewind.clear();
                self.autonomy.begin();
                self.publish_episode(episode, out);
                self.tell(Event::EpisodeOpened, now, out);
            }
            Step::Begin(episode) => {
                self.session.begun(self.tick);
                self.publish_episode(episode, out);
            }
            Step::Close(episode) => {
                self.session.closed(self.tick);
                self.publish_episode(episode, out);
                self.tell(Event::EpisodeClosed, now, out);
            }
            Step::Finish => out.finish_deployment(),
        }
    }

    /// The driver counts on across restarts of this node, and does nothing it has already done.
    fn resets_seen(&self) -> u64 {
        let newest = self.robot.as_ref().and_then(|robot| robot.observation.as_ref());
        newest.map_or(0, |(observation, _)| observation.resets)
    }

    pub(crate) fn request_reset(&mut self, now: MonoTime, out: &mut Outbox) {
        self.sender.reset_sent = now;
        if self.resets_seen() > self.sender.resets {
            self.sender.resets = self.resets_seen() + 1;
        }
        let header = Some(self.header(now));
        let seed = self.session.episodes.current().seed;
        let restore_seq = self.restoring.map_or(0, |restoring| restoring.seq);
        let start_state = self.config.start_state(seed).to_owned();
        let reset = Reset { header, resets: self.sender.resets, seed, ..Reset::default() };
        out.publish(Reset { start_state, restore_seq, ..reset });
    }

    pub(crate) fn header(&mut self, now: MonoTime) -> Header {
        self.sender.seq += 1;
        Header {
            epoch: self.state.epoch().0,
            seq: self.sender.seq,
            beacon: 0,
            sent_nanos: now.wire_nanos(),
            session: self.sender.session,
        }
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
            Topic::Help,
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
            Topic::Branch,
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
            Message::Help(signal) => self.help_signalled(signal, now, out),
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
        self.end_rewind(self.tick.next(), out);
        crate::report::finish(self, now, out);
    }
}
