//! Random walks beside a plain account of what the operator, policy and robot really did.

use std::eprintln;

use super::*;

/// SplitMix64: a walk is named by its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }

    fn event(&mut self, epoch: Epoch) -> Event {
        let operator = if self.below(6) == 0 { BOB } else { ALICE };
        match self.below(24) {
            0..=8 => Event::Input {
                operator,
                clutch: [
                    GroupSet::NONE,
                    GroupSet::NONE,
                    GroupSet::first(2),
                    GroupSet::NONE.with(ARM),
                    GroupSet::NONE.with(GRIPPER),
                ][usize::try_from(self.below(5)).unwrap()],
                drive: if self.below(3) == 0 { Drive::Residual } else { Drive::Direct },
                rewind: self.below(4) == 0,
                valid: self.below(20) != 0,
            },
            9..=10 => act(operator, Act::Resume),
            11 => act(operator, Act::Pause),
            12 => act(operator, if self.below(4) == 0 { Act::Stop } else { Act::ClearStop }),
            13 => act(operator, Act::ClearStop),
            14 if self.below(4) == 0 => act(operator, Act::ReleaseLease),
            14 => act(
                operator,
                [Act::RequestLease, Act::RewindTap, Act::MarkRecovery, Act::MarkCorrection]
                    [usize::try_from(self.below(4)).unwrap()],
            ),
            15..=16 => Event::Proposed { epoch: Epoch(epoch.0.saturating_sub(self.below(3))) },
            17 if self.below(4) == 0 => Event::PolicyFaulted,
            17 if self.below(4) == 0 => Event::HelpNeeded,
            17 if self.below(4) == 0 => Event::PolicyFar { groups: GroupSet::NONE.with(ARM) },
            18 if self.below(4) == 0 => Event::DriverTripped,
            18 if self.below(8) == 0 => Event::Restored,
            19 => Event::RewindEnded(RewindEnd::Exhausted),
            20 => Event::EpisodeOpened,
            21 if self.below(6) == 0 => Event::EpisodeClosed,
            22 => Event::Elapsed,
            _ => Event::RobotSeen,
        }
    }
}

/// What was really said, and when: kept without looking at the state machine.
#[derive(Default)]
struct Account {
    input: [Option<(MonoTime, Event)>; 2],
    robot: Option<MonoTime>,
    proposal: Option<MonoTime>,
    tapped: Option<MonoTime>,
    stopped: bool,
}

impl Account {
    fn write(&mut self, event: Event, refused: bool, now: MonoTime) {
        match event {
            Event::Input { operator, .. } => self.input[usize::from(operator == BOB)] = Some((now, event)),
            Event::RobotSeen => self.robot = Some(now),
            Event::Proposed { .. } => self.proposal = Some(now),
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
            | Event::EpisodeOpened
            | Event::EpisodeClosed
            | Event::Elapsed => {}
        }
    }

    fn within(now: MonoTime, then: Option<MonoTime>, span: Duration) -> bool {
        then.is_some_and(|then| now < then + span)
    }
}

fn check(config: &Config, account: &Account, before: &State, event: Event, outcome: &Outcome, now: MonoTime) {
    let state = &outcome.state;
    assert!(state.epoch() >= before.epoch(), "the epoch fell");
    assert!(
        outcome.changed.is_empty() || state.epoch() > before.epoch(),
        "an owner changed without a new epoch"
    );
    assert_eq!(state.stopped(), account.stopped, "stop latches until it is cleared");
    for index in [ARM, GRIPPER] {
        let (was, group) = (before.group(index), state.group(index));
        assert!(group.epoch <= state.epoch());
        match group.owner {
            Owner::Hold => continue,
            Owner::Policy { until } => {
                let resumed = matches!(event, Event::Act { act: Act::Resume, .. });
                assert!(
                    resumed || matches!(was.owner, Owner::Policy { .. }),
                    "only a resume gives to the policy"
                );
                assert!(now < until, "the policy drives at the end of its lease");
                assert!(
                    Account::within(now, account.proposal, config.policy_timeout * 2),
                    "a silent policy drives"
                );
            }
            Owner::Human | Owner::Shared { .. } | Owner::Rewind => {
                let operator = state.operator().expect("somebody holds the lease");
                let (heard, input) =
                    account.input[usize::from(operator == BOB)].expect("the operator was heard");
                assert!(now < heard + config.operator_timeout, "a silent operator drives");
                let Event::Input { clutch, rewind, valid, .. } = input else { unreachable!() };
                assert!(valid, "an unplugged device drives");
                let tapped = Account::within(now, account.tapped, config.tap_limit);
                let down =
                    if group.owner == Owner::Rewind { rewind || tapped } else { clutch.contains(index) };
                assert!(down, "the button is up");
                if let Owner::Shared { until } = group.owner {
                    assert!(now < until, "a silent policy shares");
                    let joined = matches!(event, Event::Input { drive: Drive::Residual, .. });
                    let policy = matches!(was.owner, Owner::Policy { .. });
                    assert!(
                        matches!(was.owner, Owner::Shared { .. }) || (joined && policy),
                        "sharing starts no policy"
                    );
                }
            }
        }
        assert!(!account.stopped, "something drives while stopped");
        assert!(Account::within(now, account.robot, config.robot_timeout), "something drives a silent robot");
        assert!(state.episode_open, "something drives outside an episode");
    }
}

fn walk(seed: u64, steps: u32) -> [u32; 4] {
    let config = config();
    let (mut random, mut account) = (Random(seed), Account::default());
    let (mut state, mut now, mut driven) = (State::new(Epoch(0)), at(0), [0; 4]);
    for _ in 0..steps {
        now = now
            + Duration::from_millis(if random.below(40) == 0 { random.below(600) } else { random.below(12) });
        if let Some(due) = deadline(&config, &state).filter(|due| *due <= now) {
            state = step(&config, state, Event::Elapsed, due).state;
        }
        let event = random.event(state.epoch());
        let outcome = step(&config, state, event, now);
        account.write(event, outcome.refusal.is_some(), now);
        check(&config, &account, &state, event, &outcome, now);
        state = outcome.state;
        match state.group(ARM).owner {
            Owner::Policy { .. } => driven[0] += 1,
            Owner::Human => driven[1] += 1,
            Owner::Rewind => driven[2] += 1,
            Owner::Shared { .. } => driven[3] += 1,
            Owner::Hold => {}
        }
    }
    driven
}

#[test]
fn no_walk_breaks_an_invariant() {
    let mut driven = [0; 4];
    for seed in 0..100 {
        let walked = std::panic::catch_unwind(|| walk(seed, 1_000)).unwrap_or_else(|panic| {
            eprintln!("the walk with seed {seed} failed");
            std::panic::resume_unwind(panic)
        });
        driven.iter_mut().zip(walked).for_each(|(sum, n)| *sum += n);
    }
    assert!(driven.iter().all(|n| *n > 500), "walks must reach every owner often: {driven:?}");
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
