use retake_authority::{Cause, MAX_GROUPS, Owner, State};
use retake_units::MonoTime;

use crate::{
    Model,
    history::{Level, Who},
};

impl Model {
    /// Where the state machine says something else, in words.
    ///
    /// # Errors
    /// The first difference.
    pub fn compare(&self, state: &State, now: MonoTime) -> Result<(), String> {
        let same = |what: &str, ours: String, theirs: String| {
            if ours == theirs { Ok(()) } else { Err(format!("{what} must be {ours} and is {theirs}")) }
        };
        for group in self.config.groups.iter() {
            let is = state.group(group);
            let (who, cause, epoch) =
                self.history.given(group).unwrap_or((Who::Hold, Cause::Started, is.epoch.0));
            let until =
                self.history.earned(group, self.history.len()).map(|at| at + self.config.policy_timeout);
            let (theirs, their_until) = seen(is.owner);
            same(
                &format!("group {group}"),
                format!("{who:?} until {until:?}, {cause:?}, since epoch {epoch}"),
                format!("{theirs:?} until {their_until:?}, {:?}, since epoch {}", is.cause, is.epoch.0),
            )?;
        }
        let must_release = self.holder().is_some()
            && ((0..MAX_GROUPS).any(|group| self.history.clutch(group) == Level::MustRelease)
                || self.history.rewind() == Level::MustRelease);
        let asked = self.history.asked().map(|(_, _, who)| who);
        same(
            "the rest",
            format!(
                "epoch {}, stopped {}, {:?} holds, {asked:?} asks, {:?}, must let go {must_release}, tapped {}, robot {}, policy {}",
                self.epoch,
                self.history.stopped(),
                self.holder(),
                self.history.stage(),
                self.history.tapped().is_some(),
                self.history.robot_alive(&self.config, now),
                self.history.policy_alive(&self.config, now),
            ),
            format!(
                "epoch {}, stopped {}, {:?} holds, {:?} asks, {:?}, must let go {}, tapped {}, robot {}, policy {}",
                state.epoch().0,
                state.stopped(),
                state.operator(),
                state.requested_by(),
                state.stage(),
                state.needs_release(),
                state.rewind_tapped(),
                state.robot_alive(now),
                state.policy_alive(now),
            ),
        )
    }
}

fn seen(owner: Owner) -> (Who, Option<MonoTime>) {
    match owner {
        Owner::Policy { until } => (Who::Policy, Some(until)),
        Owner::Human => (Who::Human, None),
        Owner::Shared { until } => (Who::Shared, Some(until)),
        Owner::Rewind => (Who::Rewind, None),
        Owner::Hold => (Who::Hold, None),
    }
}
