//! One tick's decisions, as they are made and as they are published.

use std::time::Duration;

use nalgebra::Vector6;
use retake_authority::{Event, Owner, RewindEnd};
use retake_episode::{Episode, Phase};
use retake_node::Outbox;
use retake_units::MonoTime;
use retake_wire::pb::{Cause, GroupStatus, GroupTick, OperatorInput, Status, TickRecord};

use crate::{
    Arbiter,
    drive::{self, Driven, Goal},
    robot::Robot,
    words,
};

const STATUS_PERIOD: Duration = Duration::from_millis(100);

/// Lets each group's owner drive it, publishes the segments that ended with it, and returns the record of each.
pub(crate) fn drive_groups(arbiter: &mut Arbiter, now: MonoTime, out: &mut Outbox) -> Vec<GroupTick> {
    let Some(mut robot) = arbiter.robot.take() else { return Vec::new() };
    let (input, twist) = operator_wish(arbiter, &robot);
    let mut ended: Option<RewindEnd> = None;
    let mut ticks = Vec::with_capacity(robot.groups.len());
    for index in 0..robot.groups.len() {
        let group = arbiter.state.group(index);
        let wanted = drive::wanted(&robot, arbiter.chunk.as_ref(), index, group.epoch, now);
        let mut goal = arbiter.goals.get_mut(index).map(std::mem::take).unwrap_or_default();
        let driven = match group.owner {
            Owner::Policy { .. } => drive::by_policy(&mut robot, index, wanted.as_ref()),
            Owner::Human => {
                let closing =
                    input.as_ref().map_or(0.0, |input| drive::closing_speed(&arbiter.config.teleop, input));
                drive::by_human(&mut robot, index, &mut goal, &twist, closing)
            }
            Owner::Rewind => {
                let (driven, end) =
                    drive::by_rewind(&mut robot, index, &mut goal, &mut arbiter.path, &arbiter.config.rewind);
                ended = ended.or(end);
                driven
            }
            Owner::Hold => drive::rest(&mut robot, index),
        };
        put_back(&mut arbiter.goals, index, goal);
        let name = robot.groups.get(index).map_or("", |group| group.name.as_str());
        if let Some(ended) = arbiter.session.tick(index, name, group, (arbiter.tick, now)) {
            out.publish(ended);
        }
        let (proposal, chunk_index) =
            wanted.map_or((Vec::new(), 0), |wanted| (wanted.position, wanted.index));
        ticks.push(GroupTick {
            owner: words::owner(group.owner).into(),
            cause: words::cause(group.cause).into(),
            segment: words::kind(arbiter.session.kind(group.owner)).into(),
            chunk: if proposal.is_empty() {
                0
            } else {
                arbiter.chunk.as_ref().map_or(0, |chunk| chunk.number)
            },
            proposal,
            chunk_index,
            ..group_tick(&robot, index, driven)
        });
    }
    count(arbiter, &ticks);
    arbiter.robot = Some(robot);
    if let Some(end) = ended {
        arbiter.tell(Event::RewindEnded(end), now, out);
    }
    ticks
}

fn put_back(goals: &mut [Goal], index: usize, goal: Goal) {
    if let Some(slot) = goals.get_mut(index) {
        *slot = goal;
    }
}

/// The operator's newest input, if they may drive, and the tool velocity it asks for.
fn operator_wish(arbiter: &Arbiter, robot: &Robot) -> (Option<OperatorInput>, Vector6<f64>) {
    let leased = arbiter.state.operator().is_some();
    let Some((input, _)) = arbiter.heard.input.as_ref().filter(|_| leased) else {
        return (None, Vector6::zeros());
    };
    (Some(input.clone()), drive::operator_velocity(&arbiter.config.teleop, input, robot))
}

fn group_tick(robot: &Robot, index: usize, driven: Driven) -> GroupTick {
    let applied = robot.applied.as_ref().and_then(|applied| applied.position.get(index));
    GroupTick {
        target: driven.target,
        command: robot.groups.get(index).map(|group| group.shaper.position()).unwrap_or_default(),
        limits: driven.clamps.0,
        measured: robot.measured(index).to_vec(),
        applied: applied.map(|applied| applied.values.clone()).unwrap_or_default(),
        ..GroupTick::default()
    }
}

fn count(arbiter: &mut Arbiter, ticks: &[GroupTick]) {
    let human = i32::from(retake_wire::pb::Owner::Human);
    let counters = &mut arbiter.session.counters;
    counters.human_ticks += u64::from(ticks.iter().any(|tick| tick.owner == human));
    counters.clamped_ticks += u64::from(ticks.iter().any(|tick| tick.limits != 0));
}

/// Publishes the tick, and now and then the status.
pub(crate) fn publish(
    arbiter: &mut Arbiter,
    groups: Vec<GroupTick>,
    late: Duration,
    now: MonoTime,
    out: &mut Outbox,
) {
    if arbiter.robot.is_none() {
        return publish_status(arbiter, now, out);
    }
    out.publish(tick_record(arbiter, groups, late, now));
    publish_status(arbiter, now, out);
}

fn tick_record(arbiter: &Arbiter, groups: Vec<GroupTick>, late: Duration, now: MonoTime) -> TickRecord {
    let nanos = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
    let robot = arbiter.robot.as_ref();
    let observation = robot.and_then(|robot| robot.observation.as_ref());
    let applied = robot.and_then(|robot| robot.applied.as_ref());
    let input = arbiter.heard.input.as_ref();
    let twist = robot.map_or_else(Vector6::zeros, |robot| operator_wish(arbiter, robot).1);
    TickRecord {
        tick: arbiter.tick.0,
        at_nanos: now.wire_nanos(),
        late_nanos: nanos(late),
        epoch: arbiter.state.epoch().0,
        episode: arbiter.session.episodes.current().number,
        phase: words::phase(arbiter.session.episodes.phase()).into(),
        stopped: arbiter.state.stopped(),
        groups,
        input: input.map(|(input, _)| input.clone()),
        input_age_nanos: input.map_or(0, |(_, at)| nanos(now.since(*at))),
        twist: twist.iter().copied().collect(),
        observation_seq: observation.map_or(0, |(observation, _)| observation.header.unwrap_or_default().seq),
        observation_age_nanos: observation.map_or(0, |(_, at)| nanos(now.since(*at))),
        applied_tick: applied.map_or(0, |applied| applied.tick),
        applied_outcome: applied.map_or(0, |applied| applied.outcome.unsigned_abs()),
        policy_version: arbiter.chunk.as_ref().map_or_else(String::new, |chunk| chunk.version.clone()),
        counters: Some(arbiter.session.counters),
    }
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
            segment: words::kind(session.kind(group.owner)).into(),
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
        needs_release: arbiter.state.needs_release(),
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
        rewindable_seconds: arbiter.path.remaining() / arbiter.config.rewind.speed,
        finished: session.episodes.finished(),
        control_hz: robot.map_or(0.0, |robot| robot.descriptor.control_hz),
        tick_p99_us: 0,
    }
}

fn prompt(arbiter: &Arbiter) -> &'static str {
    match arbiter.session.episodes.phase() {
        Phase::Waiting => "Waiting for the robot.",
        Phase::Resetting => "Resetting the scene.",
        Phase::Ready | Phase::Running | Phase::Ended => {
            if arbiter.state.needs_release() {
                return "Let go of the button first, then press it again.";
            }
            let holds = |index: &usize| matches!(arbiter.state.group(*index).owner, Owner::Hold);
            let held = arbiter.authority().groups.iter().find(holds);
            held.map_or("", |index| words::hold_prompt(arbiter.state.group(index).cause))
        }
    }
}

impl Arbiter {
    pub(crate) fn publish_episode(&self, episode: Episode, out: &mut Outbox) {
        let task = self.robot.as_ref().map_or("", |robot| robot.descriptor.task.as_str());
        out.publish(self.session.record(episode, self.tick, task, &self.policy.version, &self.operator_name));
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
