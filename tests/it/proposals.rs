//! Policies that propose what is no command.

use std::time::Duration;

use retake_node::Fate;
use retake_tests::{ARM, Deployment, Run, Station, assert_motion_within_limits, assert_nothing_refused};
use retake_units::MonoTime;
use retake_wire::{
    Message,
    pb::{Cause, GroupValues, Header, Owner, Proposal, ProposalStep},
};

fn driving(policy: &str, station: &Station) -> Run {
    let mut run = Deployment::new("nut-on-peg", policy).no_time_limit().station(station).start();
    run.until_ready();
    run.resume(station);
    run
}

/// The policy fails, is refused, and the robot comes to rest and stays.
fn held(policy: &str, cause: Cause, code: &str) {
    let ada = Station::new("ada");
    let mut run = driving(policy, &ada);
    run.until("everything is held", |seen| seen.all(Owner::Hold, cause));
    let from = run.now();
    run.millis(3000);
    let seen = run.finish();
    for tick in seen.ticks_since(from) {
        assert!(tick.groups.iter().all(|group| group.owner() == Owner::Hold), "{policy}: tick {}", tick.tick);
    }
    assert!(seen.tick().counters.unwrap().proposals_refused > 0, "{policy}");
    assert!(seen.noticed(code, MonoTime::ZERO), "{policy}: no {code} in {:?}", seen.notices);
    assert!(seen.speed() < 0.01, "{policy}: {} rad/s", seen.speed());
    let commands: Vec<_> =
        seen.ticks_since(from + Duration::from_secs(1)).map(|tick| &tick.groups[ARM].command).collect();
    assert!(commands.windows(2).all(|pair| pair[0] == pair[1]), "{policy}: the command still moves");
    assert_motion_within_limits(&seen);
    assert_nothing_refused(&seen);
}

#[test]
fn a_proposal_that_is_not_a_number_is_held() {
    held("expert:nan", Cause::PolicyFault, "proposal_not_finite");
}

#[test]
fn a_proposal_without_a_group_is_held() {
    held("expert:short", Cause::PolicyFault, "proposal_wrong_shape");
}

#[test]
fn a_policy_that_repeats_itself_is_held() {
    held("expert:stale", Cause::PolicyStale, "proposal_expired");
}

#[test]
fn a_policy_that_becomes_too_slow_is_held() {
    let ada = Station::new("ada");
    let mut run = driving("expert", &ada);
    run.millis(500);
    let late = Duration::from_millis(600);
    run.link(move |_, message, to| {
        let proposed = to == "intervention" && matches!(message, Message::Proposal(_));
        if proposed { Fate::Delay(late) } else { Fate::Deliver }
    });
    run.until("everything is held", |seen| seen.all(Owner::Hold, Cause::PolicyStale));
    run.millis(1000);
    let seen = run.seen();
    assert!(seen.tick().counters.unwrap().proposals_refused > 0);
    assert!(seen.noticed("stale", MonoTime::ZERO));
    assert!(seen.speed() < 0.01);
}

#[test]
fn a_policy_that_is_always_too_late_never_drives() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("lift", "expert:late=600").station(&ada).start();
    run.until_ready();
    for _ in 0..5 {
        ada.act(retake_wire::pb::Act::Resume);
        run.millis(500);
    }
    let seen = run.seen();
    assert!(seen.ticks.iter().all(|tick| tick.groups.iter().all(|group| group.owner() == Owner::Hold)));
    assert!(seen.tick().counters.unwrap().proposals_refused > 0);
    assert!(seen.noticed("policy_silent", MonoTime::ZERO));
}

/// A proposal of today's beacon that wants the arm somewhere else, as if a policy with a session of its own had said it.
fn elsewhere(run: &Run, epoch: u64, observation_seq: u64) -> Proposal {
    let seen = run.seen();
    let far = |values: &[f64]| GroupValues { values: values.iter().map(|value| value + 0.3).collect() };
    let groups = vec![far(&seen.group(0).command), GroupValues { values: seen.group(1).command.clone() }];
    let header = Header { epoch, seq: 1, beacon: seen.beacon.nonce, session: 0xbad, ..Header::default() };
    Proposal {
        header: Some(header),
        version: "intruder".into(),
        chunk: 1,
        observation_seq,
        period_nanos: 20_000_000,
        steps: vec![ProposalStep { groups }; 16],
        ..Proposal::default()
    }
}

fn newest(run: &Run) -> u64 {
    run.seen().observations.last().unwrap().1.header.unwrap().seq
}

#[test]
fn an_answer_to_an_observation_nobody_made_is_refused() {
    let ada = Station::new("ada");
    let mut run = driving("expert", &ada);
    run.millis(500);
    run.kill("policy");
    let before = run.seen().tick().counters.unwrap().proposals_refused;
    let epoch = run.seen().beacon.epoch;
    let seq = newest(&run);
    for unknown in [seq + 1000, 0, u64::MAX] {
        let proposal = elsewhere(&run, epoch, unknown);
        run.inject(proposal);
    }
    run.millis(100);
    assert_eq!(run.seen().tick().counters.unwrap().proposals_refused, before + 3);
    assert!(run.seen().ticks.iter().all(|tick| tick.policy_version != "intruder"));
}

#[test]
fn a_proposal_from_before_a_takeover_moves_nothing() {
    let ada = Station::new("ada");
    let mut run = driving("expert", &ada);
    run.millis(500);
    let old = run.seen().beacon.epoch;
    ada.drive([0.0; 6]);
    run.millis(200);
    ada.release();
    run.millis(500);
    run.kill("policy");
    run.resume(&ada);
    run.millis(400);
    let command = run.seen().group(ARM).command.clone();
    let (from, before) = (run.now(), run.seen().tick().counters.unwrap().proposals_refused);
    let proposal = elsewhere(&run, old, newest(&run));
    run.inject(proposal);
    run.millis(2000);
    let seen = run.seen();
    assert_eq!(seen.group(ARM).command, command);
    assert_eq!(seen.tick().counters.unwrap().proposals_refused, before + 1);
    assert!(seen.noticed("proposal_old_epoch", from));
    assert!(seen.all(Owner::Hold, Cause::PolicyStale), "and it keeps no policy alive: {:?}", seen.who());
}
