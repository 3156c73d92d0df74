//! What a robot descriptor must hold before anyone acts on it.

use crate::pb::{Group, KeepOut, RobotDescriptor};

/// A descriptor nobody should act on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DescriptorError {
    /// Nothing to command.
    #[error("robot {robot:?} has no groups")]
    NoGroups {
        /// Its name.
        robot: String,
    },
    /// More groups than authority can track.
    #[error("robot {robot:?} has {count} groups; at most {MAX_GROUPS} are supported")]
    TooManyGroups {
        /// Its name.
        robot: String,
        /// How many it has.
        count: usize,
    },
    /// Two groups of one name.
    #[error("two groups are called {group:?}")]
    SameName {
        /// That name.
        group: String,
    },
    /// A limit is missing, not finite, or leaves no room.
    #[error("group {group:?}: {what} of value {index} is missing, not finite, or leaves no room to move")]
    BadLimit {
        /// The group.
        group: String,
        /// Which limit.
        what: &'static str,
        /// Which of its values.
        index: usize,
    },
    /// A ball to stay out of is not finite or has no size.
    #[error("keep-out ball {ball:?} is not finite or has no radius")]
    BadKeepOut {
        /// Its name.
        ball: String,
    },
    /// More balls to stay out of than are looked at in every period.
    #[error("robot {robot:?} has {count} keep-out balls; at most {MAX_KEEP_OUT} are supported")]
    TooManyKeepOut {
        /// The robot.
        robot: String,
        /// How many it has.
        count: usize,
    },
    /// The control rate cannot be run.
    #[error("control rate {hz} Hz is outside 1 to 1000")]
    BadRate {
        /// That rate.
        hz: f64,
    },
}

/// Authority tracks at most this many groups.
pub const MAX_GROUPS: usize = 8;
const MAX_VALUES: usize = 16;
/// The limit chain looks at every ball several times in every period.
const MAX_KEEP_OUT: usize = 32;

/// Refuses a descriptor with missing, non-finite or empty limits, so that nothing downstream has to ask again.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn check_descriptor(descriptor: &RobotDescriptor) -> Result<(), DescriptorError> {
    let robot = descriptor.robot.clone();
    if descriptor.groups.is_empty() {
        return Err(DescriptorError::NoGroups { robot });
    }
    if descriptor.groups.len() > MAX_GROUPS {
        return Err(DescriptorError::TooManyGroups { robot, count: descriptor.groups.len() });
    }
    if !(1.0..=1000.0).contains(&descriptor.control_hz) {
        return Err(DescriptorError::BadRate { hz: descriptor.control_hz });
    }
    for (index, group) in descriptor.groups.iter().enumerate() {
        if descriptor.groups[..index].iter().any(|other| other.name == group.name) {
            return Err(DescriptorError::SameName { group: group.name.clone() });
        }
        check_group(group)?;
    }
    check_keep_out(descriptor)
}

fn check_keep_out(descriptor: &RobotDescriptor) -> Result<(), DescriptorError> {
    let count = descriptor.keep_out.len();
    if count > MAX_KEEP_OUT {
        return Err(DescriptorError::TooManyKeepOut { robot: descriptor.robot.clone(), count });
    }
    let bad = |ball: &&KeepOut| {
        ![ball.x, ball.y, ball.z, ball.radius].iter().all(|v| v.is_finite()) || ball.radius <= 0.0
    };
    match descriptor.keep_out.iter().find(bad) {
        Some(ball) => Err(DescriptorError::BadKeepOut { ball: ball.name.clone() }),
        None => Ok(()),
    }
}

fn check_group(group: &Group) -> Result<(), DescriptorError> {
    let count = group.lower.len();
    let bad = |what, index| Err(DescriptorError::BadLimit { group: group.name.clone(), what, index });
    if count == 0 || count > MAX_VALUES {
        return bad("position", count);
    }
    for index in 0..count {
        match (group.lower.get(index), group.upper.get(index)) {
            (Some(lower), Some(upper)) if lower.is_finite() && upper.is_finite() && lower < upper => {}
            _ => return bad("position", index),
        }
        for (what, limits) in
            [("velocity", &group.velocity), ("acceleration", &group.acceleration), ("jerk", &group.jerk)]
        {
            match limits.get(index) {
                Some(limit) if limit.is_finite() && *limit > 0.0 => {}
                _ => return bad(what, index),
            }
        }
    }
    Ok(())
}

/// Position of the group called `name` in the descriptor.
pub fn group_index(descriptor: &RobotDescriptor, name: &str) -> Option<usize> {
    descriptor.groups.iter().position(|group| group.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str) -> Group {
        Group {
            name: name.into(),
            lower: vec![-1.0],
            upper: vec![1.0],
            velocity: vec![1.0],
            acceleration: vec![1.0],
            jerk: vec![1.0],
            ..Group::default()
        }
    }

    fn robot(groups: Vec<Group>) -> RobotDescriptor {
        RobotDescriptor { robot: "arm".into(), groups, control_hz: 50.0, ..RobotDescriptor::default() }
    }

    #[test]
    fn a_whole_descriptor_passes() {
        assert_eq!(check_descriptor(&robot(vec![group("arm"), group("gripper")])), Ok(()));
    }

    #[test]
    fn each_hole_is_found() {
        assert!(matches!(check_descriptor(&robot(vec![])), Err(DescriptorError::NoGroups { .. })));
        let nine = (0..9).map(|i| group(&i.to_string())).collect();
        assert!(matches!(
            check_descriptor(&robot(nine)),
            Err(DescriptorError::TooManyGroups { count: 9, .. })
        ));
        let same = robot(vec![group("arm"), group("arm")]);
        assert!(matches!(check_descriptor(&same), Err(DescriptorError::SameName { .. })));
        let mut fast = robot(vec![group("arm")]);
        fast.control_hz = f64::NAN;
        assert!(matches!(check_descriptor(&fast), Err(DescriptorError::BadRate { .. })));
    }

    #[test]
    fn each_ball_that_is_none_is_found() {
        let ball = KeepOut { name: "post".into(), x: 0.4, y: 0.0, z: 0.2, radius: 0.1 };
        let with = |balls: Vec<KeepOut>| RobotDescriptor { keep_out: balls, ..robot(vec![group("arm")]) };
        assert_eq!(check_descriptor(&with(vec![ball.clone()])), Ok(()));
        let spoil: [fn(&mut KeepOut); 5] = [
            |b| b.x = f64::NAN,
            |b| b.z = f64::NEG_INFINITY,
            |b| b.radius = f64::INFINITY,
            |b| b.radius = 0.0,
            |b| b.radius = -0.1,
        ];
        for spoil in spoil {
            let mut bad = ball.clone();
            spoil(&mut bad);
            let found = check_descriptor(&with(vec![ball.clone(), bad]));
            assert_eq!(found, Err(DescriptorError::BadKeepOut { ball: "post".into() }));
        }
        let many = check_descriptor(&with(vec![ball; MAX_KEEP_OUT + 1]));
        assert!(matches!(many, Err(DescriptorError::TooManyKeepOut { .. })));
    }

    #[test]
    fn each_missing_limit_is_found() {
        type Spoil = (&'static str, fn(&mut Group));
        let spoil: [Spoil; 6] = [
            ("position", |g| g.lower[0] = f64::NAN),
            ("position", |g| g.upper[0] = -2.0),
            ("position", |g| g.upper.clear()),
            ("velocity", |g| g.velocity.clear()),
            ("acceleration", |g| g.acceleration[0] = 0.0),
            ("jerk", |g| g.jerk[0] = f64::INFINITY),
        ];
        for (expected, spoil) in spoil {
            let mut broken = group("arm");
            spoil(&mut broken);
            match check_descriptor(&robot(vec![broken])) {
                Err(DescriptorError::BadLimit { what, .. }) => assert_eq!(what, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
    }
}
