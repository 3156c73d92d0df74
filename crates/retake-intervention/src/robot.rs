//! The robot, as its descriptor and its messages tell.

use nalgebra::Point3;
use retake_authority::GroupSet;
use retake_kinematics::{Chain, Model};
use retake_shaping::{KeepOut, Reach, Shaper, ValueLimits, Workspace};
use retake_units::{Epoch, MonoTime, Tick};
use retake_wire::{
    check_descriptor,
    pb::{Applied, CommandSpace, Group, Observation, Outcome, RobotDescriptor},
};

/// A joint this close to where its driver put it is there, radians.
const NEAR: f64 = 0.1;

/// One group of the robot and its command.
#[derive(Debug)]
pub(crate) struct RobotGroup {
    pub(crate) name: String,
    pub(crate) size: usize,
    pub(crate) shaper: Shaper,
    /// It moves the tool, through this chain.
    pub(crate) chain: Option<Chain>,
}

/// A robot that may be commanded.
#[derive(Debug)]
pub(crate) struct Robot {
    pub(crate) descriptor: RobotDescriptor,
    pub(crate) groups: Vec<RobotGroup>,
    pub(crate) walls: Workspace,
    pub(crate) period_s: f64,
    pub(crate) observation: Option<(Observation, MonoTime)>,
    pub(crate) applied: Option<Applied>,
    /// The driver's session and reset as last observed, and the last tick before that was first seen.
    seen: Option<(u64, u64, Tick)>,
    /// Where the driver holds the robot is known: it has answered to a command of ours that was sent after its last reset or start.
    pub(crate) placed: bool,
    /// What made the place unknown is that the driver stopped by itself.
    stopped: bool,
}

impl Robot {
    /// Reads a descriptor, or says in words why nothing can be commanded by it.
    pub(crate) fn new(descriptor: RobotDescriptor) -> Result<Self, String> {
        check_descriptor(&descriptor).map_err(|error| error.to_string())?;
        let walls = descriptor.workspace.ok_or("the descriptor has no workspace")?;
        let walls = Workspace {
            min: Point3::new(walls.min_x, walls.min_y, walls.min_z),
            max: Point3::new(walls.max_x, walls.max_y, walls.max_z),
        };
        let model = Model::from_urdf(&descriptor.urdf).map_err(|error| error.to_string())?;
        let period_s = 1.0 / descriptor.control_hz;
        let mut groups = Vec::new();
        let keep_out = descriptor.keep_out.iter();
        let keep_out: Vec<KeepOut> = keep_out
            .map(|ball| KeepOut { centre: Point3::new(ball.x, ball.y, ball.z), radius: ball.radius })
            .collect();
        for group in &descriptor.groups {
            let room = (walls, keep_out.clone());
            groups.push(RobotGroup::new(group, &model, &descriptor.tool_link, room, period_s)?);
        }
        Ok(Self {
            descriptor,
            groups,
            walls,
            period_s,
            observation: None,
            applied: None,
            seen: None,
            placed: false,
            stopped: false,
        })
    }

    pub(crate) fn group_set(&self) -> GroupSet {
        GroupSet::first(self.groups.len())
    }

    pub(crate) fn sizes(&self) -> Vec<usize> {
        self.groups.iter().map(|group| group.size).collect()
    }

    /// Groups an operator names; all of them if none is named. Names nobody has are ignored.
    pub(crate) fn named(&self, names: &[String]) -> GroupSet {
        if names.is_empty() {
            return self.group_set();
        }
        let index = |name: &String| self.groups.iter().position(|group| &group.name == name);
        names.iter().filter_map(index).fold(GroupSet::NONE, GroupSet::with)
    }

    /// Measured positions of a group; empty before the first observation.
    pub(crate) fn measured(&self, group: usize) -> &[f64] {
        let position = self.observation.as_ref().and_then(|(observation, _)| observation.position.get(group));
        position.map_or(&[], |group| group.values.as_slice())
    }

    /// An observation has the descriptor's groups, and every number is one.
    pub(crate) fn fits(&self, observation: &Observation) -> bool {
        observation.position.len() == self.groups.len()
            && observation.position.iter().zip(&self.groups).all(|(values, group)| {
                values.values.len() == group.size && values.values.iter().all(|value| value.is_finite())
            })
    }

    /// Takes in an observation that fits, after `tick`. A driver that has started or been reset holds the robot where it says, and
    /// what it said before that is not to be gone by: a command that differs from it is a step.
    pub(crate) fn observe(&mut self, observation: &Observation, tick: Tick, now: MonoTime) {
        let session = observation.header.unwrap_or_default().session;
        if self.seen.is_none_or(|seen| (seen.0, seen.1) != (session, observation.resets)) {
            (self.seen, self.placed) = (Some((session, observation.resets, tick)), false);
            self.stopped = false;
        }
        self.observation = Some((observation.clone(), now));
    }

    /// Takes in what the driver did. Epochs before `first` are another arbiter's.
    pub(crate) fn apply(&mut self, applied: &Applied, first: Epoch) {
        self.applied = Some(applied.clone());
        let answers = |(_, _, tick): (u64, u64, Tick)| {
            applied.outcome() == Outcome::Applied && applied.tick > tick.0 && applied.epoch >= first.0
        };
        if !self.placed && self.seen.is_some_and(answers) {
            self.placed = true;
            if self.stopped { self.rest_at_applied() } else { self.rest_after_reset() }
        }
    }

    /// Puts every command at rest where the driver says it was put, or, where the robot is found elsewhere, where it measures
    /// itself. A hand that holds something measures itself wider than it is commanded, and would let go if it were commanded so.
    pub(crate) fn rest_after_reset(&mut self) {
        let Some((observation, _)) = &self.observation else { return };
        let applied = self.applied.as_ref().map_or(&[][..], |applied| applied.position.as_slice());
        for (index, (group, measured)) in self.groups.iter_mut().zip(&observation.position).enumerate() {
            let measured = &measured.values;
            let set = applied.get(index).map(|set| &set.values).filter(|set| set.len() == measured.len());
            let near = |set: &&Vec<f64>| {
                group.chain.is_none() || set.iter().zip(measured).all(|(set, at)| (set - at).abs() < NEAR)
            };
            group.shaper.rest_at(set.filter(near).unwrap_or(measured));
        }
    }

    /// The driver stopped by itself, as is heard after `tick`. It may have moved and stopped again since it said so, so where it
    /// holds the robot is known only when it answers to what is sent from now on.
    pub(crate) fn lose_place(&mut self, tick: Tick) {
        self.rest_at_applied();
        if let Some((_, _, since)) = &mut self.seen {
            (*since, self.placed, self.stopped) = (tick, false, true);
        }
    }

    /// Puts every command at rest where the driver stopped.
    fn rest_at_applied(&mut self) {
        let Some(applied) = &self.applied else { return };
        for (group, applied) in self.groups.iter_mut().zip(&applied.position) {
            group.shaper.rest_at(&applied.values);
        }
    }

    /// Share of its speed that a group has from now on.
    pub(crate) fn set_speed(&mut self, group: usize, share: f64) {
        if let Some(group) = self.groups.get_mut(group) {
            group.shaper.set_speed(share);
        }
    }

    /// How far the robot is from its command, in the value furthest off, for groups that move the tool.
    pub(crate) fn tracking_error(&self) -> f64 {
        let moving = self.groups.iter().enumerate().filter(|(_, group)| group.chain.is_some());
        let errors = moving.flat_map(|(index, group)| {
            let measured = self.measured(index).iter();
            group
                .shaper
                .position()
                .into_iter()
                .zip(measured)
                .map(|(command, measured)| (command - measured).abs())
        });
        errors.fold(0.0, f64::max)
    }

    /// Commanded opening of the first scalar group, metres.
    pub(crate) fn gripper_command(&self) -> f64 {
        let gripper = self.groups.iter().find(|group| group.chain.is_none());
        gripper.and_then(|group| group.shaper.position().first().copied()).unwrap_or(0.0)
    }
}

impl RobotGroup {
    fn new(
        group: &Group,
        model: &Model,
        tool: &str,
        (walls, keep_out): (Workspace, Vec<KeepOut>),
        period_s: f64,
    ) -> Result<Self, String> {
        let chain = match group.space() {
            CommandSpace::JointPosition => Some(model.chain(tool).map_err(|error| error.to_string())?),
            CommandSpace::Scalar => None,
            CommandSpace::Unspecified => return Err(format!("group {:?} has no command space", group.name)),
        };
        let size = group.lower.len();
        if let Some(chain) = chain.as_ref().filter(|chain| chain.dof() != size) {
            return Err(format!(
                "group {:?} has {size} values but its chain {} joints",
                group.name,
                chain.dof()
            ));
        }
        let at = |limits: &[f64], index: usize| limits.get(index).copied().unwrap_or_default();
        let limits: Vec<ValueLimits> = (0..size)
            .map(|index| ValueLimits {
                lower: at(&group.lower, index),
                upper: at(&group.upper, index),
                velocity: at(&group.velocity, index),
                acceleration: at(&group.acceleration, index),
                jerk: at(&group.jerk, index),
            })
            .collect();
        let reach = chain.clone().map(|chain| Reach { chain, walls, keep_out });
        let shaper = Shaper::new(&limits, reach, period_s, &group.lower);
        Ok(Self { name: group.name.clone(), size, shaper, chain })
    }
}
