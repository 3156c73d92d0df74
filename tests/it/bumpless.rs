//! Commands begin where the driver holds the robot, not where it measures itself.

use retake_scripted::Script;
use retake_tests::{ARM, Deployment, assert_motion_within_limits, assert_nothing_refused};
use retake_wire::pb::Applied;

#[test]
fn after_a_reset_the_first_command_is_where_the_driver_holds_the_arm() {
    let mut run =
        Deployment::new("lift", "expert").episodes(3).sagging(0.03).script(Script::Unattended).start();
    run.to_end();
    let seen = run.finish();
    let mut begun = 0;
    let mut stopped = true;
    for (at, command) in &seen.commands {
        if stopped && !command.stop {
            begun += 1;
            let held = |applied: &Applied| {
                applied.position.iter().map(|group| group.values.clone()).collect::<Vec<_>>()
            };
            let (_, last) = seen.applied.iter().rfind(|(said, _)| said < at).unwrap();
            let first: Vec<_> = command.position.iter().map(|group| group.values.clone()).collect();
            for (joint, (first, held)) in first[ARM].iter().zip(&held(last)[ARM]).enumerate() {
                assert!(
                    (first - held).abs() < 1e-3,
                    "tick {}: joint {joint} steps from {held} to {first}",
                    command.tick
                );
            }
        }
        stopped = command.stop;
    }
    assert_eq!(begun, 3, "each episode begins with a command");
    assert_nothing_refused(&seen);
    assert_motion_within_limits(&seen);
}
