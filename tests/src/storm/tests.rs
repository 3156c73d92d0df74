//! The judges of a storm, told of what must not happen: each must say so, and only then.

use std::time::Duration;

use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{
        Act, Applied, Beacon, Command, GroupTick, GroupValues, Header, Observation, OperatorInput, Outcome,
        Owner, Phase, Proposal, TickRecord,
    },
};

use super::{Judge, Truth, settings};

const PERIOD: u64 = 20;

fn at(millis: u64) -> MonoTime {
    MonoTime::from_nanos(millis * 1_000_000)
}

/// An arm and a gripper that nobody drives, each at these values.
fn tick(number: u64, owner: Owner, arm: f64) -> TickRecord {
    let group = |command: Vec<f64>| GroupTick { owner: owner.into(), command, ..GroupTick::default() };
    let at_nanos = i64::try_from(number * PERIOD * 1_000_000).unwrap();
    TickRecord {
        tick: number,
        at_nanos,
        epoch: 1,
        phase: Phase::Running.into(),
        groups: vec![group(vec![arm; 7]), group(vec![0.04])],
        ..TickRecord::default()
    }
}

fn command(number: u64, arm: f64, stop: bool) -> Command {
    let position = vec![
        GroupValues { values: vec![arm, arm, arm, -1.5, arm, 1.5, arm] },
        GroupValues { values: vec![0.04] },
    ];
    Command { tick: number, position, stop, ..Command::default() }
}

/// A node whose robot is heard all the time, and which says what `says` makes of each tick.
fn judged(
    ticks: u64,
    hears: &[(u64, Message)],
    says: impl Fn(u64) -> (TickRecord, Command),
) -> Option<String> {
    let mut truth = Truth::default();
    truth.begin(&settings(0));
    truth.said(at(0), &Beacon { nonce: 7, epoch: 1, ..Beacon::default() }.into());
    for number in 1..=ticks {
        let now = at(number * PERIOD);
        truth.said(now, &Beacon { nonce: 7 + number, epoch: 1, ..Beacon::default() }.into());
        truth.arrived(now, &Observation::default().into());
        for (_, message) in hears.iter().filter(|(when, _)| *when == number) {
            truth.arrived(now, message);
        }
        let (tick, command) = says(number);
        truth.said(now, &command.into());
        truth.said(now, &tick.into());
    }
    truth.wrong
}

fn input(number: u64, clutch: bool, acts: &[Act]) -> (u64, Message) {
    let header = Header { session: 3, seq: number, beacon: 7 + number, epoch: 1, ..Header::default() };
    let acts = acts.iter().map(|act| i32::from(*act)).collect();
    let input = OperatorInput {
        header: Some(header),
        operator: "ada".into(),
        clutch,
        valid: true,
        acts,
        ..OperatorInput::default()
    };
    (number, input.into())
}

fn must_say(wrong: Option<String>, words: &str) {
    let wrong = wrong.unwrap_or_else(|| panic!("nothing was said of: {words}"));
    assert!(wrong.contains(words), "{wrong}");
}

#[test]
fn what_nobody_drives_must_not_move_unless_the_driver_was_told_to_stop() {
    let still = |n: u64| (tick(n, Owner::Hold, 0.2), command(n, 0.2, false));
    assert_eq!(judged(60, &[], still), None);
    let creeps = |n: u64| {
        let arm = 0.2 + 1e-6 * n as f64;
        (tick(n, Owner::Hold, arm), command(n, arm, false))
    };
    must_say(judged(60, &[], creeps), "nobody drives it");
    // While it stops, the driver goes by its own place, and the node finds out where that is.
    let placed = |n: u64| {
        let arm = if n < 50 { 0.2 } else { 0.3 };
        (tick(n, Owner::Hold, arm), command(n, arm, n <= 50))
    };
    assert_eq!(judged(60, &[], placed), None);
    let jumps = |n: u64| {
        let arm = if n < 50 { 0.2 } else { 0.3 };
        (tick(n, Owner::Hold, arm), command(n, arm, n < 49))
    };
    must_say(judged(60, &[], jumps), "velocity");
}

#[test]
fn nobody_may_drive_without_the_right_to() {
    let human = |n: u64| (tick(n, Owner::Human, 0.2), command(n, 0.2, false));
    let held: Vec<_> = (1..=60).map(|n| input(n, true, &[])).collect();
    assert_eq!(judged(60, &held, human), None);
    must_say(judged(60, &held[..40], human), "nobody's hand is on the clutch");
    let open: Vec<_> = (1..=60).map(|n| input(n, n < 40, &[])).collect();
    must_say(judged(60, &open, human), "nobody's hand is on the clutch");
    let stopped: Vec<_> =
        (1..=60).map(|n| input(n, true, if n == 30 { &[Act::Stop] } else { &[] })).collect();
    must_say(judged(60, &stopped, human), "it was told to stop");
    let rewind = |n: u64| (tick(n, Owner::Rewind, 0.2), command(n, 0.2, false));
    must_say(judged(2, &held, rewind), "nobody's hand is on rewind");
    // Said again, the first press proves nothing.
    let stale: Vec<_> = (1..=60).map(|n| (n, held[0].1.clone())).collect();
    must_say(judged(60, &stale, human), "nobody's hand is on the clutch");
}

#[test]
fn the_policy_needs_a_word_from_the_operator_and_one_of_its_own() {
    let policy = |n: u64| (tick(n, Owner::Policy, 0.2), command(n, 0.2, false));
    let speaks = |ticks| (1..=ticks).map(|n| (n, Message::from(Proposal::default())));
    let resumed = input(1, false, &[Act::Resume]);
    let mut hears: Vec<_> = speaks(60).chain([resumed.clone()]).collect();
    assert_eq!(judged(60, &hears, policy), None);
    hears.pop();
    must_say(judged(60, &hears, policy), "without a word");
    let silent: Vec<_> = speaks(20).chain([resumed]).collect();
    must_say(judged(60, &silent, policy), "the policy is silent");
}

#[test]
fn every_limit_is_held_against_commands_that_follow_each_other() {
    let must_exceed = |path: &[f64], words: &str| {
        let says =
            |n: u64| (tick(n, Owner::Hold, 0.0), command(n, path[usize::try_from(n).unwrap() - 1], false));
        must_say(judged(path.len() as u64, &[], says), words);
    };
    must_exceed(&[0.0, 0.06], "velocity");
    must_exceed(&[0.0, 0.0, 0.03], "acceleration");
    must_exceed(&[0.0, 0.0, 0.0, 0.004], "jerk");
    must_exceed(&[9.0], "position");
}

/// A judge at a driver that said nonce 1 at once, and commands of these headers offered at so many milliseconds, answering to
/// these nonces, with the first joint here; without one it is a stop.
fn at_driver(offers: &[(u64, Header, u64, Option<f64>)]) -> Option<String> {
    let mut judge = Judge::default();
    judge.begin(&settings(0).descriptor);
    judge.issued(1, at(0));
    let mut before =
        command(0, 0.0, false).position.into_iter().map(|group| group.values).collect::<Vec<_>>();
    for &(millis, header, driver_beacon, arm) in offers {
        judge.issued(100 + millis, at(millis));
        let command =
            Command { header: Some(header), driver_beacon, ..command(0, arm.unwrap_or(0.0), arm.is_none()) };
        let after: Vec<Vec<f64>> = match arm {
            Some(_) => command.position.iter().map(|group| group.values.clone()).collect(),
            None => before.clone(),
        };
        let applied = Applied { outcome: Outcome::Applied.into(), ..Applied::default() };
        judge.offered(&command, &applied, (&before, &after), at(millis));
        before = after;
    }
    judge.wrong
}

#[test]
fn the_judge_at_the_driver_sees_what_a_gate_should_have_refused() {
    let of = |epoch, session, seq| Header { epoch, session, seq, ..Header::default() };
    let good =
        [(0, of(2, 5, 0), 1, None), (20, of(2, 5, 1), 1, Some(0.0)), (40, of(2, 5, 2), 120, Some(0.001))];
    assert_eq!(at_driver(&good), None);
    let after = |last: (u64, Header, u64, Option<f64>)| at_driver(&[good[0], good[1], good[2], last]);
    assert_eq!(after((60, of(3, 5, 3), 140, Some(0.002))), None);
    must_say(after((60, of(1, 5, 3), 140, Some(0.0))), "was applied after one of");
    must_say(after((60, of(3, 6, 1), 140, Some(0.001))), "another sender");
    must_say(after((60, of(3, 6, 1), 140, None)), "another sender");
    must_say(after((95, of(3, 6, 1), 140, Some(0.001))), "another sender");
    assert_eq!(
        after((95, of(3, 6, 1), 140, None)),
        None,
        "the last is silent, and this one begins with a stop"
    );
    must_say(at_driver(&good[1..]), "another sender");
    must_say(after((60, of(2, 5, 2), 140, Some(0.0))), "no newer");
    must_say(after((60, of(2, 5, 3), 9, Some(0.0))), "nothing the driver said lately");
    must_say(after((150, of(3, 5, 3), 40, Some(0.0))), "nothing the driver said lately");
    must_say(after((95, of(2, 5, 3), 140, Some(0.0))), "after the watchdog's time");
    must_say(after((60, of(2, 5, 3), 140, Some(0.5))), "jumps by");
    must_say(after((60, of(2, 5, 3), 140, Some(f64::NAN))), "is sent to NaN");
}

#[test]
fn a_refused_command_must_not_move_the_robot() {
    let mut judge = Judge::default();
    judge.begin(&settings(0).descriptor);
    let refused = Applied { outcome: Outcome::Stale.into(), ..Applied::default() };
    let (before, after) = ([vec![0.0]], [vec![0.1]]);
    judge.offered(&Command::default(), &refused, (&before, &after), at(0) + Duration::from_millis(1));
    must_say(judge.wrong, "a refused command moved");
}
