//! Every state × every event, as a table that people review.

use std::{format, string::String};

use super::*;

const GOLDEN: &str = include_str!("../../authority.golden.md");

fn states(config: &Config) -> Vec<(&'static str, State)> {
    let ready = ready(config, at(0));
    let press = |state, events: &[Event]| run(config, state, at(0), events).state;
    let gripper = GroupSet::NONE.with(GRIPPER);
    let part = clutch(gripper, Drive::Direct);
    let shared = clutch(GroupSet::first(2), Drive::Residual);
    let policy = press(ready, &[act(ALICE, Act::Resume)]);
    std::vec![
        ("new", State::new(Epoch(0))),
        ("ready", ready),
        ("policy", policy),
        ("human", press(policy, &[input(ALICE, true, false)])),
        ("gripper human", press(policy, &[part])),
        ("shared", press(policy, &[shared])),
        ("rewind", press(policy, &[input(ALICE, false, true)])),
        ("tapped", press(policy, &[act(ALICE, Act::RewindTap)])),
        ("requested", press(policy, &[act(BOB, Act::RequestLease)])),
        ("latched", press(policy, &[input(ALICE, true, false), Event::DriverTripped])),
        ("closed", press(policy, &[Event::EpisodeClosed])),
        ("stopped", press(policy, &[act(ALICE, Act::Stop)])),
    ]
}

fn events() -> Vec<(&'static str, u64, Event)> {
    let far = Event::PolicyFar { groups: GroupSet::NONE.with(ARM) };
    std::vec![
        ("buttons up", 10, input(ALICE, false, false)),
        ("clutch", 10, input(ALICE, true, false)),
        ("rewind", 10, input(ALICE, false, true)),
        ("clutch+rewind", 10, input(ALICE, true, true)),
        ("clutch, residual", 10, clutch(GroupSet::first(2), Drive::Residual)),
        ("device lost", 10, unplugged()),
        ("other's clutch", 10, input(BOB, true, false)),
        ("resume", 10, act(ALICE, Act::Resume)),
        ("pause", 10, act(ALICE, Act::Pause)),
        ("stop", 10, act(ALICE, Act::Stop)),
        ("other's stop", 10, act(BOB, Act::Stop)),
        ("clear stop", 10, act(ALICE, Act::ClearStop)),
        ("release lease", 10, act(ALICE, Act::ReleaseLease)),
        ("other's resume", 10, act(BOB, Act::Resume)),
        ("other's request", 10, act(BOB, Act::RequestLease)),
        ("rewind tap", 10, act(ALICE, Act::RewindTap)),
        ("mark recovery", 10, act(ALICE, Act::MarkRecovery)),
        ("mark correction", 10, act(ALICE, Act::MarkCorrection)),
        ("proposal", 10, Event::Proposed { epoch: Epoch(u64::MAX) }),
        ("policy fault", 10, Event::PolicyFaulted),
        ("policy far", 10, far),
        ("help needed", 10, Event::HelpNeeded),
        ("robot seen", 10, Event::RobotSeen),
        ("driver tripped", 10, Event::DriverTripped),
        ("rewind exhausted", 10, Event::RewindEnded(RewindEnd::Exhausted)),
        ("rewind at gripper", 10, Event::RewindEnded(RewindEnd::AtGripper)),
        ("rewind blocked", 10, Event::RewindEnded(RewindEnd::Blocked)),
        ("rewind arrived", 10, Event::RewindEnded(RewindEnd::Arrived)),
        ("rewind contact", 10, Event::RewindEnded(RewindEnd::Contact)),
        ("rewind limited", 10, Event::RewindEnded(RewindEnd::Limited)),
        ("episode opened", 10, Event::EpisodeOpened),
        ("episode closed", 10, Event::EpisodeClosed),
        ("scene restored", 10, Event::Restored),
        ("nothing, 10 ms", 10, Event::Elapsed),
        ("nothing, 150 ms", 150, Event::Elapsed),
        ("nothing, 250 ms", 250, Event::Elapsed),
    ]
}

fn cell(before: &State, outcome: &Outcome) -> String {
    let letter = |index: usize| match outcome.state.group(index).owner {
        Owner::Policy { .. } => 'P',
        Owner::Human => 'H',
        Owner::Shared { .. } => 'S',
        Owner::Rewind => 'R',
        Owner::Hold => '-',
    };
    let cause = |index: usize| outcome.state.group(index).cause;
    let mut text = format!("{}{}", letter(ARM), letter(GRIPPER));
    if cause(ARM) != before.group(ARM).cause || cause(GRIPPER) != before.group(GRIPPER).cause {
        text += &format!(
            " {:?}",
            if cause(ARM) == before.group(ARM).cause { cause(GRIPPER) } else { cause(ARM) }
        );
    }
    let raised = outcome.state.epoch().0 - before.epoch().0;
    if raised > 0 {
        text += &format!(" +{raised}");
    }
    if outcome.state.stopped() {
        text += " STOP";
    }
    if outcome.state.stage() != before.stage() {
        text += &format!(" → {:?}", outcome.state.stage());
    }
    if outcome.state.operator() != before.operator() {
        text += match outcome.state.operator() {
            Some(ALICE) => " lease: own",
            Some(_) => " lease: other's",
            None => " lease: nobody's",
        };
    }
    outcome.refusal.map_or(text.clone(), |refusal| format!("{text} ({refusal:?})"))
}

fn table() -> String {
    let config = config();
    let states = states(&config);
    let mut text = String::from(
        "Owner of arm and gripper (P policy, H human, S shared, R rewind, - hold) after each event in each state; then the\n\
         cause if it changed, +n if the epoch rose, STOP while latched, the stage and the lease if they changed, and in brackets why the event was refused.\n\n| event |",
    );
    states.iter().for_each(|(name, _)| text += &format!(" {name} |"));
    text += &format!("\n|---|{}\n", "---|".repeat(states.len()));
    for (name, millis, event) in events() {
        text += &format!("| {name} |");
        for (_, before) in &states {
            let proposal = matches!(event, Event::Proposed { .. });
            let event = if proposal { Event::Proposed { epoch: before.epoch() } } else { event };
            text += &format!(" {} |", cell(before, &step(&config, *before, event, at(millis))));
        }
        text += "\n";
    }
    text
}

/// To accept a change: `RETAKE_BLESS=1 cargo test -p retake-authority`, and review the difference like code.
#[test]
fn every_state_and_event_is_as_reviewed() {
    let table = table();
    if std::env::var_os("RETAKE_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/authority.golden.md"), &table).unwrap();
        return;
    }
    assert_eq!(table, GOLDEN);
}
