//! Going back along the path: when a rewind begins and ends, where it goes at each tick, and what aborts it.

use std::time::Duration;

use retake_authority::{Owner, RewindEnd};
use retake_episode::{Aim, Join, Mark, Path, PathEnd, PathPoint, Phase};
use retake_node::Outbox;
use retake_shaping::{Clamps, Wish};
use retake_units::{MonoTime, Tick};
use retake_wire::pb::{BranchRecord, Checkpoint, OperatorInput, rewind_target::Place};

use crate::{
    Arbiter, ContactConfig,
    drive::{Driven, rest, step},
    robot::Robot,
};

/// The rewinder waits while its goal is further ahead of the command than this, radians.
const LEASH: f64 = 0.05;
/// The command has come to where the rewinder stopped, radians.
const THERE: f64 = 1e-3;
/// A limit may keep the command off the path for so long before the rewind is given up.
const LIMIT_PATIENCE: Duration = Duration::from_millis(300);
/// A tap goes back by this much motion, seconds.
const TAP: f64 = 1.0;
/// A tap this soon after the rewind began is counted from where it began: a pad's button rewinds while it is down, and only when
/// it comes up again it is known to have been a tap.
const TAP_JOIN: Duration = Duration::from_millis(300);

/// The path, and the rewind that is going on.
#[derive(Debug, Default)]
pub(crate) struct Rewinder {
    pub(crate) path: Path,
    /// Authority gave the groups to the rewinder since the last tick.
    pressed: bool,
    /// Taps since the last tick.
    taps: u32,
    going: Option<Going>,
    /// What was last said of the branch that begins where the robot stands.
    pub(crate) branch: Option<BranchRecord>,
}

/// A rewind that is going on.
#[derive(Clone, Debug)]
struct Going {
    began: (Tick, MonoTime),
    /// Seconds of motion before the place where it began.
    from: f64,
    /// Seconds of motion before the place a tap goes to.
    tap: Option<f64>,
    /// Where the groups are to be, one after the other.
    target: Vec<f64>,
    /// Smallest contact force since it began, newtons.
    least_force: f64,
    /// Since when it touches something.
    touches: Option<MonoTime>,
    /// A limit other than the rate's acted at the last tick.
    clamped: bool,
    /// Since when limits keep the command off the path.
    off_path: Option<MonoTime>,
}

impl Rewinder {
    /// Authority gave the groups to the rewinder.
    pub(crate) const fn press(&mut self) {
        self.pressed = true;
    }

    /// The operator tapped.
    pub(crate) const fn tap(&mut self) {
        self.taps = self.taps.saturating_add(1);
    }

    /// A new episode begins.
    pub(crate) fn clear(&mut self) {
        self.path.clear();
        (self.pressed, self.taps, self.going, self.branch) = (false, 0, None, None);
    }

    /// The limits that acted on a group that was rewound.
    pub(crate) fn note_clamps(&mut self, clamps: Clamps) {
        if let Some(going) = &mut self.going {
            going.clamped |= clamps.0 & !Clamps::RATE.0 != 0;
        }
    }

    /// All checkpoints, as screens are told.
    pub(crate) fn checkpoints(&self) -> Vec<Checkpoint> {
        let wire = |at: retake_episode::Checkpoint| Checkpoint {
            number: at.number,
            name: at.mark.name().into(),
            tick: at.tick.0,
            seconds_back: at.seconds_back,
        };
        self.path.checkpoints().map(wire).collect()
    }
}

impl Going {
    /// The arm has been touching something for too long.
    fn touches(&mut self, force: f64, contact: &ContactConfig, now: MonoTime) -> bool {
        self.least_force = self.least_force.min(force);
        let touches = force > contact.force && force > self.least_force + contact.rise;
        self.touches = touches.then(|| self.touches.unwrap_or(now));
        self.touches.is_some_and(|since| now.since(since) >= contact.lasts)
    }
}

/// Groups that move the tool are rewound, all of them in step; the others keep their state.
fn rewound(robot: &Robot) -> impl Iterator<Item = usize> + '_ {
    robot.groups.iter().enumerate().filter(|(_, group)| group.chain.is_some()).map(|(index, _)| index)
}

fn measured(robot: &Robot) -> Vec<f64> {
    rewound(robot).flat_map(|index| robot.measured(index)).copied().collect()
}

fn commanded(robot: &Robot) -> Vec<f64> {
    let groups = rewound(robot).filter_map(|index| robot.groups.get(index));
    groups.flat_map(|group| group.shaper.position()).collect()
}

fn largest(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

impl Arbiter {
    /// The part of the tick before any group is driven: rewinds begin and end, the way grows, and the rewind goes on. Returns why
    /// it cannot, if so.
    pub(crate) fn rewind(&mut self, now: MonoTime, out: &mut Outbox) -> Option<RewindEnd> {
        let robot = self.robot.take()?;
        let rewinds = |index: usize| self.state.group(index).owner == Owner::Rewind;
        let rewinding = !self.restoring() && rewound(&robot).any(rewinds);
        let again = std::mem::take(&mut self.rewind.pressed) && self.rewind.taps == 0;
        if !rewinding || again {
            self.end_rewind(self.tick, out);
        }
        if rewinding && self.rewind.going.is_none() {
            self.begin_rewind(&robot, now);
        }
        self.note_taps(now);
        let end = if rewinding { self.go_on(&robot, now, out) } else { None };
        if !rewinding {
            self.remember_path(&robot, now);
        }
        self.robot = Some(robot);
        end
    }

    fn begin_rewind(&mut self, robot: &Robot, now: MonoTime) {
        self.session.counters.rewinds += 1;
        self.rewind.path.begin_rewind();
        self.rewind.going = Some(Going {
            began: (self.tick, now),
            from: self.rewind.path.motion(),
            tap: None,
            target: commanded(robot),
            least_force: f64::INFINITY,
            touches: None,
            clamped: false,
            off_path: None,
        });
    }

    /// Ends the rewind, if one is going on, and says where a new branch begins.
    pub(crate) fn end_rewind(&mut self, began_tick: Tick, out: &mut Outbox) {
        let Some(going) = self.rewind.going.take() else { return };
        match self.rewind.path.end_rewind() {
            Some(join) => self.publish_branch(join, going.began.0, (began_tick, false), out),
            None => self.rewind.branch = None,
        }
    }

    pub(crate) fn publish_branch(
        &mut self,
        join: Join,
        left: Tick,
        (began, restored): (Tick, bool),
        out: &mut Outbox,
    ) {
        let record = BranchRecord {
            episode: self.session.episodes.current().number,
            branch: join.branch,
            parent: join.parent,
            left_tick: left.0,
            began_tick: began.0,
            joined_tick: join.tick.0,
            restored,
        };
        self.rewind.branch = Some(record);
        out.publish(record);
    }

    fn note_taps(&mut self, now: MonoTime) {
        let taps = std::mem::take(&mut self.rewind.taps);
        let here = self.rewind.path.motion();
        let Some(going) = &mut self.rewind.going else { return };
        if !self.state.rewind_tapped() {
            going.tap = None;
        } else if taps > 0 || going.tap.is_none() {
            let from = if now.since(going.began.1) <= TAP_JOIN { going.from } else { here };
            going.tap = Some(going.tap.unwrap_or(from) - TAP * f64::from(taps.max(1)));
        }
    }

    /// Adds where the robot is to the way it can be rewound along. After a rewind the way goes on only when somebody drives.
    fn remember_path(&mut self, robot: &Robot, now: MonoTime) {
        let held = robot.group_set().iter().all(|index| self.state.group(index).owner == Owner::Hold);
        let position = measured(robot);
        let running = self.session.episodes.phase() == Phase::Running && !self.restoring();
        if !running || position.is_empty() || (held && self.rewind.path.is_rewound()) {
            return;
        }
        let seq = robot.observation.as_ref().map_or(0, |(seen, _)| seen.header.unwrap_or_default().seq);
        let path = &mut self.rewind.path;
        let forgotten = path.forgotten();
        let gripper = robot.gripper_command();
        path.record(PathPoint { position, gripper, tick: self.tick, seq, at: now });
        self.session.counters.path_forgotten += path.forgotten() - forgotten;
    }

    /// Moves the rewind's goal by one period, or says why it ends.
    fn go_on(&mut self, robot: &Robot, now: MonoTime, out: &mut Outbox) -> Option<RewindEnd> {
        let going = self.rewind.going.as_mut()?;
        if robot.tracking_error() > self.config.rewind.tracking_error {
            return Some(RewindEnd::Blocked);
        }
        let force = robot.observation.as_ref().map_or(0.0, |(seen, _)| seen.contact_force);
        if going.touches(force, &self.config.rewind.contact, now) {
            return Some(RewindEnd::Contact);
        }
        let behind = largest(&going.target, &commanded(robot));
        let clamped = std::mem::take(&mut going.clamped);
        let mut end = None;
        let mut waits = behind > LEASH;
        if !waits {
            let input = self.heard.input.as_ref().map(|(input, _)| input);
            let way = self.config.rewind.speed * robot.period_s;
            match walk(&mut self.rewind.path, going.tap, input, way) {
                Ok(position) => going.target = position,
                Err(PathEnd::Unknown) => {
                    let text = "There is no such checkpoint, or it is no longer remembered.";
                    self.notices.say(out, now, self.tick.0, "no_checkpoint", "operator", text);
                }
                Err(_) if behind >= THERE => waits = true,
                Err(PathEnd::Exhausted) => end = Some(RewindEnd::Exhausted),
                Err(PathEnd::AtGripper) => end = Some(RewindEnd::AtGripper),
                Err(PathEnd::Arrived) => end = Some(RewindEnd::Arrived),
            }
        }
        let since = going.off_path.filter(|_| waits && clamped);
        going.off_path = (waits && clamped).then(|| since.unwrap_or(now));
        if since.is_some_and(|since| now.since(since) >= LIMIT_PATIENCE) {
            return Some(RewindEnd::Limited);
        }
        end
    }

    /// A human has taken over from the policy, or the operator wants to come back here.
    pub(crate) fn mark(&mut self, mark: Mark) -> Option<u32> {
        self.rewind.path.mark(mark)
    }
}

/// One period's walk to where the operator wants the robot to be.
fn walk(
    path: &mut Path,
    tap: Option<f64>,
    input: Option<&OperatorInput>,
    way: f64,
) -> Result<Vec<f64>, PathEnd> {
    if let Some(motion) = tap {
        return path.walk_to(Aim::Motion(motion), way);
    }
    match input.and_then(|input| input.rewind_to).and_then(|target| target.place) {
        Some(Place::Checkpoint(number)) => path.walk_to(Aim::Checkpoint(number), way),
        Some(Place::SecondsBack(seconds)) if seconds.is_finite() => {
            path.walk_to(Aim::Motion(path.tip_motion() - seconds), way)
        }
        Some(Place::SecondsBack(_)) => Err(PathEnd::Unknown),
        None => {
            let scrub = input.and_then(|input| input.scrub).unwrap_or(-1.0);
            let scrub = if scrub.is_finite() { scrub.clamp(-1.0, 1.0) } else { 0.0 };
            path.walk(scrub * way)
        }
    }
}

/// Drives `group` towards where the rewind is, and to rest where it cannot go on. Groups that do not move the tool keep their
/// state.
pub(crate) fn drive(
    robot: &mut Robot,
    group: usize,
    rewinder: &mut Rewinder,
    ended: Option<RewindEnd>,
) -> Driven {
    let target = rewinder.going.as_ref().and_then(|going| part(robot, group, &going.target));
    let aborted = match ended {
        Some(RewindEnd::Blocked | RewindEnd::Contact | RewindEnd::Limited) => true,
        Some(RewindEnd::Exhausted | RewindEnd::AtGripper | RewindEnd::Arrived) | None => false,
    };
    let Some(position) = target.filter(|_| !aborted) else { return rest(robot, group) };
    let velocity = vec![0.0; position.len()];
    let driven = step(robot, group, Wish::Follow { position, velocity });
    rewinder.note_clamps(driven.clamps);
    driven
}

/// A group's part of a target for all groups that are rewound.
fn part(robot: &Robot, group: usize, target: &[f64]) -> Option<Vec<f64>> {
    rewound(robot).find(|index| *index == group)?;
    let size = |index: usize| robot.groups.get(index).map_or(0, |group| group.size);
    let start: usize = rewound(robot).take_while(|index| *index < group).map(size).sum();
    target.get(start..start + size(group)).map(<[f64]>::to_vec)
}
