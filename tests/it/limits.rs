//! Every tick of every scenario stays within the limits, across every change of owner.

use std::collections::BTreeSet;

use retake_scripted::Script;
use retake_tests::{
    Deployment, assert_motion_within_limits, assert_nothing_refused, assert_segments_are_the_ticks,
};

fn judge(script: Script) -> BTreeSet<String> {
    let mut changes = BTreeSet::new();
    for policy in [
        "expert",
        "expert:bias=0.02",
        "expert:noise=0.03",
        "expert:wrong-turn",
        "expert:freeze",
        "expert:nan",
        "expert:short",
        "expert:late=200",
        "expert:stale",
    ] {
        let mut run = Deployment::new("lift", policy).episodes(2).script(script).start();
        run.to_end();
        let seen = run.finish();
        assert_motion_within_limits(&seen);
        assert_nothing_refused(&seen);
        assert_segments_are_the_ticks(&seen);
        changes.extend(seen.ticks.windows(2).filter_map(|pair| {
            let [from, to] = [&pair[0], &pair[1]].map(|tick| tick.groups.first().map(|group| group.owner()));
            (from != to).then(|| format!("{from:?} to {to:?}"))
        }));
    }
    changes
}

#[test]
fn policies_alone_never_break_a_limit() {
    judge(Script::Unattended);
}

#[test]
fn no_change_of_owner_breaks_a_limit() {
    let changes = judge(Script::Supervisor);
    // So that the test keeps seeing what it is for.
    for change in [
        "Policy to Hold",
        "Hold to Human",
        "Human to Hold",
        "Policy to Rewind",
        "Rewind to Hold",
        "Hold to Policy",
    ] {
        let [from, to] = [0, 1].map(|i| change.split(" to ").nth(i).unwrap());
        assert!(
            changes.contains(&format!("Some({from}) to Some({to})")),
            "no change from {change}: {changes:?}"
        );
    }
}
