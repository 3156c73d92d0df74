//! What was really said, and when: kept without looking at any rule, to check what must never happen.

use std::{collections::BTreeMap, time::Duration};

use retake_authority::{Act, Config, Drive, Event, OperatorId, Outcome, Owner, State};
use retake_units::MonoTime;

/// The newest words of everybody.
#[derive(Clone, Debug, Default)]
pub struct Account {
    timeout: Duration,
    /// The newest input of each that was said lately enough to be believed, and until when it shows that they are there.
    inputs: BTreeMap<OperatorId, (MonoTime, Event)>,
    robot: Option<MonoTime>,
    proposal: Option<MonoTime>,
    tapped: Option<MonoTime>,
    stopped: bool,
    episode_open: bool,
}

fn within(now: MonoTime, then: Option<MonoTime>, span: Duration) -> bool {
    then.is_some_and(|then| now < then + span)
}

fn must(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

impl Account {
    /// Nothing was said.
    pub fn new(config: &Config) -> Self {
        Self { timeout: config.operator_timeout, ..Self::default() }
    }

    /// Writes down what was said and whether it was refused.
    pub fn write(&mut self, event: Event, refused: bool, now: MonoTime) {
        match event {
            Event::Input { operator, age, .. } if age < self.timeout => {
                self.inputs.insert(operator, (now + (self.timeout - age), event));
            }
            Event::Input { .. } => {}
            Event::RobotSeen => self.robot = Some(now),
            Event::Proposed { .. } => self.proposal = Some(now),
            Event::EpisodeOpened => self.episode_open = true,
            Event::EpisodeClosed => self.episode_open = false,
            Event::Act { act: Act::Stop, .. } => self.stopped = true,
            Event::Act { act: Act::ClearStop, .. } if !refused => self.stopped = false,
            Event::Act { act: Act::RewindTap, .. } if !refused => self.tapped = Some(now),
            Event::Act { .. }
            | Event::PolicyFar { .. }
            | Event::HelpNeeded
            | Event::Restored
            | Event::PolicyFaulted
            | Event::DriverTripped
            | Event::RewindEnded(_)
            | Event::Elapsed => {}
        }
    }

    pub(crate) const fn episode_open(&self) -> bool {
        self.episode_open
    }

    /// Checks what the state machine made of `event`.
    ///
    /// # Errors
    /// What must never happen, and did.
    pub fn check(
        &self,
        config: &Config,
        before: &State,
        event: Event,
        outcome: &Outcome,
        now: MonoTime,
    ) -> Result<(), String> {
        let state = &outcome.state;
        must(state.epoch() >= before.epoch(), "the epoch fell")?;
        must(
            outcome.changed.is_empty() || state.epoch() > before.epoch(),
            "an owner changed without a new epoch",
        )?;
        must(state.stopped() == self.stopped, "stop does not latch until it is cleared")?;
        for group in config.groups.iter() {
            must(state.group(group).epoch <= state.epoch(), "a group is ahead of its epoch")?;
            self.driven(config, before, event, state, group, now)?;
        }
        Ok(())
    }

    fn driven(
        &self,
        config: &Config,
        before: &State,
        event: Event,
        state: &State,
        group: usize,
        now: MonoTime,
    ) -> Result<(), String> {
        let (was, is) = (before.group(group).owner, state.group(group).owner);
        match is {
            Owner::Hold => return Ok(()),
            Owner::Policy { until } => {
                let resumed = matches!(event, Event::Act { act: Act::Resume, .. });
                must(resumed || matches!(was, Owner::Policy { .. }), "only a resume gives to the policy")?;
                self.policy(config, until, now)?;
            }
            Owner::Shared { until } => {
                let joined = matches!(event, Event::Input { drive: Drive::Residual, .. });
                must(
                    matches!(was, Owner::Shared { .. }) || (joined && matches!(was, Owner::Policy { .. })),
                    "sharing starts no policy",
                )?;
                self.policy(config, until, now)?;
                self.hand(config, state, is, group, now)?;
            }
            Owner::Human | Owner::Rewind => self.hand(config, state, is, group, now)?,
        }
        must(!self.stopped, "something drives while stopped")?;
        must(within(now, self.robot, config.robot_timeout), "something drives a silent robot")?;
        must(self.episode_open, "something drives outside an episode")
    }

    fn policy(&self, config: &Config, until: MonoTime, now: MonoTime) -> Result<(), String> {
        must(now < until, "the policy drives at the end of its lease")?;
        must(within(now, self.proposal, config.policy_timeout * 2), "a silent policy drives")
    }

    /// Somebody's hand is on the button that drives.
    fn hand(
        &self,
        config: &Config,
        state: &State,
        owner: Owner,
        group: usize,
        now: MonoTime,
    ) -> Result<(), String> {
        let heard = state.operator().and_then(|operator| self.inputs.get(&operator));
        let Some((until, Event::Input { clutch, rewind, valid, .. })) = heard else {
            return Err("somebody drives who was never heard".into());
        };
        must(now < *until, "a silent operator drives")?;
        must(*valid, "an unplugged device drives")?;
        let tapped = within(now, self.tapped, config.tap_limit);
        let down = if owner == Owner::Rewind { *rewind || tapped } else { clutch.contains(group) };
        must(down, "the button is up")
    }
}
