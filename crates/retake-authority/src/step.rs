//! The rules. Read [`step`] from the top: time first, then stop, then everything else.

use core::time::Duration;

use retake_units::{Epoch, MonoTime};

use crate::{
    Act, Cause, Config, Drive, Event, GroupSet, Move, OperatorId, Owner, Refusal, RewindEnd, Stage, State,
    lease,
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
    let policies = config.groups.iter().filter_map(|index| policy_until(state.group(index).owner));
    let driven = !state.owned(config, drives).is_empty();
    let robot = driven.then_some(state.robot_until);
    let operator = state.lease.map(|lease| lease.until);
    let tap = state.lease.and_then(|lease| lease.tap_until);
    let request = state.request.map(|request| request.until);
    let passes = lease::passes_at(config, state);
    policies.chain([robot, operator, tap, request, passes].into_iter().flatten()).min()
}

const fn drives(owner: Owner) -> bool {
    !matches!(owner, Owner::Hold)
}

/// The operator's hand is needed.
pub(crate) const fn operated(owner: Owner) -> bool {
    matches!(owner, Owner::Human | Owner::Shared { .. } | Owner::Rewind)
}

/// The clutch drives it.
const fn clutched(owner: Owner) -> bool {
    matches!(owner, Owner::Human | Owner::Shared { .. })
}

/// The policy's proposals are needed.
pub(crate) const fn automatic(owner: Owner) -> bool {
    policy_until(owner).is_some()
}

const fn policy_until(owner: Owner) -> Option<MonoTime> {
    match owner {
        Owner::Policy { until } | Owner::Shared { until } => Some(until),
        Owner::Human | Owner::Rewind | Owner::Hold => None,
    }
}

const fn rewinds(owner: Owner) -> bool {
    matches!(owner, Owner::Rewind)
}

/// Ends every lease that is over. Runs before any event, so that a late message cannot renew what has expired.
fn expire(config: &Config, state: &mut State, now: MonoTime) {
    if now >= state.robot_until {
        hold(config, state, Cause::RobotLost, drives);
    }
    lease::expire(config, state, now);
    if let Some(lease) = &mut state.lease
        && lease.tap_until.is_some_and(|until| now >= until)
    {
        lease.tap_until = None;
        hold(config, state, Cause::RewindReleased, rewinds);
    }
    hold(config, state, Cause::PolicyStale, |owner| policy_until(owner).is_some_and(|until| now >= until));
}

fn apply(config: &Config, state: &mut State, event: Event, now: MonoTime) -> Result<(), Refusal> {
    match event {
        Event::Input { operator, age, clutch, drive, rewind, valid } => {
            let clutch = clutch.and(config.groups);
            return input(config, state, (operator, age), (clutch, drive, rewind, valid), now);
        }
        Event::Act { operator, act } => return do_act(config, state, operator, act, now),
        Event::Proposed { epoch } => proposed(config, state, epoch, now),
        Event::PolicyFaulted => hold(config, state, Cause::PolicyFault, automatic),
        Event::PolicyFar { groups } => {
            let far = state.owned(config, automatic).and(groups);
            take(state, far, Cause::PolicyFar);
        }
        Event::HelpNeeded => hold(config, state, Cause::HelpNeeded, automatic),
        Event::RobotSeen => state.robot_until = now + config.robot_timeout,
        Event::DriverTripped => hold(config, state, Cause::DriverTripped, |_| true),
        Event::RewindEnded(end) => hold(config, state, cause_of(end), rewinds),
        Event::EpisodeOpened => {
            (state.episode_open, state.stage) = (true, Stage::Fresh);
            hold(config, state, Cause::EpisodeReady, |_| true);
        }
        Event::EpisodeClosed => {
            state.episode_open = false;
            hold(config, state, Cause::EpisodeEnded, |_| true);
        }
        Event::Restored => hold(config, state, Cause::Restored, |_| true),
        Event::Elapsed => {}
    }
    Ok(())
}

const fn cause_of(end: RewindEnd) -> Cause {
    match end {
        RewindEnd::Exhausted => Cause::RewindExhausted,
        RewindEnd::AtGripper => Cause::RewindAtGripper,
        RewindEnd::Blocked => Cause::RewindBlocked,
        RewindEnd::Arrived => Cause::RewindArrived,
        RewindEnd::Contact => Cause::RewindContact,
        RewindEnd::Limited => Cause::RewindLimited,
    }
}

/// Takes to hold every group whose owner `taken` accepts.
pub(crate) fn hold(config: &Config, state: &mut State, cause: Cause, taken: impl Fn(Owner) -> bool) {
    let groups = state.owned(config, taken);
    take(state, groups, cause);
}

/// Takes groups to hold. An operator who drove one of them must let go before driving it again.
fn take(state: &mut State, groups: GroupSet, cause: Cause) {
    let rewound = groups.iter().any(|index| rewinds(state.group(index).owner));
    if let Some(lease) = &mut state.lease {
        lease.clutch.disarm(groups);
        if rewound {
            lease.disarm_rewind();
        }
    }
    state.give(groups, Owner::Hold, cause);
}

fn input(
    config: &Config,
    state: &mut State,
    (operator, age): (OperatorId, Duration),
    (clutch, drive, rewind, valid): (GroupSet, Drive, bool, bool),
    now: MonoTime,
) -> Result<(), Refusal> {
    let lease = match lease::hear(config, state, operator, age, now) {
        Ok(lease) => lease,
        // Being there and watching is not refused; reaching for the robot is.
        Err(Refusal::Busy) if clutch.is_empty() && !rewind => return Ok(()),
        Err(refusal) => return Err(refusal),
    };
    if !valid {
        // The operator is heard, but the device says nothing one may act on, and earns no lease.
        hold(config, state, Cause::OperatorLost, operated);
        let active_at = lease.active_at;
        state.lease = state.lease.map(|_| Lease { active_at, ..Lease::new(operator, lease.until, now) });
        return Ok(());
    }
    let (clutch, pressed, released) = lease.clutch.moved(clutch);
    let (rewind, rewind_edge) = lease.rewind.moved(rewind);
    let active = !clutch.held.is_empty() || rewind == crate::operator::Button::Held;
    let active_at = if active { now } else { lease.active_at };
    state.lease = Some(Lease { clutch, rewind, active_at, valid: true, ..lease });
    if rewind_edge == Edge::Released {
        disarm_rewind(state);
        state.give(state.owned(config, rewinds), Owner::Hold, Cause::RewindReleased);
    }
    let let_go = state.owned(config, clutched).and(released);
    state.give(let_go, Owner::Hold, Cause::ClutchReleased);
    let done = if !pressed.is_empty() {
        // Pressed together, the hand on the clutch wins: the operator wants to steer.
        press_clutch(config, state, pressed, drive, now)
    } else if rewind_edge == Edge::Pressed {
        press_rewind(config, state, now)
    } else {
        return Ok(());
    };
    if done.is_err()
        && let Some(lease) = &mut state.lease
    {
        lease.clutch.disarm(pressed);
        if rewind_edge == Edge::Pressed {
            // A tapped rewind that is under way keeps its limit.
            lease.rewind = lease.rewind.disarmed();
        }
    }
    done
}

fn disarm_rewind(state: &mut State) {
    if let Some(lease) = &mut state.lease {
        lease.disarm_rewind();
    }
}

fn press_clutch(
    config: &Config,
    state: &mut State,
    pressed: GroupSet,
    drive: Drive,
    now: MonoTime,
) -> Result<(), Refusal> {
    may_drive(state, now)?;
    let groups = match drive {
        Drive::Direct => pressed,
        Drive::Residual => state.owned(config, |owner| matches!(owner, Owner::Policy { .. })).and(pressed),
    };
    if groups.is_empty() {
        return Err(Refusal::NothingToShare);
    }
    advance(config, state, Move::TakeOver)?;
    take(state, state.owned(config, rewinds).without(groups), Cause::RewindReleased);
    if let Some(lease) = &mut state.lease {
        lease.disarm_rewind();
        lease.clutch.disarm(pressed.without(groups));
    }
    for index in groups.iter() {
        // What is shared keeps the lease that the policy has on it, each group its own.
        let until = policy_until(state.group(index).owner).filter(|_| drive == Drive::Residual);
        let owner = until.map_or(Owner::Human, |until| Owner::Shared { until });
        state.give(GroupSet::NONE.with(index), owner, Cause::ClutchPressed);
    }
    Ok(())
}

fn press_rewind(config: &Config, state: &mut State, now: MonoTime) -> Result<(), Refusal> {
    may_drive(state, now)?;
    advance(config, state, Move::Rewind)?;
    if let Some(lease) = &mut state.lease {
        lease.clutch.disarm(GroupSet::ALL);
        lease.tap_until = None;
    }
    state.give(config.groups, Owner::Rewind, Cause::RewindPressed);
    Ok(())
}

fn tap_rewind(config: &Config, state: &mut State, now: MonoTime) -> Result<(), Refusal> {
    may_drive(state, now)?;
    if state.lease.is_none_or(|lease| !lease.valid) {
        return Err(Refusal::DeviceLost);
    }
    if state.lease.is_some_and(|lease| !lease.clutch.held.is_empty()) {
        return Err(Refusal::ClutchHeld);
    }
    advance(config, state, Move::Rewind)?;
    if let Some(lease) = &mut state.lease {
        lease.tap_until = Some(now + config.tap_limit);
    }
    state.give(config.groups, Owner::Rewind, Cause::RewindPressed);
    Ok(())
}

/// Where the protocol leads from here.
fn advance(config: &Config, state: &mut State, step: Move) -> Result<(), Refusal> {
    state.stage = config.protocol.next(state.stage, step).ok_or(Refusal::Protocol)?;
    Ok(())
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

fn do_act(
    config: &Config,
    state: &mut State,
    operator: OperatorId,
    act: Act,
    now: MonoTime,
) -> Result<(), Refusal> {
    match act {
        Act::Stop => {
            if !state.stopped {
                state.stopped = true;
                hold(config, state, Cause::Stopped, |_| true);
            }
            return Ok(());
        }
        Act::RequestLease => return lease::request(config, state, operator, now),
        Act::Resume
        | Act::Pause
        | Act::ClearStop
        | Act::ReleaseLease
        | Act::RewindTap
        | Act::MarkRecovery
        | Act::MarkCorrection => lease::held_by(state, operator)?,
    }
    if let Some(lease) = &mut state.lease {
        lease.active_at = now;
    }
    match act {
        Act::Resume => resume(config, state, now),
        Act::Pause => pause(config, state),
        Act::ClearStop => clear_stop(config, state),
        Act::ReleaseLease => {
            lease::release(config, state, now);
            Ok(())
        }
        Act::RewindTap => tap_rewind(config, state, now),
        Act::MarkRecovery => advance(config, state, Move::MarkRecovery),
        Act::MarkCorrection => advance(config, state, Move::MarkCorrection),
        Act::Stop | Act::RequestLease => Ok(()),
    }
}

fn resume(config: &Config, state: &mut State, now: MonoTime) -> Result<(), Refusal> {
    may_drive(state, now)?;
    if !state.policy_alive(now) {
        return Err(Refusal::PolicySilent);
    }
    let held = state.owned(config, |owner| owner == Owner::Hold);
    if held.is_empty() {
        return Err(Refusal::NothingToResume);
    }
    advance(config, state, Move::Resume)?;
    state.give(held, Owner::Policy { until: now + config.policy_timeout }, Cause::Resumed);
    Ok(())
}

/// Takes the policy's groups to hold, and ends a tapped rewind.
fn pause(config: &Config, state: &mut State) -> Result<(), Refusal> {
    let tapped = state.lease.is_some_and(|lease| lease.tap_until.is_some());
    let paused = |owner| automatic(owner) || (tapped && rewinds(owner));
    if state.owned(config, paused).is_empty() {
        return Err(Refusal::NothingToPause);
    }
    hold(config, state, Cause::Paused, paused);
    Ok(())
}

fn clear_stop(config: &Config, state: &mut State) -> Result<(), Refusal> {
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
            && let Owner::Policy { until: lease } | Owner::Shared { until: lease } = &mut group.owner
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
        Owner::Shared { .. } => 2,
        Owner::Rewind => 3,
        Owner::Hold => 4,
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
