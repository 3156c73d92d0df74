//! The rules. Read [`step`] from the top: time first, then stop, then everything else.

use retake_units::{Epoch, MonoTime};

use crate::{
    Act, Cause, Config, Event, GroupSet, OperatorId, Owner, Refusal, RewindEnd, State, Supervision,
    operator::{Edge, Lease},
};

/// What an event did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The state after it.
    pub state: State,
    /// Groups whose owner changed.
    pub changed: GroupSet,
    /// Why it changed nothing, if it was refused.
    pub refusal: Option<Refusal>,
}

/// Applies one event at `now`. Total: every event has an answer in every state.
pub fn step(config: &Config, before: State, event: Event, now: MonoTime) -> Outcome {
    let mut state = before;
    expire(config, &mut state, now);
    let refusal = apply(config, &mut state, event, now).err();
    finish(config, before, state, refusal)
}

/// When [`step`] must be called with [`Event::Elapsed`] at the latest, if nothing else happens.
pub fn deadline(config: &Config, state: &State) -> Option<MonoTime> {
    let policies = config.groups.iter().filter_map(|index| match state.group(index).owner {
        Owner::Policy { until } => Some(until),
        Owner::Human | Owner::Rewind | Owner::Hold => None,
    });
    let driven = !state.owned(config, drives).is_empty();
    let robot = driven.then_some(state.robot_until);
    policies.chain(robot).chain(state.lease.map(|lease| lease.until)).min()
}

const fn drives(owner: Owner) -> bool {
    !matches!(owner, Owner::Hold)
}

const fn operated(owner: Owner) -> bool {
    matches!(owner, Owner::Human | Owner::Rewind)
}

const fn automatic(owner: Owner) -> bool {
    matches!(owner, Owner::Policy { .. })
}

/// Ends every lease that is over. Runs before any event, so that a late message cannot renew what has expired.
fn expire(config: &Config, state: &mut State, now: MonoTime) {
    if now >= state.robot_until {
        hold(config, state, Cause::RobotLost, drives);
    }
    if state.lease.is_some_and(|lease| now >= lease.until) {
        state.lease = None;
        hold(config, state, Cause::OperatorLost, operated);
    }
    if state.lease.is_none() && config.supervision == Supervision::Required {
        hold(config, state, Cause::OperatorLost, automatic);
    }
    hold(config, state, Cause::PolicyStale, |owner| matches!(owner, Owner::Policy { until } if now >= until));
}

fn apply(config: &Config, state: &mut State, event: Event, now: MonoTime) -> Result<(), Refusal> {
    match event {
        Event::Act { act: Act::Stop, .. } => {
            if !state.stopped {
                state.stopped = true;
                hold(config, state, Cause::Stopped, |_| true);
            }
            Ok(())
        }
        Event::Act { operator, act: Act::ClearStop } => clear_stop(config, state, operator),
        Event::Act { operator, act: Act::Resume } => resume(config, state, operator, now),
        Event::Act { operator, act: Act::Pause } => pause(config, state, operator),
        Event::Act { operator, act: Act::ReleaseLease } => release_lease(config, state, operator),
        Event::Input { operator, clutch, rewind, groups, valid } => {
            let lease = hear(config, state, operator, now)?;
            if !valid {
                lose_device(config, state);
                return Ok(());
            }
            let (held_clutch, clutch) = lease.clutch.moved(clutch);
            let (held_rewind, rewind) = lease.rewind.moved(rewind);
            state.lease = Some(Lease { clutch: held_clutch, rewind: held_rewind, ..lease });
            buttons(config, state, clutch, rewind, groups.and(config.groups), now)
        }
        Event::Proposed { epoch } => {
            proposed(config, state, epoch, now);
            Ok(())
        }
        Event::PolicyFaulted => {
            hold(config, state, Cause::PolicyFault, automatic);
            Ok(())
        }
        Event::RobotSeen => {
            state.robot_until = now + config.robot_timeout;
            Ok(())
        }
        Event::DriverTripped => {
            hold(config, state, Cause::DriverTripped, |_| true);
            Ok(())
        }
        Event::RewindEnded(end) => {
            hold(config, state, cause_of(end), |owner| owner == Owner::Rewind);
            Ok(())
        }
        Event::EpisodeOpened => {
            state.episode_open = true;
            hold(config, state, Cause::EpisodeReady, |_| true);
            Ok(())
        }
        Event::EpisodeClosed => {
            state.episode_open = false;
            hold(config, state, Cause::EpisodeEnded, |_| true);
            Ok(())
        }
        Event::Elapsed => Ok(()),
    }
}

const fn cause_of(end: RewindEnd) -> Cause {
    match end {
        RewindEnd::Exhausted => Cause::RewindExhausted,
        RewindEnd::AtGripper => Cause::RewindAtGripper,
        RewindEnd::Blocked => Cause::RewindBlocked,
    }
}

/// Takes to hold every group whose owner `taken` accepts. An operator who drove one must let go before driving again.
fn hold(config: &Config, state: &mut State, cause: Cause, taken: impl Fn(Owner) -> bool) {
    let groups = state.owned(config, taken);
    if groups.iter().any(|index| operated(state.group(index).owner))
        && let Some(lease) = &mut state.lease
    {
        lease.disarm();
    }
    state.give(groups, Owner::Hold, cause);
}

fn hear(config: &Config, state: &State, operator: OperatorId, now: MonoTime) -> Result<Lease, Refusal> {
    let until = now + config.operator_timeout;
    match state.lease {
        None => Ok(Lease::new(operator, until)),
        Some(lease) if lease.operator == operator => Ok(Lease { until, ..lease }),
        Some(_) => Err(Refusal::Busy),
    }
}

/// The operator is heard, but the device says nothing one may act on.
fn lose_device(config: &Config, state: &mut State) {
    hold(config, state, Cause::OperatorLost, operated);
    if let Some(lease) = &mut state.lease {
        *lease = Lease::new(lease.operator, lease.until);
    }
}

fn buttons(
    config: &Config,
    state: &mut State,
    clutch: Edge,
    rewind: Edge,
    groups: GroupSet,
    now: MonoTime,
) -> Result<(), Refusal> {
    if rewind == Edge::Released {
        state.give(state.owned(config, |owner| owner == Owner::Rewind), Owner::Hold, Cause::RewindReleased);
    }
    if clutch == Edge::Released {
        state.give(state.owned(config, |owner| owner == Owner::Human), Owner::Hold, Cause::ClutchReleased);
    }
    if clutch != Edge::Pressed && rewind != Edge::Pressed {
        return Ok(());
    }
    let permitted = may_drive(state, now);
    if permitted.is_err() {
        if let Some(lease) = &mut state.lease {
            lease.disarm();
        }
        return permitted;
    }
    // Pressed together, the hand on the clutch wins: the operator wants to steer.
    if clutch == Edge::Pressed {
        state.give(state.owned(config, |owner| owner == Owner::Rewind), Owner::Hold, Cause::RewindReleased);
        state.give(groups, Owner::Human, Cause::ClutchPressed);
        disarm(state, |lease| lease.rewind = lease.rewind.disarmed());
    } else {
        state.give(config.groups, Owner::Rewind, Cause::RewindPressed);
        disarm(state, |lease| lease.clutch = lease.clutch.disarmed());
    }
    Ok(())
}

fn disarm(state: &mut State, change: impl Fn(&mut Lease)) {
    if let Some(lease) = &mut state.lease {
        change(lease);
    }
}

fn may_drive(state: &State, now: MonoTime) -> Result<(), Refusal> {
    if state.stopped {
        Err(Refusal::Stopped)
    } else if !state.episode_open {
        Err(Refusal::NoEpisode)
    } else if !state.robot_alive(now) {
        Err(Refusal::RobotLost)
    } else {
        Ok(())
    }
}

fn leased_to(state: &State, operator: OperatorId) -> Result<(), Refusal> {
    if state.operator() == Some(operator) { Ok(()) } else { Err(Refusal::Busy) }
}

fn resume(config: &Config, state: &mut State, operator: OperatorId, now: MonoTime) -> Result<(), Refusal> {
    leased_to(state, operator)?;
    may_drive(state, now)?;
    if !state.policy_alive(now) {
        return Err(Refusal::PolicySilent);
    }
    let held = state.owned(config, |owner| owner == Owner::Hold);
    if held.is_empty() {
        return Err(Refusal::NothingToResume);
    }
    state.give(held, Owner::Policy { until: now + config.policy_timeout }, Cause::Resumed);
    Ok(())
}

fn pause(config: &Config, state: &mut State, operator: OperatorId) -> Result<(), Refusal> {
    leased_to(state, operator)?;
    if state.owned(config, automatic).is_empty() {
        return Err(Refusal::NothingToPause);
    }
    hold(config, state, Cause::Paused, automatic);
    Ok(())
}

fn clear_stop(config: &Config, state: &mut State, operator: OperatorId) -> Result<(), Refusal> {
    leased_to(state, operator)?;
    if !state.stopped {
        return Err(Refusal::NotStopped);
    }
    state.stopped = false;
    if let Some(lease) = &mut state.lease {
        lease.disarm();
    }
    hold(config, state, Cause::StopCleared, |_| true);
    Ok(())
}

fn release_lease(config: &Config, state: &mut State, operator: OperatorId) -> Result<(), Refusal> {
    leased_to(state, operator)?;
    hold(config, state, Cause::ClutchReleased, operated);
    state.lease = None;
    Ok(())
}

/// Renews the policy's lease on the groups it owned when it computed the proposal.
fn proposed(config: &Config, state: &mut State, epoch: Epoch, now: MonoTime) {
    let until = now + config.policy_timeout;
    if epoch > state.epoch {
        return;
    }
    state.policy_until = until;
    for index in config.groups.iter() {
        let renewed = epoch >= state.group(index).epoch;
        if let Some(group) = state.groups.get_mut(index)
            && let Owner::Policy { until: lease } = &mut group.owner
            && renewed
        {
            *lease = until;
        }
    }
}

/// Raises the epoch if an owner, the stop or the lease changed hands, and says which groups changed.
fn finish(config: &Config, before: State, mut state: State, refusal: Option<Refusal>) -> Outcome {
    let kind = |owner| match owner {
        Owner::Policy { .. } => 0,
        Owner::Human => 1,
        Owner::Rewind => 2,
        Owner::Hold => 3,
    };
    let given = |index: &usize| before.group(*index).epoch != state.group(*index).epoch;
    let changed = config
        .groups
        .iter()
        .filter(|index| kind(before.group(*index).owner) != kind(state.group(*index).owner))
        .fold(GroupSet::NONE, GroupSet::with);
    if config.groups.iter().any(|index| given(&index))
        || before.stopped != state.stopped
        || before.operator() != state.operator()
    {
        state.epoch = before.epoch.next();
    }
    Outcome { state, changed, refusal }
}
