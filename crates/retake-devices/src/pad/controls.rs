//! From a pad's state to what the operator wants.

use std::time::Duration;

use retake_units::MonoTime;
use retake_wire::pb::{Act, Frame, Header, OperatorInput, Owner, Phase, SegmentKind, Status};

use super::{
    Axis, Button, PadEvent, PadMap, PadState, Readiness, Signed, Trigger, edges::Edges, rewind::RewindButton,
    state::Change,
};

/// Stop, held this long while stopped, clears the stop.
const CLEAR_AFTER: Duration = Duration::from_secs(1);

/// What some buttons depend on, from the arbiter's newest status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Situation {
    /// Everything is stopped.
    pub stopped: bool,
    /// The episode has ended and the next has not begun.
    pub ended: bool,
    /// The policy has at least one group.
    pub policy_drives: bool,
    /// The human is making progress rather than recovering.
    pub correcting: bool,
}

impl From<&Status> for Situation {
    fn from(status: &Status) -> Self {
        let any = |owner| status.groups.iter().any(|group| group.owner() == owner);
        let human_corrects = |group: &retake_wire::pb::GroupStatus| {
            group.owner() == Owner::Human && group.segment() == SegmentKind::Correction
        };
        Self {
            stopped: status.stopped,
            ended: status.phase() == Phase::Ended,
            policy_drives: any(Owner::Policy),
            correcting: status.groups.iter().any(human_corrects),
        }
    }
}

/// What the operator wants now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Controls {
    /// The human means to drive.
    pub clutch: bool,
    /// Go back along the path.
    pub rewind: bool,
    /// While rewinding: where to along the path, -1 back to +1 forward; `None` is back at full speed.
    pub scrub: Option<f64>,
    /// Slow and fine.
    pub precision: bool,
    /// The pad counts. If not, all of the above is false and there is no motion; only a stop may be among the acts.
    pub valid: bool,
    /// Whose directions `twist` is in.
    pub frame: Frame,
    /// Wanted tool velocity, each -1 to 1 of full speed: linear x forward, y left, z up, then about these axes.
    pub twist: [f64; 6],
    /// Wanted gripper speed: -1 opens at full speed, +1 closes.
    pub gripper: f64,
    /// Acts since the last sample, in the order in which they happened.
    pub acts: Vec<Act>,
    /// Every control as read, in the order of [`PadState::raw`].
    pub raw: Vec<f32>,
}

impl Controls {
    /// The message that says so.
    pub fn into_input(
        self,
        header: Header,
        operator: &str,
        device: &str,
        groups: &[String],
    ) -> OperatorInput {
        OperatorInput {
            header: Some(header),
            operator: operator.to_owned(),
            device: device.to_owned(),
            clutch: self.clutch,
            rewind: self.rewind,
            scrub: self.scrub,
            precision: self.precision,
            valid: self.valid,
            frame: self.frame.into(),
            twist: self.twist.to_vec(),
            gripper: self.gripper,
            groups: groups.to_vec(),
            acts: self.acts.into_iter().map(i32::from).collect(),
            raw: self.raw,
            ..OperatorInput::default()
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct StopHold {
    since: MonoTime,
    may_clear: bool,
}

/// Turns a pad's events into controls by a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapper {
    map: PadMap,
    state: PadState,
    edges: Edges,
    frame: Frame,
    stop_hold: Option<StopHold>,
    rewind: RewindButton,
    acts: Vec<Act>,
}

impl Mapper {
    /// A mapper without a pad yet.
    pub fn new(map: PadMap) -> Self {
        Self {
            state: PadState::new(map.stick),
            map,
            edges: Edges::default(),
            frame: Frame::Base,
            stop_hold: None,
            rewind: RewindButton::default(),
            acts: Vec::new(),
        }
    }

    /// The pad as it is.
    pub const fn state(&self) -> &PadState {
        &self.state
    }

    /// The map in use.
    pub const fn map(&self) -> &PadMap {
        &self.map
    }

    /// Takes in one event, received at `at`.
    pub fn event(&mut self, at: MonoTime, event: &PadEvent, situation: Situation) {
        self.state.tick(at, self.map.silence);
        let change = self.state.fold(at, event);
        if self.state.readiness() != Readiness::Ready {
            self.let_go();
        }
        let Some(change) = change else { return };
        if self.state.readiness() == Readiness::Ready {
            let was_down = self.edges.down(change.button);
            let counts = self.edges.change(at, change);
            if was_down
                && change.button == self.map.buttons.rewind
                && !change.pressed
                && self.rewind.released(at)
            {
                self.acts.push(Act::RewindTap);
            }
            self.ready_change(at, change, counts, situation);
        } else if change.pressed && change.button == self.map.buttons.stop {
            // A stop is never in doubt: at worst it is one too many.
            self.acts.push(Act::Stop);
        }
    }

    /// What the operator wants at `now`. Acts are given once.
    pub fn sample(&mut self, now: MonoTime, situation: Situation) -> Controls {
        self.state.tick(now, self.map.silence);
        self.edges.tick(now);
        if self.state.readiness() != Readiness::Ready {
            self.let_go();
            let acts = std::mem::take(&mut self.acts);
            return Controls { frame: self.frame, acts, raw: self.state.raw(), ..Controls::default() };
        }
        let rewind = self.edges.down(self.map.buttons.rewind);
        let stick = self.along(self.map.axes.scrub);
        let mut controls = Controls {
            clutch: self.edges.down(self.map.buttons.clutch),
            rewind,
            scrub: if rewind { self.rewind.scrub(stick) } else { None },
            precision: self.edges.down(self.map.buttons.precision),
            valid: true,
            frame: self.frame,
            twist: self.twist(),
            gripper: self.gripper(),
            acts: std::mem::take(&mut self.acts),
            raw: self.state.raw(),
        };
        if self.clears_stop(now, situation) {
            controls.acts.push(Act::ClearStop);
        }
        controls
    }

    fn ready_change(&mut self, at: MonoTime, change: Change, counts: bool, situation: Situation) {
        let buttons = self.map.buttons;
        if change.button == buttons.stop && !change.pressed {
            self.stop_hold = None;
        }
        if !counts {
            return;
        }
        let pressed = change.button;
        let act = if pressed == buttons.stop {
            self.stop_hold = Some(StopHold { since: at, may_clear: situation.stopped });
            Some(Act::Stop)
        } else if pressed == buttons.rewind {
            self.rewind.pressed(at);
            None
        } else if pressed == buttons.frame {
            self.toggle_frame();
            None
        } else {
            plain_act(pressed, &self.map, situation)
        };
        self.acts.extend(act);
    }

    /// Directions change only while no direction is asked for, so that a stick pushed too hard does not turn the motion.
    fn toggle_frame(&mut self) {
        if self.twist() == [0.0; 6] {
            self.frame = match self.frame {
                Frame::Base => Frame::Tool,
                Frame::Tool => Frame::Base,
            };
        }
    }

    /// The same press that stopped never clears: stop must have been in force when it began.
    fn clears_stop(&mut self, now: MonoTime, situation: Situation) -> bool {
        let Some(hold) = &mut self.stop_hold else { return false };
        let clears = hold.may_clear && situation.stopped && now.since(hold.since) >= CLEAR_AFTER;
        hold.may_clear &= !clears;
        clears
    }

    fn let_go(&mut self) {
        self.edges = Edges::default();
        self.stop_hold = None;
        self.rewind = RewindButton::default();
        self.acts.retain(|act| *act == Act::Stop);
        if self.state.pad().is_none() {
            self.frame = Frame::Base;
        }
    }

    fn twist(&self) -> [f64; 6] {
        self.map.axes.in_order().map(|axis| self.along(axis))
    }

    /// How far a control is pushed along an axis, after its shape.
    fn along(&self, Signed { axis, inverted }: Signed) -> f64 {
        let stick = |x, y| self.map.stick.stick([self.state.axis(x), self.state.axis(y)]);
        let dpad = || self.state.dpad().map(|direction| direction * self.map.dpad_speed);
        let value = match axis {
            Axis::LeftX => stick(Axis::LeftX, Axis::LeftY)[0],
            Axis::LeftY => stick(Axis::LeftX, Axis::LeftY)[1],
            Axis::RightX => stick(Axis::RightX, Axis::RightY)[0],
            Axis::RightY => stick(Axis::RightX, Axis::RightY)[1],
            Axis::DpadX => dpad()[0],
            Axis::DpadY => dpad()[1],
        };
        // Adding zero keeps a negative zero out of recordings.
        0.0 + if inverted { -value } else { value }
    }

    fn gripper(&self) -> f64 {
        let squeeze = |trigger| self.map.trigger.squeeze(self.state.trigger(trigger));
        let right_closes = squeeze(Trigger::Right) - squeeze(Trigger::Left);
        0.0 + match self.map.close {
            Trigger::Left => -right_closes,
            Trigger::Right => right_closes,
        }
    }
}

/// The act of a button that does nothing but act.
fn plain_act(pressed: Button, map: &PadMap, situation: Situation) -> Option<Act> {
    let buttons = map.buttons;
    if pressed == buttons.success {
        Some(Act::Success)
    } else if pressed == buttons.failure {
        Some(Act::Failure)
    } else if pressed == buttons.discard {
        Some(Act::Discard)
    } else if pressed == buttons.mark {
        Some(if situation.correcting { Act::MarkRecovery } else { Act::MarkCorrection })
    } else if pressed == buttons.resume {
        Some(match situation {
            Situation { ended: true, .. } => Act::NextEpisode,
            Situation { policy_drives: true, .. } => Act::Pause,
            Situation { .. } => Act::Resume,
        })
    } else {
        None
    }
}
