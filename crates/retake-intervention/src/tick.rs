//! One tick: time passes, each group's owner drives it, and one command goes out.

use std::time::Duration;

use nalgebra::Vector6;
use retake_authority::{Event, Group, GroupSet, Owner, RewindEnd};
use retake_episode::Phase;
use retake_node::Outbox;
use retake_shaping::Clamps;
use retake_units::MonoTime;
use retake_wire::pb::{self, Beacon, Command, GroupTick, GroupValues};

use crate::{
    Arbiter,
    chunk::Wanted,
    drive::{self, Driven, Goal},
    report::{self, Decided},
    rewind,
    robot::Robot,
    shared::{self, Hand},
    words,
};

/// Until a robot has said at which rate it is controlled.
const IDLE_PERIOD: Duration = Duration::from_millis(20);
const RESET_AGAIN: Duration = Duration::from_millis(200);

impl Arbiter {
    pub(crate) fn run_tick(&mut self, now: MonoTime, out: &mut Outbox) {
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
        self.mind_autonomy(now, out);
        if let Some(step) = self.session.episodes.elapsed(now) {
            self.follow(step, now, out);
        }
        self.await_restore(now, out);
        if (self.session.episodes.phase() == Phase::Resetting || self.restoring())
            && now.since(self.sender.reset_sent) >= RESET_AGAIN
        {
            self.request_reset(now, out);
        }
        let ended = self.rewind(now, out);
        let beacon = self.beacons.issue(now);
        let (epoch, tick, session) = (self.state.epoch().0, self.tick.0, self.sender.session);
        let (groups, twist) = drive_groups(self, ended, now, out);
        if let Some(command) = self.command(now) {
            out.publish(command);
        }
        out.publish(Beacon { nonce: beacon, epoch: epoch.max(self.state.epoch().0), tick, session });
        report::publish(self, Decided { groups, twist, late }, now, out);
    }

    fn command(&mut self, now: MonoTime) -> Option<Command> {
        let header = self.header(now);
        let robot = self.robot.as_ref()?;
        let (observation, _) = robot.observation.as_ref()?;
        let values = robot.groups.iter().map(|group| GroupValues { values: group.shaper.position() });
        // While the scene is reset the driver moves the robot, and our positions mean nothing.
        let resetting = matches!(self.session.episodes.phase(), Phase::Waiting | Phase::Resetting);
        let stop = resetting || self.restoring() || !robot.placed;
        Some(Command {
            header: Some(header),
            tick: self.tick.0,
            driver_beacon: observation.driver_beacon,
            position: if stop { Vec::new() } else { values.collect() },
            stop,
        })
    }
}

/// What the operator's hand asks for at one tick.
struct OperatorWish {
    twist: Vector6<f64>,
    /// Closing speed of the gripper, m/s.
    closing: f64,
    /// Stages of their profile that acted.
    shaped: Clamps,
}

/// One group at one tick.
struct Moved {
    driven: Driven,
    /// What the operator added to the policy.
    residual: Vec<f64>,
}

/// Lets each group's owner drive it, publishes the segments that ended with it, and returns the record of each
/// with the tool velocity the operator asked for.
fn drive_groups(
    arbiter: &mut Arbiter,
    ended: Option<RewindEnd>,
    now: MonoTime,
    out: &mut Outbox,
) -> (Vec<GroupTick>, Vector6<f64>) {
    let Some(mut robot) = arbiter.robot.take() else { return (Vec::new(), Vector6::zeros()) };
    arbiter.hands.elapsed(now);
    let wish = operator_wish(arbiter, &robot);
    let stage = arbiter.state.stage();
    let mut far = GroupSet::NONE;
    let mut ticks = Vec::with_capacity(robot.groups.len());
    for index in 0..robot.groups.len() {
        let group = arbiter.state.group(index);
        let wanted = drive::wanted(&robot, arbiter.chunk.as_ref(), index, group.epoch, now);
        let most = arbiter.config.policy_far;
        let near = wanted.as_ref().filter(|wanted| !drive::far(&robot, index, wanted, most));
        if wanted.is_some() && near.is_none() {
            far = far.with(index);
        }
        let moved = drive_group(arbiter, &mut robot, (index, group), near, &wish, ended);
        let name = robot.groups.get(index).map_or("", |group| group.name.as_str());
        if let Some(ended) = arbiter.session.tick(index, name, (group, stage), (arbiter.tick, now)) {
            out.publish(ended);
        }
        let chunk = wanted.as_ref().and(arbiter.chunk.as_ref()).map_or(0, |chunk| chunk.number);
        let (proposal, chunk_index) =
            wanted.map_or((Vec::new(), 0), |wanted| (wanted.position, wanted.index));
        ticks.push(GroupTick {
            owner: words::owner(group.owner).into(),
            cause: words::cause(group.cause).into(),
            segment: words::kind(arbiter.session.kind(group.owner, stage)).into(),
            chunk,
            proposal,
            chunk_index,
            residual: moved.residual,
            ..group_tick(&robot, index, moved.driven)
        });
    }
    count(arbiter, &ticks);
    arbiter.robot = Some(robot);
    if !far.is_empty() {
        arbiter.tell(Event::PolicyFar { groups: far }, now, out);
    }
    if let Some(end) = ended {
        arbiter.tell(Event::RewindEnded(end), now, out);
    }
    (ticks, wish.twist)
}

/// Lets the owner of a group drive it for one period. `wanted` is what the policy wants, unless that is too far away;
/// `ended` is why a rewind cannot go on.
fn drive_group(
    arbiter: &mut Arbiter,
    robot: &mut Robot,
    (index, group): (usize, Group),
    wanted: Option<&Wanted>,
    wish: &OperatorWish,
    ended: Option<RewindEnd>,
) -> Moved {
    let mut goal = arbiter.goals.get_mut(index).map(std::mem::take).unwrap_or_default();
    let automatic = matches!(group.owner, Owner::Policy { .. } | Owner::Shared { .. });
    robot.set_speed(index, if automatic { arbiter.policy_speed() } else { 1.0 });
    let mut residual = Vec::new();
    let driven = match group.owner {
        Owner::Policy { .. } => drive::by_policy(robot, index, wanted),
        Owner::Human => {
            let driven = match arbiter.hands.of(index) {
                Some(hand) => hand.drive(robot, (index, group.epoch), &mut goal, &arbiter.config.hand),
                None => drive::by_human(robot, index, &mut goal, &wish.twist, wish.closing),
            };
            Driven { clamps: driven.clamps.and(wish.shaped), ..driven }
        }
        Owner::Shared { .. } => {
            let hand = Hand { twist: &wish.twist, closing: wish.closing };
            let (driven, added) =
                shared::by_both(robot, index, &mut goal, wanted, &hand, &arbiter.config.residual);
            residual = added;
            Driven { clamps: driven.clamps.and(wish.shaped), ..driven }
        }
        Owner::Rewind => rewind::drive(robot, index, &mut arbiter.rewind, ended),
        Owner::Hold => drive::rest(robot, index),
    };
    put_back(&mut arbiter.goals, index, goal);
    Moved { driven, residual }
}

fn put_back(goals: &mut [Goal], index: usize, goal: Goal) {
    if let Some(slot) = goals.get_mut(index) {
        *slot = goal;
    }
}

/// The operator's newest input by their profile, if they may drive, the tool velocity it asks for, and what the profile changed.
fn operator_wish(arbiter: &Arbiter, robot: &Robot) -> OperatorWish {
    let leased = arbiter.state.operator().is_some();
    let Some((input, _)) = arbiter.heard.input.as_ref().filter(|_| leased) else {
        return OperatorWish { twist: Vector6::zeros(), closing: 0.0, shaped: Clamps::default() };
    };
    let (input, shaped) = drive::profiled(&arbiter.config.profiles, input);
    let twist = drive::operator_velocity(&arbiter.config.teleop, &input, robot);
    OperatorWish { twist, closing: drive::closing_speed(&arbiter.config.teleop, &input), shaped }
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
    let human = i32::from(pb::Owner::Human);
    let counters = &mut arbiter.session.counters;
    counters.human_ticks += u64::from(ticks.iter().any(|tick| tick.owner == human));
    counters.clamped_ticks += u64::from(ticks.iter().any(|tick| tick.limits != 0));
}
