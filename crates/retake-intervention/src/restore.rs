//! In simulation: everything back as it was where the robot stands on the path, and states kept to begin in.
//!
//! The episode goes on, and so does its clock: what is undone has been spent, or else an attempt could be made to last for
//! ever by restoring.

use std::time::Duration;

use retake_authority::{Event, Owner};
use retake_episode::Phase;
use retake_node::Outbox;
use retake_units::{MonoTime, Tick};
use retake_wire::pb::Reset;

use crate::Arbiter;

/// A driver that has not restored after this long will not.
const GIVE_UP: Duration = Duration::from_secs(2);

/// The driver has been asked to restore.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restoring {
    /// Observation whose state is wanted.
    pub(crate) seq: u64,
    asked: (Tick, MonoTime),
}

impl Arbiter {
    /// The driver is putting everything back; our positions mean nothing meanwhile.
    pub(crate) const fn restoring(&self) -> bool {
        self.restoring.is_some()
    }

    /// The operator wants everything back as it was where the robot stands on the path.
    pub(crate) fn restore(&mut self, now: MonoTime, out: &mut Outbox) {
        let seq = match self.may_restore() {
            Ok(seq) => seq,
            Err(text) => return self.notices.say(out, now, self.tick.0, "no_restore", "operator", text),
        };
        self.restoring = Some(Restoring { seq, asked: (self.tick, now) });
        self.sender.resets += 1;
        self.request_reset(now, out);
    }

    fn may_restore(&self) -> Result<u64, &'static str> {
        let robot = self.robot.as_ref().filter(|robot| robot.descriptor.simulated);
        if robot.is_none() {
            return Err("Only a simulation can be restored.");
        }
        if self.restoring() || self.session.episodes.phase() != Phase::Running {
            return Err("Nothing to restore: no episode is running, or it is being restored already.");
        }
        let held = |index: usize| self.state.group(index).owner == Owner::Hold;
        if self.state.stopped() || !self.authority().groups.iter().all(held) {
            return Err("Everything must be in hold, and not stopped, to be restored.");
        }
        let place = self.rewind.path.place();
        place.map(|place| place.seq).filter(|seq| *seq > 0).ok_or("There is no path yet to restore from.")
    }

    /// Time passes while the driver restores.
    pub(crate) fn await_restore(&mut self, now: MonoTime, out: &mut Outbox) {
        let Some(restoring) = self.restoring.filter(|_| self.session.episodes.phase() == Phase::Running)
        else {
            // The episode ended meanwhile: whatever comes next resets the scene.
            self.restoring = None;
            return;
        };
        if now.since(restoring.asked.1) < GIVE_UP {
            return;
        }
        self.restoring = None;
        let observed = self.robot.as_ref().and_then(|robot| robot.observation.as_ref());
        self.sender.resets = observed.map_or(self.sender.resets, |(observation, _)| observation.resets);
        let text = "The simulation did not restore: it may not remember that far back.";
        self.notices.say(out, now, self.tick.0, "restore_failed", "robot", text);
    }

    /// The driver has put everything back.
    pub(crate) fn restored(&mut self, now: MonoTime, out: &mut Outbox) {
        let Some(restoring) = self.restoring.take() else { return };
        let Some(robot) = &mut self.robot else { return };
        robot.rest_after_reset();
        let gripper = robot.gripper_command();
        if let Some(join) = self.rewind.path.restored(gripper) {
            let same = self.rewind.branch.filter(|said| said.branch == join.branch);
            let left = same.map_or(restoring.asked.0, |said| Tick(said.left_tick));
            self.publish_branch(join, left, (self.tick.next(), true), out);
        }
        self.tell(Event::Restored, now, out);
    }

    /// The operator wants to keep this state to begin other episodes in.
    pub(crate) fn save_start(&mut self, now: MonoTime, out: &mut Outbox) {
        let robot = self.robot.as_ref().filter(|robot| robot.descriptor.simulated);
        let phase = self.session.episodes.phase();
        let Some(robot) = robot.filter(|_| matches!(phase, Phase::Ready | Phase::Running | Phase::Ended))
        else {
            let text = "Only a simulation that is not being reset can keep its state.";
            return self.notices.say(out, now, self.tick.0, "no_save", "operator", text);
        };
        let episode = self.session.episodes.current();
        let save_as = format!("{}-{}-{}", robot.descriptor.task, episode.number, self.tick.0);
        let text = format!("This state is kept as the start state {save_as}.");
        self.notices.say(out, now, self.tick.0, "saved_start", "operator", &text);
        let header = Some(self.header(now));
        let (resets, seed) = (self.sender.resets, episode.seed);
        out.publish(Reset { header, resets, seed, save_as, ..Reset::default() });
    }
}
