//! One operator drives at a time. Who that is, who has asked for it, and how it passes on.

use core::time::Duration;

use retake_units::MonoTime;

use crate::{
    Cause, Config, OperatorId, Refusal, State, Supervision,
    operator::{Lease, Request},
    step::{automatic, hold, operated},
};

/// When an idle holder loses the lease to whoever has asked for it.
pub(crate) fn passes_at(config: &Config, state: &State) -> Option<MonoTime> {
    let (lease, request) = (state.lease?, state.request?);
    Some(lease.active_at.max(request.since) + config.idle_release)
}

/// Ends leases and requests that are over.
pub(crate) fn expire(config: &Config, state: &mut State, now: MonoTime) {
    if state.request.is_some_and(|request| now >= request.until) {
        state.request = None;
    }
    if state.lease.is_some_and(|lease| now >= lease.until) {
        end(config, state, Cause::OperatorLost, now);
    } else if passes_at(config, state).is_some_and(|at| now >= at) {
        end(config, state, Cause::LeasePassed, now);
    }
}

/// The lease is over; whoever has asked for it has it at once, with no button trusted. Without anybody, a policy that needs
/// supervision does not drive.
fn end(config: &Config, state: &mut State, cause: Cause, now: MonoTime) {
    hold(config, state, cause, operated);
    let request = state.request.take();
    state.lease = request.map(|request| Lease::new(request.operator, request.until, now));
    if state.lease.is_none() && config.supervision == Supervision::Required {
        hold(config, state, Cause::OperatorLost, automatic);
    }
}

/// An operator is heard, at most `age` after they spoke: their lease, new or renewed. It ends when they may have been silent for the
/// operator's timeout, however long their word was on its way.
///
/// # Errors
/// [`Refusal::Busy`] if another holds it, [`Refusal::Late`] if it would be over already.
pub(crate) fn hear(
    config: &Config,
    state: &mut State,
    operator: OperatorId,
    age: Duration,
    now: MonoTime,
) -> Result<Lease, Refusal> {
    if age >= config.operator_timeout {
        return Err(Refusal::Late);
    }
    let until = now + (config.operator_timeout - age);
    match state.lease {
        None => Ok(Lease::new(operator, until, now)),
        Some(lease) if lease.operator == operator => Ok(Lease { until, ..lease }),
        Some(_) => {
            if let Some(request) = state.request.as_mut().filter(|request| request.operator == operator) {
                request.until = until;
            }
            Err(Refusal::Busy)
        }
    }
}

pub(crate) fn request(
    config: &Config,
    state: &mut State,
    operator: OperatorId,
    now: MonoTime,
) -> Result<(), Refusal> {
    let until = now + config.operator_timeout;
    if state.lease.is_some_and(|lease| lease.operator == operator) {
        return Ok(());
    }
    match state.request {
        Some(request) if request.operator != operator => Err(Refusal::AlreadyRequested),
        Some(_) => Ok(()),
        None => {
            state.request = Some(Request { operator, until, since: now });
            if state.lease.is_none() {
                end(config, state, Cause::LeasePassed, now);
            }
            Ok(())
        }
    }
}

/// The holder gives the lease up.
pub(crate) fn release(config: &Config, state: &mut State, now: MonoTime) {
    end(config, state, Cause::ClutchReleased, now);
}

/// # Errors
/// [`Refusal::Busy`] if `operator` does not hold the lease.
pub(crate) fn held_by(state: &State, operator: OperatorId) -> Result<(), Refusal> {
    if state.operator() == Some(operator) { Ok(()) } else { Err(Refusal::Busy) }
}
