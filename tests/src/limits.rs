//! What must hold at every tick of every run.

use nalgebra::Point3;
use retake_kinematics::Model;
use retake_wire::pb::{Group, Outcome, Phase, RobotDescriptor, TickRecord};

use crate::{ARM, Seen};

/// The trajectory generator is exact to about a nanometre; three differences of it over a period are to 1e-3 rad/s³.
const SLACK: f64 = 1.0 + 1e-4;
/// What the generator may overshoot a wall by: the shaper brakes from 2 mm on.
const WALL_SLACK: f64 = 0.003;

/// Every command and every change of command is within the descriptor's limits. A reset moves the robot by other means,
/// and commands begin anew after it.
pub fn assert_motion_within_limits(seen: &Seen) {
    let robot = seen.descriptor.as_ref().unwrap();
    let mut run: Vec<&TickRecord> = Vec::new();
    let mut judged = 0;
    for tick in &seen.ticks {
        if matches!(tick.phase(), Phase::Waiting | Phase::Resetting) {
            run.clear();
            continue;
        }
        if let Some(last) = run.last() {
            assert_eq!(tick.tick, last.tick + 1, "a tick is missing");
        }
        run.push(tick);
        for (index, group) in robot.groups.iter().enumerate() {
            judge(robot, index, group, &run);
        }
        judged += 1;
    }
    assert!(judged > 50, "too few ticks to judge: {judged}");
    assert_inside_workspace(seen, robot);
}

fn judge(robot: &RobotDescriptor, index: usize, group: &Group, run: &[&TickRecord]) {
    let dt = 1.0 / robot.control_hz;
    let tick = run[run.len() - 1];
    for value in 0..group.lower.len() {
        // The newest first.
        let p: Vec<f64> = run.iter().rev().take(4).map(|tick| tick.groups[index].command[value]).collect();
        let check = |name: &str, is: f64, limit: f64| {
            let (was, owners) = (group.name.as_str(), owners(run, index));
            assert!(
                is.abs() <= limit * SLACK,
                "tick {} {was}[{value}]: {name} {is}, limit {limit}; {owners:?}",
                tick.tick
            );
        };
        let range = group.lower[value] - 1e-9..=group.upper[value] + 1e-9;
        assert!(
            range.contains(&p[0]),
            "tick {} {}[{value}] = {} not in {range:?}",
            tick.tick,
            group.name,
            p[0]
        );
        if p.len() > 1 {
            check("velocity", (p[0] - p[1]) / dt, group.velocity[value]);
        }
        if p.len() > 2 {
            check("acceleration", (p[0] - 2.0 * p[1] + p[2]) / (dt * dt), group.acceleration[value]);
        }
        if p.len() > 3 {
            check("jerk", (p[0] - 3.0 * p[1] + 3.0 * p[2] - p[3]) / (dt * dt * dt), group.jerk[value]);
        }
    }
}

fn owners(run: &[&TickRecord], index: usize) -> Vec<String> {
    run.iter().rev().take(4).map(|tick| format!("{:?}", tick.groups[index].owner())).collect()
}

fn assert_inside_workspace(seen: &Seen, robot: &RobotDescriptor) {
    let chain = Model::from_urdf(&robot.urdf).unwrap().chain(&robot.tool_link).unwrap();
    let walls = robot.workspace.unwrap();
    let (min, max) = ([walls.min_x, walls.min_y, walls.min_z], [walls.max_x, walls.max_y, walls.max_z]);
    for tick in &seen.ticks {
        let Some(arm) = tick.groups.get(ARM).filter(|arm| !arm.command.is_empty()) else { continue };
        if matches!(tick.phase(), Phase::Waiting | Phase::Resetting) {
            continue;
        }
        let tool = Point3::from(chain.forward(&arm.command).translation.vector);
        let inside = (0..3).all(|i| tool[i] >= min[i] - WALL_SLACK && tool[i] <= max[i] + WALL_SLACK);
        assert!(inside, "tick {}: the tool is commanded to {tool}, the workspace is {walls:?}", tick.tick);
    }
}

/// The driver applied every command it was given.
pub fn assert_nothing_refused(seen: &Seen) {
    assert!(seen.applied.len() > 50, "too few commands to judge");
    for (at, applied) in &seen.applied {
        assert_eq!(applied.outcome(), Outcome::Applied, "command of tick {} at {at:?}", applied.tick);
    }
    assert_eq!(seen.tick().counters.unwrap().commands_refused, 0);
}

/// Finished segments say of every tick what the tick says itself, and together they leave no tick out.
pub fn assert_segments_are_the_ticks(seen: &Seen) {
    let robot = seen.descriptor.as_ref().unwrap();
    for (index, group) in robot.groups.iter().enumerate() {
        let told = seen.segments.iter().filter(|segment| segment.group == group.name);
        let told =
            told.flat_map(|s| (s.start_tick..s.end_tick).map(|tick| (tick, s.episode, s.owner(), s.kind())));
        let ticks = seen.ticks.iter().filter(|tick| !tick.groups.is_empty());
        let own = ticks.map(|tick| {
            let group = &tick.groups[index];
            (tick.tick, tick.episode, group.owner(), group.segment())
        });
        let (told, own): (Vec<_>, Vec<_>) = (told.collect(), own.collect());
        let first = told.iter().zip(&own).find(|(told, own)| told != own);
        assert_eq!(first, None, "{}: a segment and a tick disagree", group.name);
        assert_eq!(told.len(), own.len(), "{}: ticks without a segment", group.name);
    }
}
