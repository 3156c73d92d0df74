//! Who may move the robot, judged from what operators and policy said and what of it came through fresh.
#![expect(clippy::wildcard_enum_match_arm, reason = "the other acts move nothing")]

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Act, OperatorInput, Proposal},
};

use crate::faults::node::Kind;

/// Why nobody may move the robot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Void {
    #[default]
    Idle,
    Released,
    OperatorLost,
    Stopped,
    Paused,
    PolicySilent,
    PolicyFault,
    Restarted,
    Tripped,
    Reset,
}

impl Void {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Idle => "unasked",
            Self::Released => "after release",
            Self::OperatorLost => "after the operator was lost",
            Self::Stopped => "while stopped",
            Self::Paused => "after pause",
            Self::PolicySilent => "by a silent policy",
            Self::PolicyFault => "by a faulty policy",
            Self::Restarted => "after a restart",
            Self::Tripped => "after the driver had tripped",
            Self::Reset => "after a reset",
        }
    }
}

/// The promise: 100 ms and one tick. One more tick for two processes that read clocks on a busy machine.
const GRACE: Duration = Duration::from_millis(100 + 20 + 20);
/// Before this age of what they answered to, nobody is lost.
const SURELY_THERE: Duration = Duration::from_millis(95);
/// An input is fresh if the beacon it answers to was issued this lately.
const INPUT_AGE: Duration = Duration::from_millis(105);
/// An act that is this young when it comes is certainly heard; older ones may be refused, and are said only once.
const ACT_AGE: Duration = Duration::from_millis(85);
const PROPOSAL_AGE: Duration = Duration::from_millis(330);
/// Three periods of the policy, and a tick.
const POLICY_SILENCE: Duration = Duration::from_millis(480 + 40);
/// A button that was held for this long was either heard, or the operator was lost.
const CERTAIN: Duration = Duration::from_millis(160);
const BEACONS: usize = 256;
const KNOWN: usize = 512;

/// What one operator does.
#[derive(Clone, Debug, Default)]
struct Operator {
    /// Last time a button that drives was said to be down, while it counted.
    drove: Option<MonoTime>,
    pressed: Option<MonoTime>,
    /// Clutch and rewind as they were when the arbiter last heard them.
    held: [bool; 2],
    /// Which of them count again only when they have been up.
    must_release: [bool; 2],
    /// Last fresh arrival at the arbiter.
    heard: Option<MonoTime>,
    /// Until then the arbiter cannot have lost them: it counts from the beacon that their word answers to.
    there_until: Option<MonoTime>,
    /// Number of that arrival.
    newest: u64,
    /// Numbers of what was really said lately.
    said: VecDeque<(u64, u64)>,
}

/// A policy that was resumed.
#[derive(Clone, Copy, Debug)]
struct Resumed {
    by: Kind,
    at: MonoTime,
    until: Option<(MonoTime, Void)>,
    /// Newest fresh proposal that was computed after the resumption.
    proposed: Option<MonoTime>,
}

#[derive(Debug, Default)]
pub(super) struct Licences {
    operators: BTreeMap<Kind, Operator>,
    policy: Option<Resumed>,
    beacons: VecDeque<(u64, MonoTime)>,
    proposals: VecDeque<((u64, u64), MonoTime)>,
    stopped: Option<MonoTime>,
    /// Who was there first, has not gone since, and has asked after them.
    holder: Option<Kind>,
    asked: Option<Kind>,
    /// The holder may have been lost to the arbiter, by milliseconds, while another was there: either may have the lease.
    unsure: bool,
    /// The arbiter's last command, and how late it was after the one before.
    commanded: Option<MonoTime>,
    late: Duration,
    last: Void,
}

impl Licences {
    pub(super) fn note(&mut self, who: Kind, at: MonoTime, arrived: bool, message: &Message) {
        match (who, arrived, message) {
            (Kind::Alice | Kind::Bob, false, Message::Input(input)) => self.said(who, input, at),
            (Kind::Intervention, true, Message::Input(input)) => self.heard(input, at),
            (Kind::Policy, false, Message::Proposal(proposal)) => {
                let header = proposal.header.unwrap_or_default();
                if self.proposals.len() == KNOWN {
                    self.proposals.pop_front();
                }
                self.proposals.push_back(((header.session, header.seq), at));
            }
            (Kind::Intervention, true, Message::Proposal(proposal)) => self.proposed(proposal, at),
            (Kind::Intervention, false, Message::Beacon(beacon)) => {
                if self.beacons.len() == BEACONS {
                    self.beacons.pop_front();
                }
                self.beacons.push_back((beacon.nonce, at));
            }
            (Kind::Intervention, false, Message::Command(_)) => {
                let gap = self.commanded.map_or(Duration::ZERO, |last| at.since(last));
                self.late = gap.saturating_sub(Duration::from_millis(20));
                self.commanded = Some(at);
            }
            _ => {}
        }
    }

    /// Nobody may move the robot any more, and whoever holds a button, as far as the arbiter knows, must let go of it first.
    pub(super) fn void(&mut self, void: Void, at: MonoTime) {
        self.last = void;
        self.end_policy(void, at);
        for operator in self.operators.values_mut() {
            for (must, held) in operator.must_release.iter_mut().zip(operator.held) {
                *must |= held;
            }
        }
    }

    fn end_policy(&mut self, void: Void, at: MonoTime) {
        if let Some(policy) = &mut self.policy {
            policy.until.get_or_insert((at + GRACE, void));
        }
    }

    fn age(&self, beacon: u64, at: MonoTime) -> Option<Duration> {
        self.beacons.iter().rev().find(|(nonce, _)| *nonce == beacon).map(|(_, issued)| at.since(*issued))
    }

    fn said(&mut self, who: Kind, input: &OperatorInput, at: MonoTime) {
        let header = input.header.unwrap_or_default();
        let stopped = self.stopped.is_some();
        let operator = self.operators.entry(who).or_default();
        if operator.said.back().is_some_and(|(session, _)| *session != header.session) {
            // A new process counts from one again.
            operator.newest = 0;
        }
        if operator.said.len() == KNOWN {
            operator.said.pop_front();
        }
        operator.said.push_back((header.session, header.seq));
        let buttons = [input.clutch, input.rewind].map(|down| down && input.valid);
        for (must, down) in operator.must_release.iter_mut().zip(buttons) {
            *must &= down;
        }
        let counts = buttons.iter().zip(operator.must_release).any(|(down, must)| *down && !must);
        let mut certain = false;
        if buttons.contains(&true) {
            let pressed = *operator.pressed.get_or_insert(at);
            certain = at.since(pressed) >= CERTAIN;
            if counts && !stopped {
                operator.drove = Some(at);
            }
        } else {
            operator.pressed = None;
        }
        if certain && self.policy.is_some_and(|policy| policy.by == who && policy.at <= at) {
            self.end_policy(Void::Released, at);
        }
        for act in input.acts() {
            match act {
                Act::Stop => {
                    self.stopped.get_or_insert(at);
                    self.void(Void::Stopped, at);
                }
                Act::ClearStop => self.stopped = None,
                Act::Resume
                    if self.stopped.is_none()
                        && (self.unsure || self.holder.is_none_or(|holder| holder == who)) =>
                {
                    self.policy = Some(Resumed { by: who, at, until: None, proposed: None });
                }
                _ => {}
            }
        }
    }

    fn heard(&mut self, input: &OperatorInput, at: MonoTime) {
        let header = input.header.unwrap_or_default();
        let age = self.age(header.beacon, at);
        let young = |than: Duration| age.is_some_and(|age| age <= than);
        let (fresh, certain) = (young(INPUT_AGE), young(ACT_AGE));
        let number = (header.session, header.seq);
        let Some((who, operator)) = self.operators.iter_mut().find(|(_, one)| one.said.contains(&number))
        else {
            return;
        };
        // One that comes after a newer one is no longer heard.
        if !fresh || header.seq <= operator.newest {
            return;
        }
        operator.newest = header.seq;
        let who = *who;
        if operator.heard.is_some_and(|last| at.since(last) > GRACE) {
            // Whoever was lost is trusted with nothing.
            operator.must_release = [true; 2];
        }
        operator.held = [input.clutch, input.rewind].map(|down| down && input.valid);
        // A release may have been said before what asks for it, and be heard after it.
        for (must, held) in operator.must_release.iter_mut().zip(operator.held) {
            *must &= held;
        }
        operator.heard = Some(at);
        self.lease(who, input, at);
        let there_until = at + SURELY_THERE.saturating_sub(age.unwrap_or_default());
        self.operators.entry(who).or_default().there_until = Some(there_until);
        // Said before something that took the robot from the policy, but heard after it: then it counts from here.
        let resumed = self.policy.is_some_and(|policy| policy.by == who && policy.until.is_some());
        if resumed && self.stopped.is_none() && input.acts().any(|act| act == Act::Resume) {
            self.policy = Some(Resumed { by: who, at, until: None, proposed: None });
        }
        if certain
            && input.acts().any(|act| act == Act::Pause)
            && self.policy.is_some_and(|policy| policy.by == who)
        {
            self.end_policy(Void::Paused, at);
        }
    }

    /// One operator at a time: who is there first, until they are lost or give it up.
    fn lease(&mut self, who: Kind, input: &OperatorInput, at: MonoTime) {
        let there = |kind: Kind| {
            let heard = self.operators.get(&kind).and_then(|operator| operator.heard);
            heard.is_some_and(|heard| at.since(heard) <= GRACE)
        };
        let others = self.operators.keys().any(|kind| *kind != who && there(*kind));
        let sure = |kind: Kind| {
            let until = self.operators.get(&kind).and_then(|operator| operator.there_until);
            until.is_some_and(|until| at <= until)
        };
        self.unsure = others && (self.unsure || self.holder.is_some_and(|holder| !sure(holder)));
        if !self.holder.is_some_and(there) {
            self.holder = Some(who);
        }
        if self.holder == Some(who) && input.acts().any(|act| act == Act::ReleaseLease) {
            self.holder = self.asked.take();
        } else if self.holder != Some(who) && input.acts().any(|act| act == Act::RequestLease) {
            self.asked = Some(who);
        }
    }

    fn proposed(&mut self, proposal: &Proposal, at: MonoTime) {
        let header = proposal.header.unwrap_or_default();
        if self.age(header.beacon, at).is_none_or(|age| age > PROPOSAL_AGE) {
            return;
        }
        let number = (header.session, header.seq);
        let said = self.proposals.iter().find(|(known, _)| *known == number).map(|(_, said)| *said);
        let mut values = proposal.steps.iter().flat_map(|step| &step.groups).flat_map(|group| &group.values);
        if values.any(|value| !value.is_finite()) {
            self.end_policy(Void::PolicyFault, at);
        }
        if let (Some(policy), Some(said)) = (&mut self.policy, said)
            && said >= policy.at
        {
            policy.proposed = Some(at);
        }
    }

    /// How late the arbiter's last command was.
    pub(super) const fn late(&self) -> Duration {
        self.late
    }

    /// Whether anybody may move the robot by a command decided at `at`, in a tick that was late by `late`: an arbiter that is kept
    /// from running between deciding and sending could not know.
    pub(super) fn at(&mut self, at: MonoTime, late: Duration) -> Result<(), Void> {
        let grace = GRACE + late;
        let recent = |time: Option<MonoTime>| time.is_some_and(|time| at.since(time) <= grace);
        if self.stopped.is_some_and(|stopped| at.since(stopped) > grace) {
            self.last = Void::Stopped;
            return Err(Void::Stopped);
        }
        let mut void = None;
        let may = |kind: &Kind| self.unsure || self.holder.is_none_or(|holder| holder == *kind);
        let held = self.operators.iter().filter(|(kind, _)| may(kind));
        for (_, operator) in held {
            if recent(operator.drove) {
                if recent(operator.heard) {
                    return Ok(());
                }
                void = Some(Void::OperatorLost);
            } else if operator.drove.is_some_and(|drove| at.since(drove) < Duration::from_secs(2)) {
                void = void.or(Some(Void::Released));
            }
        }
        if let Some(policy) = self.policy {
            let heard = self.operators.get(&policy.by).is_some_and(|operator| recent(operator.heard));
            let end = match policy.until {
                Some((until, void)) if at > until => Some(void),
                _ if !heard => Some(Void::OperatorLost),
                _ if policy.proposed.is_some_and(|last| at.since(last) > POLICY_SILENCE + late) => {
                    Some(Void::PolicySilent)
                }
                // Until its first proposal the policy has nothing to move the robot with.
                _ if policy.proposed.is_none() => return Err(Void::PolicySilent),
                _ => return Ok(()),
            };
            if let Some(end) = end {
                self.policy = None;
                void = Some(end);
            }
        }
        self.last = void.unwrap_or(self.last);
        Err(self.last)
    }
}
