//! An operator's word on an episode.

use retake_tests::{Deployment, Station};
use retake_wire::pb::{Act, Phase, Verdict};

#[test]
fn a_changed_verdict_changes_nothing_but_the_verdict() {
    let ada = Station::new("ada");
    let mut run = Deployment::new("lift", "expert").no_time_limit().station(&ada).start();
    run.until_ready();
    run.resume(&ada);
    run.millis(500);
    ada.act(Act::Failure);
    run.millis(200);
    ada.act(Act::Success);
    run.millis(100);
    let seen = run.seen();
    let ended: Vec<_> = seen.episodes.iter().filter(|e| e.phase() == Phase::Ended).collect();
    assert_eq!(
        ended.iter().map(|episode| episode.verdict()).collect::<Vec<_>>(),
        [Verdict::Failure, Verdict::Success]
    );
    assert!(ended[0].end_tick > ended[0].start_tick);
    let mut changed = ended[0].clone();
    changed.set_verdict(Verdict::Success);
    assert_eq!(*ended[1], changed);
}
