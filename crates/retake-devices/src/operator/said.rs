//! What a press means at a station, beyond the pad itself.

use retake_wire::pb::{Act, Status};

/// What the newest status says of this station, and what it still has to say itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// Stop was pressed, and the arbiter has not confirmed it: it is said again with each input.
    stopping: bool,
    /// Another operator holds the lease.
    elsewhere: bool,
    stopped: bool,
}

impl Said {
    pub(super) fn hear(&mut self, status: &Status, operator: &str) {
        self.elsewhere = !status.operator.is_empty() && status.operator != operator;
        self.stopped = status.stopped;
        self.stopping &= !status.stopped;
    }

    /// Completes what is about to be said. Until a stop is confirmed the station asks for nothing else: its own latch.
    /// True while that is so.
    pub(super) fn amend(&mut self, acts: &mut Vec<Act>) -> bool {
        if self.elsewhere {
            for act in acts.iter_mut() {
                if matches!(act, Act::Resume | Act::Pause | Act::NextEpisode) {
                    *act = Act::RequestLease;
                }
            }
        }
        self.stopping |= !self.stopped && acts.contains(&Act::Stop);
        if self.stopping {
            *acts = vec![Act::Stop];
        }
        self.stopping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(operator: &str, stopped: bool) -> Status {
        Status { operator: operator.into(), stopped, ..Status::default() }
    }

    fn said(said: &mut Said, mut acts: Vec<Act>) -> Vec<Act> {
        said.amend(&mut acts);
        acts
    }

    #[test]
    fn a_stop_is_said_until_it_is_confirmed_and_nothing_else_with_it() {
        let mut station = Said::default();
        station.hear(&status("ada", false), "ada");
        assert_eq!(said(&mut station, vec![Act::Resume]), [Act::Resume]);
        assert_eq!(said(&mut station, vec![Act::Success, Act::Stop]), [Act::Stop]);
        assert_eq!(said(&mut station, vec![Act::Resume]), [Act::Stop], "lost in transit, it is said again");
        station.hear(&status("ada", false), "ada");
        assert_eq!(said(&mut station, vec![]), [Act::Stop]);
        station.hear(&status("ada", true), "ada");
        assert_eq!(said(&mut station, vec![]), []);
        assert_eq!(said(&mut station, vec![Act::ClearStop]), [Act::ClearStop]);
        assert_eq!(said(&mut station, vec![Act::Stop]), [Act::Stop], "once, because it is in force");
        assert_eq!(said(&mut station, vec![]), []);
    }

    #[test]
    fn menu_asks_for_the_lease_while_another_has_it() {
        let mut station = Said::default();
        station.hear(&status("bob", false), "ada");
        assert_eq!(said(&mut station, vec![Act::Pause, Act::Success]), [Act::RequestLease, Act::Success]);
        station.hear(&status("", false), "ada");
        assert_eq!(said(&mut station, vec![Act::Resume]), [Act::Resume]);
    }
}
