//! Calls for help: slowed, held, and an operator who is not there.

use retake_tests::{ARM, Deployment, Run, Station, assert_motion_within_limits, assert_nothing_refused};
use retake_wire::pb::{Act, Autonomy, Cause, Header, HelpSignal, Owner};

fn signal(run: &Run, seq: u64, need: f64) -> HelpSignal {
    let beacon = run.seen().beacon;
    let header = Header { epoch: beacon.epoch, seq, beacon: beacon.nonce, sent_nanos: 0, session: 77 };
    HelpSignal {
        header: Some(header),
        source: "critic".into(),
        text: "the peg is tilted".into(),
        need,
        ..HelpSignal::default()
    }
}

/// Lets a critic say its need every 100 ms for so long.
fn say(run: &mut Run, seq: &mut u64, need: f64, millis: u64) {
    for _ in 0..millis / 100 {
        *seq += 1;
        let signal = signal(run, *seq, need);
        run.inject(signal);
        run.millis(100);
    }
}

fn driving(station: &Station) -> Run {
    let mut run = Deployment::new("nut-on-peg", "expert").no_time_limit().station(station).start();
    run.until_ready();
    run.resume(station);
    run.until("it moves", |seen| seen.speed() > 0.3);
    run
}

fn fastest(run: &Run, from: retake_units::MonoTime) -> f64 {
    let seen = run.seen();
    let since = seen.observations.iter().filter(|(at, _)| *at >= from);
    since.flat_map(|(_, seen)| &seen.velocity[ARM].values).fold(0.0, |fastest, v| v.abs().max(fastest))
}

#[test]
fn a_need_slows_the_policy_and_calm_lets_it_go_on() {
    let (ada, mut seq) = (Station::new("ada"), 0);
    let mut run = driving(&ada);
    say(&mut run, &mut seq, 0.1, 300);
    assert_eq!(run.seen().tick().autonomy(), Autonomy::Full);
    say(&mut run, &mut seq, 0.6, 400);
    let slowed = run.now();
    say(&mut run, &mut seq, 0.6, 600);
    let limits = run.seen().descriptor.clone().unwrap().groups[ARM].velocity.clone();
    let slow = fastest(&run, slowed);
    assert!(slow < 0.31 * limits.iter().fold(0.0, |most: f64, limit| most.max(*limit)), "{slow} rad/s");
    {
        let seen = run.seen();
        assert_eq!(seen.tick().autonomy(), Autonomy::Slowed);
        let status = &seen.status.last().unwrap().1;
        assert_eq!((status.help.len(), status.help[0].text.as_str()), (1, "the peg is tilted"));
        assert_eq!(seen.group(ARM).owner(), Owner::Policy, "it goes on");
    }
    say(&mut run, &mut seq, 0.0, 1000);
    assert_eq!(run.seen().tick().autonomy(), Autonomy::Full);
    let seen = run.finish();
    assert_eq!(seen.tick().counters.unwrap().help_calls, 1);
    assert_motion_within_limits(&seen);
    assert_nothing_refused(&seen);
}

#[test]
fn a_great_need_holds_within_a_tick_until_the_operator_says_so() {
    for need in [0.95, f64::NAN] {
        let (ada, mut seq) = (Station::new("ada"), 0);
        let mut run = driving(&ada);
        say(&mut run, &mut seq, 0.0, 100);
        seq += 1;
        let cry = signal(&run, seq, need);
        run.inject(cry);
        run.millis(21);
        assert!(run.seen().all(Owner::Hold, Cause::HelpNeeded), "{need}: {:?}", run.seen().who());
        say(&mut run, &mut seq, 0.0, 2000);
        assert!(run.seen().all(Owner::Hold, Cause::HelpNeeded), "calm alone moves nothing");
        run.resume(&ada);
        say(&mut run, &mut seq, 0.0, 300);
        let seen = run.finish();
        assert_eq!(seen.group(ARM).owner(), Owner::Policy);
        assert_motion_within_limits(&seen);
    }
}

#[test]
fn a_monitor_that_dies_is_the_worst_news() {
    let (ada, mut seq) = (Station::new("ada"), 0);
    let mut run = driving(&ada);
    say(&mut run, &mut seq, 0.0, 300);
    run.millis(950);
    assert!(run.seen().all(Owner::Hold, Cause::HelpNeeded), "{:?}", run.seen().who());
    ada.act(Act::AcknowledgeHelp);
    run.millis(60);
    run.resume(&ada);
    run.millis(1500);
    assert_eq!(run.seen().group(ARM).owner(), Owner::Policy, "the operator knows, and does without");
}

#[test]
fn a_stale_cry_does_not_count() {
    let ada = Station::new("ada");
    let mut run = driving(&ada);
    let old = signal(&run, 1, 0.95);
    run.millis(1000);
    run.inject(old);
    run.millis(1500);
    let seen = run.seen();
    assert_eq!(
        seen.group(ARM).owner(),
        Owner::Policy,
        "it says how things were, and who was never heard is not missed"
    );
    assert!(seen.noticed("stale", retake_units::MonoTime::ZERO));
}

#[test]
fn an_operator_who_is_not_there_is_not_waited_for() {
    let mut run = Deployment::new("nut-on-peg", "expert")
        .no_time_limit()
        .script(retake_scripted::Script::Unattended)
        .start();
    run.until("the policy drives", |seen| seen.all(Owner::Policy, Cause::Resumed));
    run.kill("operator");
    run.millis(300);
    assert_eq!(run.seen().group(ARM).owner(), Owner::Policy, "it may drive alone");
    let mut seq = 0;
    say(&mut run, &mut seq, 0.6, 100);
    assert!(run.seen().all(Owner::Hold, Cause::HelpNeeded), "{:?}", run.seen().who());
}

#[test]
fn the_stall_monitor_calls_for_a_policy_that_stands_still_and_for_no_other() {
    let ada = Station::new("ada");
    let deployment = |policy| Deployment::new("nut-on-peg", policy).no_time_limit().station(&ada).monitored();
    let mut run = deployment("expert:freeze").start();
    run.until_ready();
    run.resume(&ada);
    run.until("help is called for", |seen| seen.all(Owner::Hold, Cause::HelpNeeded));
    drop(run);
    let mut run = deployment("expert").start();
    run.until_ready();
    run.resume(&ada);
    run.until("it is done", |seen| !seen.verdicts().is_empty());
    let seen = run.finish();
    assert_eq!(seen.tick().counters.unwrap().help_calls, 0);
}
