//! A recorded gamepad drives a deployment.

use retake_devices::{
    PadConfig, PadOperator,
    pad::{RecordedSource, parse_stream},
};
use retake_tests::{
    Deployment, assert_motion_within_limits, assert_nothing_refused, assert_segments_are_the_ticks,
};
use retake_wire::pb::SegmentKind::{self, Correction, Hold, Policy, Reset, Rewind};

#[test]
fn a_recorded_gamepad_resumes_rewinds_corrects_and_hands_back() {
    let stream = include_str!("../../crates/retake-devices/testdata/takeover.jsonl");
    let source = RecordedSource::new(parse_stream(stream).unwrap());
    let pad = PadOperator::new(PadConfig::new("ada", 42), source);
    let mut run = Deployment::new("nut-on-peg", "expert").operator(pad).start();
    run.millis(8000);
    // Its last word when it is finished is that it asks for nothing.
    let settling = run.seen().inputs.iter().filter(|(_, input)| !input.valid).count() as u64;
    let seen = run.finish();
    let kinds: Vec<SegmentKind> = seen.kinds("arm");
    assert_eq!(kinds, [Reset, Hold, Policy, Rewind, Hold, Correction, Hold, Policy]);
    // Until it has been seen at rest the pad says that it is not to be trusted.
    let counters = seen.tick().counters.unwrap();
    assert_eq!((counters.takeovers, counters.rewinds, counters.inputs_refused), (1, 1, settling));
    assert_motion_within_limits(&seen);
    assert_nothing_refused(&seen);
    assert_segments_are_the_ticks(&seen);
}
