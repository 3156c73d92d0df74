mod groups;
mod leases;
mod protocols;
mod rules;
mod table;

use core::time::Duration;
use std::vec::Vec;

use retake_units::{Epoch, MonoTime};

use crate::*;

pub(crate) const ARM: usize = 0;
pub(crate) const GRIPPER: usize = 1;
pub(crate) const ALICE: OperatorId = OperatorId(1);
pub(crate) const BOB: OperatorId = OperatorId(2);

pub(crate) fn config() -> Config {
    Config {
        groups: GroupSet::first(2),
        operator_timeout: Duration::from_millis(100),
        policy_timeout: Duration::from_millis(500),
        robot_timeout: Duration::from_millis(200),
        supervision: Supervision::Optional,
        protocol: Protocol::Free,
        idle_release: Duration::from_millis(1000),
        tap_limit: Duration::from_millis(300),
    }
}

pub(crate) const fn at(millis: u64) -> MonoTime {
    MonoTime::from_nanos(millis * 1_000_000)
}

#[expect(clippy::fn_params_excessive_bools, reason = "reads like the two buttons it stands for")]
pub(crate) fn input(operator: OperatorId, clutch: bool, rewind: bool) -> Event {
    let clutch = if clutch { GroupSet::first(2) } else { GroupSet::NONE };
    Event::Input { operator, age: Duration::ZERO, clutch, drive: Drive::Direct, rewind, valid: true }
}

/// Alice's clutch on these groups, and nothing else.
pub(crate) const fn clutch(clutch: GroupSet, drive: Drive) -> Event {
    Event::Input { operator: ALICE, age: Duration::ZERO, clutch, drive, rewind: false, valid: true }
}

/// Alice's device reads badly.
pub(crate) fn unplugged() -> Event {
    Event::Input {
        operator: ALICE,
        age: Duration::ZERO,
        clutch: GroupSet::first(2),
        drive: Drive::Direct,
        rewind: false,
        valid: false,
    }
}

pub(crate) const fn act(operator: OperatorId, act: Act) -> Event {
    Event::Act { operator, act }
}

/// Applies events in turn at one time, and returns the last outcome.
pub(crate) fn run(config: &Config, state: State, now: MonoTime, events: &[Event]) -> Outcome {
    events.iter().fold(Outcome { state, changed: GroupSet::NONE, refusal: None }, |outcome, event| {
        step(config, outcome.state, *event, now)
    })
}

/// A robot and a policy that are alive, an open episode, and Alice with both buttons up.
pub(crate) fn ready(config: &Config, now: MonoTime) -> State {
    let events = [
        Event::RobotSeen,
        Event::EpisodeOpened,
        input(ALICE, false, false),
        Event::Proposed { epoch: Epoch(0) },
    ];
    run(config, State::new(Epoch(0)), now, &events).state
}

pub(crate) fn owners(state: &State) -> Vec<Owner> {
    [ARM, GRIPPER].iter().map(|index| state.group(*index).owner).collect()
}
