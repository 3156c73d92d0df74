//! Tracked hands: which clutches are engaged, and what they drive.

use nalgebra::Isometry3;
use retake_authority::{GroupSet, OperatorId};
use retake_shaping::{Doubt, Grip, HandFrame, Pickup, PoseClutch, Wish, closedness};
use retake_units::{Epoch, MonoTime};
use retake_wire::pb::{self, Frame, OperatorInput};

use crate::{
    config::HandConfig,
    drive::{self, Driven, Goal},
    robot::Robot,
};

/// Hands one operator may have.
const MAX_HANDS: usize = 4;

/// The hands of the operator who holds the lease.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hands {
    operator: Option<OperatorId>,
    hands: Vec<Hand>,
}

/// One hand.
#[derive(Clone, Debug)]
pub(crate) struct Hand {
    name: String,
    groups: GroupSet,
    held: bool,
    clutch: PoseClutch,
    trigger: f64,
    pickup: Pickup,
    /// Epochs in which the tool and the gripper came under this hand.
    tool_since: Option<Epoch>,
    gripper_since: Option<Epoch>,
}

/// What an input's hands leave of its clutch.
pub(crate) struct Gripped {
    /// Groups the clutch takes.
    pub(crate) clutch: GroupSet,
    /// Why a hand has let go, if one did.
    pub(crate) doubt: Option<Doubt>,
}

impl Hands {
    /// Takes in what the hands of `operator` say. A group of a hand whose clutch is not engaged is let go of.
    pub(crate) fn hear(
        &mut self,
        config: &HandConfig,
        robot: &Robot,
        (operator, input, clutch, scale): (OperatorId, &OperatorInput, GroupSet, f64),
        now: MonoTime,
    ) -> Gripped {
        if self.operator != Some(operator) {
            *self = Self { operator: Some(operator), hands: Vec::new() };
        }
        self.hands.retain(|hand| hand.held || input.hands.iter().any(|said| said.name == hand.name));
        for said in input.hands.iter().take(MAX_HANDS) {
            if !self.hands.iter().any(|hand| hand.name == said.name) {
                self.hands.push(Hand::new(&said.name, config));
            }
        }
        let named = robot.named(&input.groups);
        let (mut claimed, mut gripped) = (GroupSet::NONE, Gripped { clutch, doubt: None });
        for hand in &mut self.hands {
            let said = input.hands.iter().find(|said| said.name == hand.name);
            if let Some(said) = said {
                let own = if said.groups.is_empty() { named } else { robot.named(&said.groups) };
                // A group has one hand: the first that names it.
                (hand.groups, hand.trigger) = (own.without(claimed), said.trigger);
            }
            claimed = claimed.or(hand.groups);
            hand.held = !hand.groups.and(clutch).is_empty();
            let frame = frame(said, input, hand.held, scale);
            let before = hand.clutch.grip();
            hand.clutch.hear(&frame, &home(robot, hand.groups), now);
            let grip = hand.clutch.grip();
            if grip != Grip::Engaged {
                gripped.clutch = gripped.clutch.without(hand.groups);
            }
            if let (Grip::Open | Grip::Engaged, Grip::Barred(doubt)) = (before, grip) {
                gripped.doubt = Some(doubt);
            }
        }
        gripped
    }

    /// Lets time pass.
    pub(crate) fn elapsed(&mut self, now: MonoTime) {
        self.hands.iter_mut().for_each(|hand| hand.clutch.elapsed(now));
    }

    /// The hand that drives `group`, if one does.
    pub(crate) fn of(&mut self, group: usize) -> Option<&mut Hand> {
        self.hands.iter_mut().find(|hand| hand.held && hand.groups.contains(group))
    }

    /// Where the hand that drives `group` wants the tool, base frame.
    pub(crate) fn goal(&self, group: usize) -> Option<pb::Pose> {
        let hand = self.hands.iter().find(|hand| hand.held && hand.groups.contains(group))?;
        hand.clutch.goal().map(|goal| wire_pose(&goal))
    }

    /// A clutch that is down must come up before it counts again.
    pub(crate) fn needs_release(&self) -> bool {
        self.hands.iter().any(|hand| hand.held && matches!(hand.clutch.grip(), Grip::Barred(_)))
    }
}

impl Hand {
    fn new(name: &str, config: &HandConfig) -> Self {
        Self {
            name: name.to_owned(),
            groups: GroupSet::NONE,
            held: false,
            clutch: PoseClutch::new(config.clutch),
            trigger: 0.0,
            pickup: Pickup::default(),
            tool_since: None,
            gripper_since: None,
        }
    }

    /// Drives `group`, which came to its owner in `epoch`.
    pub(crate) fn drive(
        &mut self,
        robot: &mut Robot,
        (group, epoch): (usize, Epoch),
        goal: &mut Goal,
        config: &HandConfig,
    ) -> Driven {
        let wanted = match goal {
            Goal::Arm(_) => self.reach(robot, (group, epoch), goal, config),
            Goal::Scalar(opening) => self.squeeze(robot, (group, epoch), *opening).map(|next| {
                *opening = next;
                vec![next]
            }),
            Goal::None | Goal::Difference(_) => None,
        };
        let Some(position) = wanted else { return drive::rest(robot, group) };
        let velocity = vec![0.0; position.len()];
        let driven = drive::step(robot, group, Wish::Follow { position, velocity });
        drive::carry_on(robot, group, goal);
        driven
    }

    fn reach(
        &mut self,
        robot: &Robot,
        (group, epoch): (usize, Epoch),
        goal: &mut Goal,
        config: &HandConfig,
    ) -> Option<Vec<f64>> {
        let member = robot.groups.get(group)?;
        let (Goal::Arm(teleop), Some(chain)) = (goal, &member.chain) else { return None };
        let command = member.shaper.position();
        if self.tool_since != Some(epoch) {
            // However long ago the clutch was pressed, the tool begins to follow here and now.
            self.tool_since = Some(epoch);
            self.clutch.latch_anew(&chain.forward(&command));
        }
        let mut tool = self.clutch.goal()?;
        tool.translation.vector = robot.walls.nearest(&tool.translation.vector.into()).coords;
        let posture = &robot.descriptor.posture;
        Some(teleop.reach(chain, (&tool, &config.speeds), posture, &command, robot.period_s))
    }

    fn squeeze(&mut self, robot: &Robot, (group, epoch): (usize, Epoch), kept: f64) -> Option<f64> {
        if self.gripper_since != Some(epoch) {
            (self.gripper_since, self.pickup) = (Some(epoch), Pickup::default());
        }
        if self.clutch.grip() != Grip::Engaged {
            return None;
        }
        let limits = robot.descriptor.groups.get(group)?;
        let (lower, upper) = (*limits.lower.first()?, *limits.upper.first()?);
        let Some(closed) = closedness(self.trigger) else { return Some(kept) };
        Some(self.pickup.opening(upper - closed * (upper - lower), kept, upper - lower))
    }
}

/// The tool of the group among `groups` that moves it, as commanded.
fn home(robot: &Robot, groups: GroupSet) -> Isometry3<f64> {
    let members = robot.groups.iter().enumerate().filter(|(index, _)| groups.contains(*index));
    let mut tools =
        members.filter_map(|(_, member)| Some((member.chain.as_ref()?, member.shaper.position())));
    tools.next().map_or_else(Isometry3::identity, |(chain, command)| chain.forward(&command))
}

fn frame(said: Option<&pb::Hand>, input: &OperatorInput, held: bool, scale: f64) -> HandFrame {
    let grip = said.and_then(|said| said.grip);
    let pose = grip.unwrap_or_default();
    HandFrame {
        tracked: input.valid && grip.is_some() && said.is_some_and(|said| said.tracked),
        position: [pose.x, pose.y, pose.z],
        rotation: [pose.qx, pose.qy, pose.qz, pose.qw],
        held,
        recentres: input.recentres,
        in_tool_frame: input.frame() == Frame::Tool,
        scale,
    }
}

fn wire_pose(pose: &Isometry3<f64>) -> pb::Pose {
    let (p, q) = (pose.translation.vector, pose.rotation.coords);
    pb::Pose { x: p.x, y: p.y, z: p.z, qx: q.x, qy: q.y, qz: q.z, qw: q.w }
}

/// Why a hand let go, in words.
pub(crate) const fn doubt(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Unseen => "A hand appeared with its clutch down. Let go, then press again.",
        Doubt::Untracked => "A hand was not tracked. Let go, then press again.",
        Doubt::NotAPose => "A hand's pose was not a number. Let go, then press again.",
        Doubt::Recentred => "The headset was recentred. Let go, then press again.",
        Doubt::Stalled => "A hand was not heard for too long. Let go, then press again.",
        Doubt::Leapt => "A hand was somewhere else all of a sudden. Let go, then press again.",
    }
}
