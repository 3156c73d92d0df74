//! What arrives: refused, or believed and passed on.

use retake_authority::Event;
use retake_episode::{EndReason, Phase, Step, Verdict};
use retake_node::Outbox;
use retake_units::{Epoch, MonoTime};
use retake_wire::pb::{Act, Applied, Observation, OperatorInput, Outcome, Proposal, RobotDescriptor};

use crate::{
    Arbiter, acts,
    chunk::{BadProposal, Chunk},
    drive::Goal,
    freshness::Stale,
    robot::Robot,
};

impl Arbiter {
    pub(crate) fn described(&mut self, descriptor: &RobotDescriptor, now: MonoTime, out: &mut Outbox) {
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

    pub(crate) fn observed(&mut self, observation: &Observation, now: MonoTime, out: &mut Outbox) {
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
        robot.observe(observation, self.tick, now);
        let placed = robot.placed;
        if restarted {
            self.arrivals.clear();
            self.end_episode(None, EndReason::Robot, now, out);
        }
        self.arrivals.note(header.seq, now);
        self.tell(Event::RobotSeen, now, out);
        let started = self.session.episodes.robot_ready();
        let reset = observation.resets == self.sender.resets && self.sender.resets > 0;
        let step = if reset && placed { self.reset_done(observation, now, out) } else { started };
        if let Some(step) = step {
            self.follow(step, now, out);
        }
    }

    fn reset_done(&mut self, observation: &Observation, now: MonoTime, out: &mut Outbox) -> Option<Step> {
        if self.restoring() {
            self.restored(now, out);
        }
        if observation.success && self.session.episodes.phase() == Phase::Running {
            self.end_episode(Some(Verdict::Success), EndReason::Task, now, out);
        }
        let opened = self.session.episodes.reset_done();
        if opened.is_some()
            && let Some(robot) = &mut self.robot
        {
            robot.rest_after_reset();
        }
        opened
    }

    pub(crate) fn proposed(&mut self, proposal: &Proposal, now: MonoTime, out: &mut Outbox) {
        let Some(robot) = &self.robot else { return };
        let (max_age, epoch) = (self.config.proposal_age, self.state.epoch().0);
        let fresh = self.proposals.accept(proposal.header.as_ref(), &self.beacons, max_age, epoch, now);
        let checked = fresh
            .map_err(Stale::words)
            .and_then(|_| Chunk::check(proposal, &robot.sizes(), &self.arrivals, now).map_err(proposal_code))
            .and_then(|chunk| if self.outdated(&chunk) { Err(OLD_EPOCH) } else { Ok(chunk) });
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

    /// Every group has changed hands since the policy computed this.
    fn outdated(&self, chunk: &Chunk) -> bool {
        self.authority().groups.iter().all(|index| chunk.epoch < self.state.group(index).epoch)
    }

    pub(crate) fn applied(&mut self, applied: &Applied, now: MonoTime, out: &mut Outbox) {
        let Some(robot) = &mut self.robot else { return };
        robot.apply(applied, Epoch(self.config.first_epoch));
        if applied.outcome != i32::from(Outcome::Applied) {
            self.session.counters.commands_refused += 1;
            let text =
                format!("The driver refused the command of tick {}: {:?}.", applied.tick, applied.outcome());
            self.notices.say(out, now, self.tick.0, "command_refused", "robot", &text);
        }
        // Tripped again in the epoch that was begun for it, it waits for a higher one, even if nobody heard that it had gone on.
        if applied.tripped && (!self.driver_tripped || applied.epoch >= self.state.epoch().0) {
            self.session.counters.driver_trips += 1;
            robot.lose_place(self.tick);
            self.tell(Event::DriverTripped, now, out);
        }
        self.driver_tripped = applied.tripped;
    }

    pub(crate) fn heard(&mut self, input: &OperatorInput, now: MonoTime, out: &mut Outbox) {
        let (max_age, epoch) = (self.config.input_age, self.state.epoch().0);
        match self.heard.sequences.accept(input.header.as_ref(), &self.beacons, max_age, epoch, now) {
            Ok(header) => {
                let age = self.beacons.age(header.beacon, now).unwrap_or(max_age);
                acts::heard(self, input, age, now, out);
            }
            Err(stale) => {
                self.session.counters.inputs_refused += 1;
                let (code, text) = stale.words();
                self.notices.say(out, now, self.tick.0, code, "operator", text);
                // A stop is never in doubt: at worst it is one too many.
                if input.acts().any(|act| act == Act::Stop) {
                    acts::stop(self, input, now, out);
                }
            }
        }
    }
}

const OLD_EPOCH: (&str, &str) =
    ("proposal_old_epoch", "A proposal computed before the last change of authority was refused.");

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
