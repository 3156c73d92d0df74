//! How bumpy changes of who drives were.

use retake_wire::pb::{RobotDescriptor, TickRecord};

/// Greatest step of any group's command from `before` to `after`, if its owner changed between them, as a share of what the velocity
/// limit allows in a period.
pub(crate) fn step(robot: &RobotDescriptor, before: &TickRecord, after: &TickRecord) -> f64 {
    let period = 1.0 / robot.control_hz;
    let groups = before.groups.iter().zip(&after.groups).zip(&robot.groups);
    let steps = groups.filter(|((before, after), _)| before.owner != after.owner).flat_map(
        |((before, after), limits)| {
            before
                .command
                .iter()
                .zip(&after.command)
                .zip(&limits.velocity)
                .map(move |((before, after), velocity)| (after - before).abs() / (velocity * period))
        },
    );
    steps.fold(0.0, f64::max)
}
