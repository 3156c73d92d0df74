//! The rules, one by one, as an operator would tell them.

use super::*;

fn driving(config: &Config) -> State {
    run(config, ready(config, at(0)), at(0), &[input(ALICE, true, false)]).state
}

fn by_policy(config: &Config) -> State {
    run(config, ready(config, at(0)), at(0), &[act(ALICE, Act::Resume)]).state
}

#[test]
fn a_restart_owns_nothing() {
    let state = State::new(Epoch(41));
    assert_eq!(owners(&state), [Owner::Hold, Owner::Hold]);
    assert_eq!((state.epoch(), state.operator()), (Epoch(41), None));
}

#[test]
fn the_clutch_takes_over_from_the_policy_at_once() {
    let config = config();
    let outcome = step(&config, by_policy(&config), input(ALICE, true, false), at(1));
    assert_eq!(owners(&outcome.state), [Owner::Human, Owner::Human]);
    assert_eq!(outcome.changed, GroupSet::first(2));
}

#[test]
fn letting_go_holds_and_never_resumes_the_policy() {
    let config = config();
    let outcome = step(&config, driving(&config), input(ALICE, false, false), at(1));
    assert_eq!(owners(&outcome.state), [Owner::Hold, Owner::Hold]);
    assert_eq!(outcome.state.group(ARM).cause, Cause::ClutchReleased);
}

#[test]
fn the_clutch_takes_only_the_groups_it_names() {
    let config = config();
    let arm = GroupSet::NONE.with(ARM);
    let state = step(&config, by_policy(&config), clutch(arm, Drive::Direct), at(1)).state;
    assert!(matches!(owners(&state)[..], [Owner::Human, Owner::Policy { .. }]));
    assert!(state.group(ARM).epoch > state.group(GRIPPER).epoch);
}

#[test]
fn an_operator_lost_while_driving_must_let_go_before_driving_again() {
    let config = config();
    let state = step(&config, driving(&config), Event::RobotSeen, at(99)).state;
    assert_eq!(owners(&state), [Owner::Human, Owner::Human]);
    let state = step(&config, state, Event::Elapsed, at(100)).state;
    assert_eq!(owners(&state), [Owner::Hold, Owner::Hold]);
    assert_eq!(state.group(ARM).cause, Cause::OperatorLost);
    let back = step(&config, state, input(ALICE, true, false), at(110)).state;
    assert!(back.needs_release() && owners(&back) == [Owner::Hold, Owner::Hold]);
    let pressed = run(&config, back, at(120), &[input(ALICE, false, false), input(ALICE, true, false)]).state;
    assert_eq!(owners(&pressed), [Owner::Human, Owner::Human]);
}

#[test]
fn a_late_message_cannot_renew_a_lease_that_is_over() {
    let config = config();
    let outcome = step(&config, driving(&config), input(ALICE, true, false), at(100));
    assert_eq!(owners(&outcome.state), [Owner::Hold, Owner::Hold]);
    let state = step(&config, by_policy(&config), Event::RobotSeen, at(199)).state;
    let state = step(&config, state, Event::RobotSeen, at(398)).state;
    let late = step(&config, state, Event::Proposed { epoch: state.epoch() }, at(500)).state;
    assert_eq!(late.group(ARM).cause, Cause::PolicyStale);
}

#[test]
fn an_unplugged_device_holds_while_its_operator_is_still_heard() {
    let config = config();
    let state = step(&config, driving(&config), unplugged(), at(1)).state;
    assert_eq!((owners(&state)[ARM], state.operator()), (Owner::Hold, Some(ALICE)));
    assert!(state.needs_release());
}

#[test]
fn stop_by_anyone_latches_and_clearing_it_moves_nothing() {
    let config = config();
    let stopped = step(&config, by_policy(&config), act(BOB, Act::Stop), at(1)).state;
    assert!(stopped.stopped() && owners(&stopped) == [Owner::Hold, Owner::Hold]);
    assert_eq!(step(&config, stopped, input(ALICE, true, false), at(2)).refusal, Some(Refusal::Stopped));
    assert_eq!(step(&config, stopped, act(ALICE, Act::Resume), at(2)).refusal, Some(Refusal::Stopped));
    assert_eq!(step(&config, stopped, act(BOB, Act::ClearStop), at(2)).refusal, Some(Refusal::Busy));
    let cleared = step(&config, stopped, act(ALICE, Act::ClearStop), at(3)).state;
    assert!(!cleared.stopped() && owners(&cleared) == [Owner::Hold, Owner::Hold]);
}

#[test]
fn a_second_operator_is_refused_until_the_first_is_gone() {
    let config = config();
    let state = driving(&config);
    assert_eq!(step(&config, state, input(BOB, true, false), at(1)).refusal, Some(Refusal::Busy));
    assert_eq!(step(&config, state, act(BOB, Act::Resume), at(1)).refusal, Some(Refusal::Busy));
    assert_eq!(
        step(&config, state, input(BOB, false, false), at(1)).refusal,
        None,
        "watching is no reaching"
    );
    let free = step(&config, state, act(ALICE, Act::ReleaseLease), at(2)).state;
    assert_eq!(owners(&free), [Owner::Hold, Owner::Hold]);
    assert_eq!(step(&config, free, input(BOB, false, false), at(3)).state.operator(), Some(BOB));
}

#[test]
fn rewind_takes_every_group_and_release_holds() {
    let config = config();
    let state = step(&config, by_policy(&config), input(ALICE, false, true), at(1)).state;
    assert_eq!(owners(&state), [Owner::Rewind, Owner::Rewind]);
    let state = step(&config, state, input(ALICE, false, false), at(2)).state;
    assert_eq!((owners(&state)[ARM], state.group(ARM).cause), (Owner::Hold, Cause::RewindReleased));
}

#[test]
fn a_rewind_that_ends_needs_a_new_press() {
    let config = config();
    for (end, cause) in [
        (RewindEnd::Exhausted, Cause::RewindExhausted),
        (RewindEnd::AtGripper, Cause::RewindAtGripper),
        (RewindEnd::Blocked, Cause::RewindBlocked),
        (RewindEnd::Arrived, Cause::RewindArrived),
        (RewindEnd::Contact, Cause::RewindContact),
        (RewindEnd::Limited, Cause::RewindLimited),
    ] {
        let events = [input(ALICE, false, true), Event::RewindEnded(end), input(ALICE, false, true)];
        let state = run(&config, by_policy(&config), at(1), &events).state;
        assert_eq!((owners(&state)[ARM], state.group(ARM).cause), (Owner::Hold, cause));
    }
}

#[test]
fn pressing_the_clutch_while_rewinding_drives_and_the_reverse() {
    let config = config();
    let state =
        run(&config, ready(&config, at(0)), at(1), &[input(ALICE, false, true), input(ALICE, true, true)])
            .state;
    assert_eq!(owners(&state), [Owner::Human, Owner::Human]);
    let state =
        run(&config, ready(&config, at(0)), at(1), &[input(ALICE, true, false), input(ALICE, true, true)])
            .state;
    assert_eq!(owners(&state), [Owner::Rewind, Owner::Rewind]);
    let state = step(&config, state, input(ALICE, true, false), at(2)).state;
    assert_eq!(owners(&state), [Owner::Hold, Owner::Hold], "the clutch still down does not count");
}

#[test]
fn a_proposal_of_an_older_epoch_renews_nothing() {
    let config = config();
    let state = by_policy(&config);
    let old = Epoch(state.group(ARM).epoch.0 - 1);
    assert_eq!(step(&config, state, Event::Proposed { epoch: old }, at(50)).state.groups, state.groups);
    let current = step(&config, state, Event::Proposed { epoch: state.epoch() }, at(50)).state;
    assert_eq!(current.group(ARM).owner, Owner::Policy { until: at(550) });
}

#[test]
fn a_policy_that_is_silent_or_faulty_does_not_drive() {
    let config = config();
    let faulty = step(&config, by_policy(&config), Event::PolicyFaulted, at(1)).state;
    assert_eq!(faulty.group(ARM).cause, Cause::PolicyFault);
    let silent =
        run(&config, ready(&config, at(0)), at(600), &[Event::RobotSeen, input(ALICE, false, false)]).state;
    assert_eq!(step(&config, silent, act(ALICE, Act::Resume), at(600)).refusal, Some(Refusal::PolicySilent));
}

#[test]
fn supervision_decides_whether_the_policy_drives_alone() {
    let optional = config();
    let required = Config { supervision: Supervision::Required, ..optional };
    for (config, expected) in [(optional, Cause::Resumed), (required, Cause::OperatorLost)] {
        let state = step(&config, by_policy(&config), Event::RobotSeen, at(90)).state;
        assert_eq!(step(&config, state, Event::Elapsed, at(100)).state.group(ARM).cause, expected);
    }
}

#[test]
fn nothing_drives_without_a_robot_or_an_episode() {
    let config = config();
    let lost = step(&config, by_policy(&config), Event::Elapsed, at(200)).state;
    assert_eq!(lost.group(ARM).cause, Cause::RobotLost);
    let closed = step(&config, by_policy(&config), Event::EpisodeClosed, at(1)).state;
    assert_eq!(step(&config, closed, input(ALICE, true, false), at(2)).refusal, Some(Refusal::NoEpisode));
    let tripped = step(&config, by_policy(&config), Event::DriverTripped, at(1)).state;
    assert_eq!(tripped.group(ARM).cause, Cause::DriverTripped);
    assert!(tripped.epoch() > by_policy(&config).epoch());
}

#[test]
fn each_group_has_a_clutch_of_its_own() {
    let config = config();
    let (arm, gripper) = (GroupSet::NONE.with(ARM), GroupSet::NONE.with(GRIPPER));
    let press = |state, groups| step(&config, state, clutch(groups, Drive::Direct), at(1)).state;
    let state = press(by_policy(&config), arm);
    let both = press(state, GroupSet::first(2));
    assert_eq!(owners(&both), [Owner::Human, Owner::Human]);
    assert_eq!(both.group(ARM).epoch, state.group(ARM).epoch, "the arm did not change hands");
    let state = press(both, gripper);
    assert_eq!(owners(&state), [Owner::Hold, Owner::Human], "only the arm was let go");
    assert_eq!(owners(&press(state, GroupSet::NONE)), [Owner::Hold, Owner::Hold]);
}

#[test]
fn what_was_taken_away_must_be_let_go_group_by_group() {
    let config = config();
    let shared = clutch(GroupSet::first(2), Drive::Residual);
    let far = Event::PolicyFar { groups: GroupSet::NONE.with(ARM) };
    let state = run(&config, by_policy(&config), at(1), &[shared, far, shared]).state;
    assert!(matches!(owners(&state)[..], [Owner::Hold, Owner::Shared { .. }]));
    assert!(state.needs_release());
}

#[test]
fn a_shared_group_needs_both_and_holds_when_either_is_gone() {
    let config = config();
    let shared = step(&config, by_policy(&config), clutch(GroupSet::first(2), Drive::Residual), at(1)).state;
    assert_eq!(owners(&shared)[ARM], Owner::Shared { until: at(500) });
    let renewed = step(&config, shared, Event::Proposed { epoch: shared.epoch() }, at(50)).state;
    assert_eq!(owners(&renewed)[ARM], Owner::Shared { until: at(550) });
    for (event, now, cause) in [
        (input(ALICE, false, false), 60, Cause::ClutchReleased),
        (Event::PolicyFaulted, 60, Cause::PolicyFault),
        (Event::HelpNeeded, 60, Cause::HelpNeeded),
        (act(ALICE, Act::Pause), 60, Cause::Paused),
        (unplugged(), 60, Cause::OperatorLost),
        (Event::Elapsed, 101, Cause::OperatorLost),
    ] {
        let state = step(&config, renewed, event, at(now)).state;
        assert_eq!((owners(&state)[ARM], state.group(ARM).cause), (Owner::Hold, cause), "{event:?}");
    }
    let heard = run(&config, shared, at(499), &[Event::RobotSeen]);
    assert_eq!(heard.state.group(ARM).owner, Owner::Hold, "the robot was silent for too long");
}

#[test]
fn a_shared_group_is_stale_with_its_policy() {
    let config = config();
    let shared = clutch(GroupSet::first(2), Drive::Residual);
    let mut state = step(&config, by_policy(&config), shared, at(1)).state;
    for millis in (50..=500).step_by(50) {
        state = run(&config, state, at(millis), &[shared, Event::RobotSeen]).state;
    }
    assert_eq!(state.group(ARM).cause, Cause::PolicyStale);
}

#[test]
fn there_is_nothing_to_share_where_the_policy_does_not_drive() {
    let config = config();
    let press = clutch(GroupSet::first(2), Drive::Residual);
    let refused = step(&config, ready(&config, at(0)), press, at(1));
    assert_eq!(refused.refusal, Some(Refusal::NothingToShare));
    assert!(refused.state.needs_release());
    let arm_held =
        step(&config, by_policy(&config), Event::PolicyFar { groups: GroupSet::NONE.with(ARM) }, at(1));
    let part = step(&config, arm_held.state, press, at(2)).state;
    assert!(
        matches!(owners(&part)[..], [Owner::Hold, Owner::Shared { .. }]),
        "the policy is not started by it"
    );
}

#[test]
fn only_the_groups_where_the_policy_is_far_are_taken_from_it() {
    let config = config();
    let far = Event::PolicyFar { groups: GroupSet::NONE.with(ARM) };
    let state = step(&config, by_policy(&config), far, at(1)).state;
    assert!(matches!(owners(&state)[..], [Owner::Hold, Owner::Policy { .. }]));
    assert_eq!(state.group(ARM).cause, Cause::PolicyFar);
    assert_eq!(
        step(&config, driving(&config), far, at(1)).changed,
        GroupSet::NONE,
        "a human is not the policy"
    );
}

#[test]
fn a_tap_rewinds_for_a_bounded_time_without_the_button() {
    let config = config();
    let tapped =
        run(&config, by_policy(&config), at(1), &[act(ALICE, Act::RewindTap), input(ALICE, false, false)])
            .state;
    assert_eq!((owners(&tapped)[ARM], tapped.rewind_tapped()), (Owner::Rewind, true));
    let alive = |now| run(&config, tapped, at(now), &[input(ALICE, false, false), Event::RobotSeen]).state;
    assert_eq!(deadline(&config, &alive(90)), Some(at(190)));
    let late = run(&config, alive(90), at(180), &[input(ALICE, false, false), Event::RobotSeen]).state;
    let late = run(&config, late, at(270), &[input(ALICE, false, false), Event::RobotSeen]).state;
    assert_eq!((owners(&late)[ARM], deadline(&config, &late)), (Owner::Rewind, Some(at(301))));
    let over = step(&config, late, Event::Elapsed, at(301)).state;
    assert_eq!((owners(&over)[ARM], over.group(ARM).cause), (Owner::Hold, Cause::RewindReleased));
    for (end, cause) in [
        (act(ALICE, Act::Pause), Cause::Paused),
        (act(BOB, Act::Stop), Cause::Stopped),
        (Event::RewindEnded(RewindEnd::Arrived), Cause::RewindArrived),
    ] {
        let state = step(&config, tapped, end, at(5)).state;
        assert_eq!(
            (owners(&state)[ARM], state.group(ARM).cause, state.rewind_tapped()),
            (Owner::Hold, cause, false)
        );
    }
    let lost = step(&config, tapped, Event::Elapsed, at(101)).state;
    assert_eq!(lost.group(ARM).cause, Cause::OperatorLost);
    let driven = step(&config, tapped, input(ALICE, true, false), at(5)).state;
    assert_eq!((owners(&driven)[ARM], driven.rewind_tapped()), (Owner::Human, false));
}

#[test]
fn a_tap_needs_the_hand_off_the_clutch_and_the_same_right_as_the_button() {
    let config = config();
    let tap = |state| step(&config, state, act(ALICE, Act::RewindTap), at(1)).refusal;
    assert_eq!(tap(driving(&config)), Some(Refusal::ClutchHeld));
    assert_eq!(tap(State::new(Epoch(0))), Some(Refusal::Busy));
    let stopped = step(&config, by_policy(&config), act(BOB, Act::Stop), at(1)).state;
    assert_eq!(tap(stopped), Some(Refusal::Stopped));
    let lost = step(&config, by_policy(&config), unplugged(), at(1)).state;
    assert_eq!(tap(lost), Some(Refusal::DeviceLost), "found by a random walk");
}

#[test]
fn help_needed_takes_the_policys_groups_and_no_others() {
    let config = config();
    let state = step(&config, by_policy(&config), Event::HelpNeeded, at(1)).state;
    assert_eq!((owners(&state)[ARM], state.group(ARM).cause), (Owner::Hold, Cause::HelpNeeded));
    assert_eq!(step(&config, driving(&config), Event::HelpNeeded, at(1)).changed, GroupSet::NONE);
    let resumed = step(&config, state, act(ALICE, Act::Resume), at(2)).state;
    assert!(matches!(owners(&resumed)[ARM], Owner::Policy { .. }), "the operator decides");
}

#[test]
fn a_scene_put_back_is_driven_by_nobody() {
    let config = config();
    let state = step(&config, by_policy(&config), Event::Restored, at(1)).state;
    assert_eq!((owners(&state)[ARM], state.group(ARM).cause), (Owner::Hold, Cause::Restored));
}

#[test]
fn nothing_expires_before_the_deadline() {
    let config = config();
    let state = run(&config, ready(&config, at(0)), at(0), &[act(ALICE, Act::Resume)]).state;
    let due = deadline(&config, &state).unwrap();
    let just_before = MonoTime::from_nanos(due.nanos() - 1);
    assert_eq!(step(&config, state, Event::Elapsed, just_before).state, state);
    assert_ne!(step(&config, state, Event::Elapsed, due).state, state);
}

#[test]
fn a_refused_press_does_not_lift_the_limit_of_a_tapped_rewind() {
    // Found by a random walk: the rewind went on without any button until its path ended.
    let config = config();
    let tapped = run(&config, by_policy(&config), at(1), &[act(ALICE, Act::RewindTap)]).state;
    let both = Event::Input {
        operator: ALICE,
        age: Duration::ZERO,
        clutch: GroupSet::first(2),
        drive: Drive::Residual,
        rewind: true,
        valid: true,
    };
    let refused = run(&config, tapped, at(2), &[input(ALICE, false, false), both]);
    assert_eq!(refused.refusal, Some(Refusal::NothingToShare));
    assert_eq!((owners(&refused.state)[ARM], refused.state.rewind_tapped()), (Owner::Rewind, true));
    let mut state = refused.state;
    for millis in (50..=300).step_by(50) {
        state = run(&config, state, at(millis), &[input(ALICE, false, false), Event::RobotSeen]).state;
    }
    assert_eq!(owners(&step(&config, state, Event::Elapsed, at(301)).state)[ARM], Owner::Hold);
}

#[test]
fn each_shared_group_keeps_the_lease_that_the_policy_has_on_it() {
    // Found by a random walk: the gripper's lease became as long as the arm's, without a proposal.
    let config = config();
    let far = Event::PolicyFar { groups: GroupSet::NONE.with(GRIPPER) };
    let held = run(&config, by_policy(&config), at(10), &[far]).state;
    let both = run(&config, held, at(20), &[act(ALICE, Act::Resume)]).state;
    let old = Event::Proposed { epoch: both.group(ARM).epoch };
    let events = [old, clutch(GroupSet::first(2), Drive::Residual)];
    let shared = run(&config, both, at(90), &events).state;
    assert_eq!(owners(&shared), [Owner::Shared { until: at(590) }, Owner::Shared { until: at(520) }]);
}

#[test]
fn a_supervised_policy_stops_at_once_when_its_supervisor_leaves() {
    // Found by a random walk: it drove on until somebody looked at the clock.
    let config = Config { supervision: Supervision::Required, ..config() };
    let left = step(&config, by_policy(&config), act(ALICE, Act::ReleaseLease), at(1)).state;
    assert_eq!((owners(&left)[ARM], left.group(ARM).cause), (Owner::Hold, Cause::OperatorLost));
}
