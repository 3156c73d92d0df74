//! Stop latches.

use retake_tests::{Deployment, Run, Station};
use retake_wire::pb::{Act, Cause, Header, OperatorInput, Owner};

fn assert_still(run: &mut Run, why: &str) {
    let from = run.now();
    let command = run.seen().group(0).command.clone();
    run.millis(2000);
    let seen = run.seen();
    for tick in seen.ticks_since(from) {
        assert!(tick.groups.iter().all(|group| group.owner() == Owner::Hold), "{why}: tick {}", tick.tick);
        assert_eq!(tick.groups[0].command, command, "{why}: tick {}", tick.tick);
    }
    assert!(seen.speed() < 0.01, "{why}: {} rad/s", seen.speed());
}

#[test]
fn anyone_may_stop_and_nothing_moves_until_it_is_cleared_and_resumed() {
    let (ada, bob) = (Station::new("ada"), Station::new("bob"));
    let mut run = Deployment::new("lift", "expert").no_time_limit().station(&ada).station(&bob).start();
    run.until_ready();
    run.resume(&ada);
    run.millis(800);
    assert_eq!(run.seen().status.last().unwrap().1.operator, "ada");
    let pressed = run.now();
    bob.act(Act::Stop);
    run.millis(40);
    assert!(run.seen().all(Owner::Hold, Cause::Stopped), "{:?}", run.seen().who());
    run.millis(500);
    assert!(run.seen().tick().stopped);
    assert_still(&mut run, "stopped");
    for act in [Act::Resume, Act::NextEpisode] {
        ada.act(act);
        assert_still(&mut run, "an act while stopped");
    }
    ada.drive([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    assert_still(&mut run, "the clutch while stopped");
    ada.release();
    assert!(run.seen().noticed("stopped", pressed));
    bob.act(Act::ClearStop);
    assert_still(&mut run, "cleared by one who has no lease");
    assert!(run.seen().tick().stopped);
    ada.rewind();
    run.millis(100);
    ada.act(Act::ClearStop);
    run.millis(60);
    assert!(!run.seen().tick().stopped);
    assert_still(&mut run, "cleared with a button down");
    ada.release();
    assert_still(&mut run, "cleared");
    run.resume(&ada);
    run.until("it moves again", |seen| seen.speed() > 0.05);
}

#[test]
fn stop_beats_the_hand_that_drives() {
    let (ada, bob) = (Station::new("ada"), Station::new("bob"));
    let mut run = Deployment::new("lift", "expert").no_time_limit().station(&ada).station(&bob).start();
    run.until_ready();
    ada.drive([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    run.millis(500);
    assert!(run.seen().all(Owner::Human, Cause::ClutchPressed));
    bob.act(Act::Stop);
    run.millis(500);
    assert_still(&mut run, "stopped with the clutch still down");
    ada.act(Act::ClearStop);
    run.millis(60);
    assert_still(&mut run, "cleared with the clutch still down");
}

/// A stop is never in doubt: at worst it is one too many.
#[test]
fn a_stop_counts_however_old_the_message_is_that_brings_it() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("lift", "expert").no_time_limit().station(&ada).start();
    run.until_ready();
    run.resume(&ada);
    run.millis(300);
    let beacon = run.seen().beacon;
    let header = Header { epoch: beacon.epoch, seq: 1, beacon: beacon.nonce, sent_nanos: 0, session: 77 };
    let old = OperatorInput {
        header: Some(header),
        operator: "bob".into(),
        valid: true,
        acts: vec![Act::Stop.into()],
        ..OperatorInput::default()
    };
    run.millis(500);
    let from = run.now();
    assert!(run.seen().all(Owner::Policy, Cause::Resumed), "{:?}", run.seen().who());
    run.inject(OperatorInput { acts: vec![Act::Pause.into()], ..old.clone() });
    run.millis(60);
    assert!(run.seen().all(Owner::Policy, Cause::Resumed), "nothing else that old counts");
    run.inject(old);
    run.millis(40);
    assert!(run.seen().all(Owner::Hold, Cause::Stopped), "{:?}", run.seen().who());
    assert!(run.seen().noticed("stale", from));
    run.millis(500);
    assert!(run.seen().noticed("stale", from));
    run.millis(500);
    assert_still(&mut run, "stopped by an old message");
}
