//! One tick's decisions, as recordings and screens are told.

use std::time::Duration;

use nalgebra::Vector6;
use retake_authority::Owner;
use retake_episode::{Episode, Phase};
use retake_node::Outbox;
use retake_units::MonoTime;
use retake_wire::pb::{Cause, EpisodeRecord, GroupStatus, GroupTick, Pose, Status, TickRecord};

use crate::{Arbiter, words};

const STATUS_PERIOD: Duration = Duration::from_millis(100);

/// What one tick decided.
pub(crate) struct Decided {
    /// Each group's part, in the descriptor's order.
    pub(crate) groups: Vec<GroupTick>,
    /// Tool velocity the operator asked for, base frame, m/s and rad/s.
    pub(crate) twist: Vector6<f64>,
    /// How late the tick ran.
    pub(crate) late: Duration,
}

/// Publishes the tick, and now and then the status.
pub(crate) fn publish(arbiter: &mut Arbiter, decided: Decided, now: MonoTime, out: &mut Outbox) {
    if arbiter.robot.is_some() {
        out.publish(tick_record(arbiter, decided, now));
    }
    publish_status(arbiter, now, out);
}

fn tick_record(arbiter: &Arbiter, decided: Decided, now: MonoTime) -> TickRecord {
    let nanos = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    let robot = arbiter.robot.as_ref();
    let observation = robot.and_then(|robot| robot.observation.as_ref());
    let applied = robot.and_then(|robot| robot.applied.as_ref());
    let input = arbiter.heard.input.as_ref();
    TickRecord {
        tick: arbiter.tick.0,
        at_nanos: now.wire_nanos(),
        late_nanos: nanos(decided.late),
        epoch: arbiter.state.epoch().0,
        episode: arbiter.session.episodes.current().number,
        phase: words::phase(arbiter.session.episodes.phase()).into(),
        stopped: arbiter.state.stopped(),
        groups: decided.groups,
        input: input.map(|(input, _)| input.clone()),
        input_age_nanos: input.map_or(0, |(_, at)| nanos(now.since(*at))),
        twist: decided.twist.iter().copied().collect(),
        observation_seq: observation.map_or(0, |(observation, _)| observation.header.unwrap_or_default().seq),
        observation_age_nanos: observation.map_or(0, |(_, at)| nanos(now.since(*at))),
        applied_tick: applied.map_or(0, |applied| applied.tick),
        applied_outcome: applied.map_or(0, |applied| applied.outcome.unsigned_abs()),
        policy_version: arbiter.chunk.as_ref().map_or_else(String::new, |chunk| chunk.version.clone()),
        counters: Some(arbiter.session.counters),
        stage: words::stage(arbiter.state.stage()).into(),
        autonomy: arbiter.level().into(),
        branch: arbiter.rewind.path.branch(),
        goal: hand_goal(arbiter),
    }
}

/// Where a tracked hand wants the tool, while it drives it.
fn hand_goal(arbiter: &Arbiter) -> Option<Pose> {
    let groups = &arbiter.robot.as_ref()?.groups;
    let tool = groups.iter().position(|group| group.chain.is_some())?;
    let human = arbiter.state.group(tool).owner == Owner::Human;
    arbiter.hands.goal(tool).filter(|_| human)
}

fn publish_status(arbiter: &mut Arbiter, now: MonoTime, out: &mut Outbox) {
    if now < arbiter.status_due {
        return;
    }
    arbiter.status_due = now + STATUS_PERIOD;
    out.publish(status(arbiter, now));
}

fn status(arbiter: &Arbiter, now: MonoTime) -> Status {
    let session = &arbiter.session;
    let [successes, failures, discarded] = session.episodes.tally();
    let robot = arbiter.robot.as_ref();
    let names = robot.map(|robot| robot.groups.iter().map(|group| group.name.clone()).collect::<Vec<_>>());
    let groups = names.unwrap_or_default().into_iter().enumerate().map(|(index, name)| {
        let group = arbiter.state.group(index);
        GroupStatus {
            name,
            owner: words::owner(group.owner).into(),
            cause: words::cause(group.cause).into(),
            segment: words::kind(session.kind(group.owner, arbiter.state.stage())).into(),
        }
    });
    Status {
        tick: arbiter.tick.0,
        epoch: arbiter.state.epoch().0,
        stopped: arbiter.state.stopped(),
        phase: words::phase(session.episodes.phase()).into(),
        episode: session.episodes.current().number,
        groups: groups.collect(),
        operator: arbiter.state.operator().map(|_| arbiter.operator_name.clone()).unwrap_or_default(),
        needs_release: arbiter.needs_release(),
        counters: Some(session.counters),
        successes,
        failures,
        discarded,
        jitter_p50_us: arbiter.lateness.micros_at(0.5),
        jitter_p99_us: arbiter.lateness.micros_at(0.99),
        jitter_max_us: arbiter.lateness.micros_at(1.0),
        prompt: prompt(arbiter).into(),
        policy_version: arbiter.policy.version.clone(),
        policy_alive: arbiter.state.policy_alive(now),
        robot_alive: arbiter.state.robot_alive(now),
        rewindable_seconds: arbiter.rewind.path.behind(),
        finished: session.episodes.finished(),
        control_hz: robot.map_or(0.0, |robot| robot.descriptor.control_hz),
        requested_by: arbiter.requester(),
        autonomy: arbiter.level().into(),
        help: arbiter.help_calls(now),
        checkpoints: arbiter.rewind.checkpoints(),
        forward_seconds: arbiter.rewind.path.ahead(),
        protocol: arbiter.config.protocol.name().into(),
        stage: words::stage(arbiter.state.stage()).into(),
        branch: arbiter.rewind.path.branch(),
    }
}

fn prompt(arbiter: &Arbiter) -> &'static str {
    match arbiter.session.episodes.phase() {
        Phase::Waiting => "Waiting for the robot.",
        Phase::Resetting => "Resetting the scene.",
        Phase::Ready | Phase::Running | Phase::Ended => {
            if arbiter.needs_release() {
                return "Let go of the button first, then press it again.";
            }
            let holds = |index: &usize| matches!(arbiter.state.group(*index).owner, Owner::Hold);
            let held = arbiter.authority().groups.iter().find(holds);
            held.map_or("", |index| words::hold_prompt(arbiter.state.group(index).cause))
        }
    }
}

impl Arbiter {
    fn needs_release(&self) -> bool {
        self.state.needs_release() || self.hands.needs_release()
    }

    pub(crate) fn publish_episode(&self, episode: Episode, out: &mut Outbox) {
        let task = self.robot.as_ref().map_or("", |robot| robot.descriptor.task.as_str());
        let record = self.session.record(episode, task, &self.policy.version, &self.operator_name);
        let start_state = self.config.start_state(episode.seed).into();
        out.publish(EpisodeRecord { protocol: self.config.protocol.name().into(), start_state, ..record });
    }

    /// Name of the operator who has asked for the lease; empty if nobody has.
    fn requester(&self) -> String {
        self.state.requested_by().map(|operator| self.heard.name(operator)).unwrap_or_default()
    }
}

/// Says the last words: open segments end, and the status is final.
pub(crate) fn finish(arbiter: &mut Arbiter, now: MonoTime, out: &mut Outbox) {
    let names: Vec<String> = arbiter
        .robot
        .as_ref()
        .map(|robot| robot.groups.iter().map(|group| group.name.clone()).collect())
        .unwrap_or_default();
    let end = (arbiter.tick.next(), now);
    for segment in arbiter.session.finish(&names, Cause::EpisodeEnded, end) {
        out.publish(segment);
    }
    out.publish(status(arbiter, now));
}
