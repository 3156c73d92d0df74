//! Protocols through a whole deployment: what is refused, and what recordings call it.

use retake_deployment::Protocol;
use retake_tests::{ARM, Deployment, Run, Station, assert_nothing_refused, assert_segments_are_the_ticks};
use retake_units::MonoTime;
use retake_wire::pb::{Act, Owner, SegmentKind, Stage};

fn start(protocol: Protocol, station: &Station) -> Run {
    let mut run =
        Deployment::new("nut-on-peg", "expert").no_time_limit().protocol(protocol).station(station).start();
    run.until_ready();
    run
}

const UP: [f64; 6] = [0.0, 0.0, 0.3, 0.0, 0.0, 0.0];

#[test]
fn rac_is_recovery_then_correction_then_the_end() {
    let ada = Station::new("ada");
    let mut run = start(Protocol::Rac, &ada);
    run.resume(&ada);
    run.millis(1500);
    ada.rewind();
    run.millis(600);
    ada.release();
    run.millis(60);
    ada.drive(UP);
    run.millis(400);
    ada.act(Act::MarkCorrection);
    run.millis(400);
    ada.release();
    run.millis(100);
    let refused = run.now();
    ada.act(Act::Resume);
    run.millis(100);
    assert!(run.seen().noticed("protocol", refused));
    ada.rewind();
    run.millis(100);
    assert_eq!(run.seen().group(ARM).owner(), Owner::Hold, "after a correction only the end is left");
    ada.release();
    ada.act(Act::Success);
    run.millis(100);
    let seen = run.finish();
    use SegmentKind::{Correction, Hold, Policy, Recovery, Reset, Rewind};
    assert_eq!(seen.kinds("arm"), [Reset, Hold, Policy, Rewind, Hold, Recovery, Correction, Hold]);
    assert_eq!(seen.episodes.last().unwrap().protocol, "rac");
    assert!(seen.ticks.iter().any(|tick| tick.stage() == Stage::Recovery));
    assert_nothing_refused(&seen);
    assert_segments_are_the_ticks(&seen);
}

#[test]
fn where_there_is_no_rewind_the_button_moves_nothing() {
    for protocol in [Protocol::Sirius, Protocol::HgDagger, Protocol::HilSerl] {
        let ada = Station::new("ada");
        let mut run = start(protocol, &ada);
        run.resume(&ada);
        run.millis(1000);
        ada.rewind();
        run.millis(200);
        assert_eq!(run.seen().group(ARM).owner(), Owner::Policy, "{protocol:?}");
        assert!(run.seen().noticed("protocol", MonoTime::ZERO));
        ada.drive(UP);
        run.millis(200);
        assert_eq!(run.seen().group(ARM).segment(), SegmentKind::Correction, "{protocol:?}");
        ada.release();
        run.millis(60);
        run.resume(&ada);
    }
}

#[test]
fn a_demonstration_is_only_human() {
    let ada = Station::new("ada");
    let mut run = start(Protocol::Demo, &ada);
    ada.act(Act::Resume);
    run.millis(100);
    assert!(run.seen().noticed("protocol", MonoTime::ZERO));
    assert_eq!(run.seen().group(ARM).owner(), Owner::Hold);
    ada.drive(UP);
    run.millis(300);
    assert_eq!(run.seen().group(ARM).segment(), SegmentKind::Demo);
}
