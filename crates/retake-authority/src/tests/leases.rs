//! Two operators, one robot.

use super::*;

/// Alice holds the lease and the policy drives; everyone is heard every 50 ms from `from` to `to`, and Bob, too.
fn wait(config: &Config, mut state: State, from: u64, to: u64, bob: bool) -> State {
    for millis in (from..=to).step_by(50) {
        let mut events = std::vec![Event::RobotSeen, input(ALICE, false, false)];
        if bob {
            events.push(input(BOB, false, false));
        }
        events.push(Event::Proposed { epoch: state.epoch() });
        state = run(config, state, at(millis), &events).state;
    }
    state
}

fn by_policy(config: &Config) -> State {
    run(config, ready(config, at(0)), at(0), &[act(ALICE, Act::Resume)]).state
}

fn requested(config: &Config) -> State {
    run(config, by_policy(config), at(0), &[act(BOB, Act::RequestLease)]).state
}

#[test]
fn who_asks_first_gets_a_lease_that_nobody_holds() {
    let config = config();
    let state = step(&config, State::new(Epoch(0)), act(BOB, Act::RequestLease), at(0)).state;
    assert_eq!((state.operator(), state.requested_by()), (Some(BOB), None));
    assert_eq!(deadline(&config, &state), Some(at(100)));
}

#[test]
fn asking_changes_nothing_until_the_holder_lets_go() {
    let config = config();
    let state = requested(&config);
    assert_eq!((state.operator(), state.requested_by()), (Some(ALICE), Some(BOB)));
    assert_eq!(
        step(&config, state, act(OperatorId(3), Act::RequestLease), at(1)).refusal,
        Some(Refusal::AlreadyRequested)
    );
    assert_eq!(step(&config, state, act(BOB, Act::RequestLease), at(1)).refusal, None);
    assert_eq!(step(&config, state, act(ALICE, Act::RequestLease), at(1)).state, state);
    assert_eq!(step(&config, state, input(BOB, true, false), at(1)).refusal, Some(Refusal::Busy));
    let passed = step(&config, state, act(ALICE, Act::ReleaseLease), at(1)).state;
    assert_eq!((passed.operator(), passed.requested_by()), (Some(BOB), None));
    assert!(
        matches!(owners(&passed)[ARM], Owner::Policy { .. }),
        "the policy drives on under the other's eyes"
    );
    assert!(passed.epoch() > state.epoch());
}

#[test]
fn an_idle_holder_loses_the_lease_to_who_asked_and_an_active_one_does_not() {
    let config = config();
    let idle = wait(&config, requested(&config), 50, 950, true);
    assert_eq!(idle.operator(), Some(ALICE));
    let due = deadline(&config, &State { policy_until: at(9999), ..idle });
    assert_eq!(due, Some(at(1000)));
    let passed = step(&config, idle, Event::Elapsed, at(1000)).state;
    assert_eq!(passed.operator(), Some(BOB));
    for act_of in [act(ALICE, Act::Pause), act(ALICE, Act::MarkRecovery)] {
        let active = step(&config, idle, act_of, at(960)).state;
        assert_eq!(
            step(&config, active, Event::Elapsed, at(1000)).state.operator(),
            Some(ALICE),
            "{act_of:?}"
        );
    }
    let driving = run(&config, idle, at(960), &[input(ALICE, true, false)]).state;
    assert_eq!(step(&config, driving, Event::Elapsed, at(1000)).state.operator(), Some(ALICE));
    let refused = step(&config, idle, act(BOB, Act::Pause), at(960)).state;
    assert_eq!(
        step(&config, refused, Event::Elapsed, at(1000)).state.operator(),
        Some(BOB),
        "another's act is not hers"
    );
}

#[test]
fn whoever_asked_and_left_gets_nothing() {
    let config = config();
    let gone = wait(&config, requested(&config), 50, 150, false);
    assert_eq!((gone.operator(), gone.requested_by()), (Some(ALICE), None));
    let there = wait(&config, requested(&config), 50, 150, true);
    assert_eq!(there.requested_by(), Some(BOB));
}

#[test]
fn a_lost_holder_hands_to_who_asked_without_a_gap() {
    let config = Config { supervision: Supervision::Required, ..config() };
    let state = run(&config, requested(&config), at(90), &[input(BOB, true, false), Event::RobotSeen]).state;
    let lost = step(&config, state, Event::Elapsed, at(100)).state;
    assert_eq!(lost.operator(), Some(BOB));
    assert!(matches!(owners(&lost)[ARM], Owner::Policy { .. }));
    let pressed = step(&config, lost, input(BOB, true, false), at(101)).state;
    assert!(pressed.needs_release(), "no button that was down before counts");
    assert!(matches!(owners(&pressed)[ARM], Owner::Policy { .. }));
}

#[test]
fn a_holder_who_drives_and_is_lost_leaves_the_robot_on_hold() {
    let config = config();
    let events = [input(ALICE, true, false), act(BOB, Act::RequestLease)];
    let state = run(&config, by_policy(&config), at(0), &events).state;
    let state = run(&config, state, at(90), &[input(BOB, false, false), Event::RobotSeen]).state;
    let lost = step(&config, state, Event::Elapsed, at(100)).state;
    assert_eq!(
        (owners(&lost)[ARM], lost.group(ARM).cause, lost.operator()),
        (Owner::Hold, Cause::OperatorLost, Some(BOB))
    );
}

#[test]
fn a_device_that_is_read_badly_is_no_sign_of_life() {
    let config = config();
    let mut state = requested(&config);
    for millis in (50..=950).step_by(50) {
        let events = [Event::RobotSeen, unplugged(), input(BOB, false, false)];
        state = run(&config, state, at(millis), &events).state;
    }
    assert_eq!(state.operator(), Some(ALICE));
    assert_eq!(step(&config, state, Event::Elapsed, at(1000)).state.operator(), Some(BOB));
}

/// Otherwise a word that was long on its way would keep the robot going for that much longer than the operator is there.
#[test]
fn a_lease_ends_a_timeout_after_the_operator_may_have_fallen_silent() {
    let config = config();
    let aged = |millis| Event::Input {
        operator: ALICE,
        age: Duration::from_millis(millis),
        clutch: GroupSet::NONE,
        drive: Drive::Direct,
        rewind: false,
        valid: true,
    };
    let ends = |events: &[Event]| {
        let state = run(&config, State::new(Epoch(0)), at(500), events).state;
        (state.operator(), deadline(&config, &state))
    };
    assert_eq!(ends(&[aged(0)]), (Some(ALICE), Some(at(600))));
    assert_eq!(ends(&[aged(70)]), (Some(ALICE), Some(at(530))));
    assert_eq!(ends(&[aged(20), aged(70)]), (Some(ALICE), Some(at(530))));
    assert_eq!(ends(&[aged(70), aged(20)]), (Some(ALICE), Some(at(580))));
    assert_eq!(ends(&[aged(100)]), (None, None));
    let late = step(&config, State::new(Epoch(0)), aged(100), at(500));
    assert_eq!((late.refusal, late.changed), (Some(Refusal::Late), GroupSet::NONE));
}
