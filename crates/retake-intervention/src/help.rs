//! Calls for help: who needs the operator, and how far the policy may go on meanwhile.

use retake_authority::{Event, Owner};
use retake_autonomy::{Level, Situation};
use retake_node::Outbox;
use retake_units::MonoTime;
use retake_wire::pb::{self, HelpCall, HelpSignal};

use crate::{Arbiter, freshness::Stale};

impl Arbiter {
    /// A policy, critic or monitor says how much it needs the operator.
    pub(crate) fn help_signalled(&mut self, signal: &HelpSignal, now: MonoTime, out: &mut Outbox) {
        let (max_age, epoch) = (self.config.proposal_age, self.state.epoch().0);
        match self.helpers.accept(signal.header.as_ref(), &self.beacons, max_age, epoch, now) {
            Ok(_) => self.autonomy.heard(&signal.source, &signal.text, signal.need, now),
            Err(stale) => self.help_refused(stale, now, out),
        }
    }

    /// A stale cry does not count, and the silence that follows from it counts as the worst.
    fn help_refused(&mut self, stale: Stale, now: MonoTime, out: &mut Outbox) {
        self.session.counters.messages_dropped += 1;
        let (code, text) = stale.words();
        self.notices.say(out, now, self.tick.0, code, "help", text);
    }

    /// Brings the level up to date, once per tick.
    pub(crate) fn mind_autonomy(&mut self, now: MonoTime, out: &mut Outbox) {
        let automatic = |owner| matches!(owner, Owner::Policy { .. } | Owner::Shared { .. });
        let driving = !self.state.owned(&self.authority(), automatic).is_empty();
        let before = self.autonomy.level();
        let attended = self.state.operator().is_some();
        let level = self.autonomy.step(Situation { driving, attended }, now);
        let counters = &mut self.session.counters;
        (counters.help_calls, counters.help_suppressed) = (self.autonomy.calls(), self.autonomy.suppressed());
        if level == Level::Hold && driving {
            self.tell(Event::HelpNeeded, now, out);
        }
        if level != before {
            self.status_due = now;
            self.say_level(level, now, out);
        }
    }

    fn say_level(&mut self, level: Level, now: MonoTime, out: &mut Outbox) {
        let calls = self.autonomy.calling(now);
        let who = calls.first().map_or_else(String::new, |call| format!(" {}: {}.", call.source, call.text));
        let (code, text) = match level {
            Level::Full => ("help_over", "The policy drives at full speed again.".to_owned()),
            Level::Slowed => ("help_slowed", format!("The policy is slowed: help is wanted.{who}")),
            Level::Hold => ("help_hold", format!("The policy may not go on without the operator.{who}")),
        };
        self.notices.say(out, now, self.tick.0, code, "help", &text);
    }

    /// The operator has seen the calls: by saying so, by driving, or by starting the policy again.
    pub(crate) fn acknowledge_help(&mut self, now: MonoTime) {
        if self.autonomy.level() != Level::Full {
            self.status_due = now;
        }
        self.autonomy.acknowledge(now);
    }

    /// Share of their speed that the policy's groups have now.
    pub(crate) fn policy_speed(&self) -> f64 {
        match self.autonomy.level() {
            Level::Full => 1.0,
            Level::Slowed | Level::Hold => self.config.slowed,
        }
    }

    pub(crate) const fn level(&self) -> pb::Autonomy {
        match self.autonomy.level() {
            Level::Full => pb::Autonomy::Full,
            Level::Slowed => pb::Autonomy::Slowed,
            Level::Hold => pb::Autonomy::Hold,
        }
    }

    pub(crate) fn help_calls(&self, now: MonoTime) -> Vec<HelpCall> {
        let calls = self.autonomy.calling(now).into_iter();
        calls
            .map(|call| HelpCall {
                source: call.source,
                text: call.text,
                need: call.need,
                for_seconds: call.lasting.as_secs_f64(),
            })
            .collect()
    }
}
