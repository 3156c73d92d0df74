//! What a tracked hand controller says, and in which axes.

use nalgebra::{Isometry3, Point3, Quaternion, Translation3, UnitQuaternion};

/// One word of a tracked hand controller, in robot axes: x forward, y left, z up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HandFrame {
    /// The pose was measured, neither lost nor guessed.
    pub tracked: bool,
    /// Of the grip, metres, from an origin that is the device's own.
    pub position: [f64; 3],
    /// Of the grip, quaternion x, y, z, w.
    pub rotation: [f64; 4],
    /// The operator holds this hand's clutch.
    pub held: bool,
    /// How often the device's origin has been moved; a change makes every former pose meaningless.
    pub recentres: u32,
    /// The hand's motion is meant in the tool's axes, not the base's.
    pub in_tool_frame: bool,
    /// Metres the tool moves per metre the hand moves. Rotations are never scaled.
    pub scale: f64,
}

/// A quaternion whose length is further than this from 1 was not meant as a rotation.
const UNIT_SLACK: f64 = 0.05;
/// No hand is further than this from its device's origin, metres.
const ROOM: f64 = 100.0;

impl HandFrame {
    /// The pose, if its numbers are one. Says nothing about whether it was tracked.
    pub fn pose(&self) -> Option<Isometry3<f64>> {
        let position = Point3::from(self.position);
        let [x, y, z, w] = self.rotation;
        let rotation = Quaternion::new(w, x, y, z);
        let sound = self.position.iter().all(|value| value.is_finite())
            && position.coords.norm() < ROOM
            && (rotation.norm() - 1.0).abs() < UNIT_SLACK;
        sound.then(|| {
            Isometry3::from_parts(Translation3::from(position), UnitQuaternion::new_normalize(rotation))
        })
    }
}

/// A pose of WebXR or OpenXR (x right, y up, z towards the viewer) in robot axes (x forward, y left, z up): position in metres,
/// quaternion x, y, z, w. A rotation is a rotation about the permuted axis, so its vector part goes the same way.
#[must_use]
pub const fn robot_axes(position: [f64; 3], rotation: [f64; 4]) -> ([f64; 3], [f64; 4]) {
    let [x, y, z] = position;
    let [qx, qy, qz, qw] = rotation;
    ([-z, -x, y], [-qz, -qx, qy, qw])
}

#[cfg(test)]
mod tests {
    use nalgebra::Vector3;
    use proptest::prelude::*;

    use super::*;

    const STILL: HandFrame = HandFrame {
        tracked: true,
        position: [0.1, 0.2, 0.3],
        rotation: [0.0, 0.0, 0.0, 1.0],
        held: false,
        recentres: 0,
        in_tool_frame: false,
        scale: 1.0,
    };

    #[test]
    fn forward_left_and_up_are_where_they_should_be() {
        let none = [0.0, 0.0, 0.0, 1.0];
        assert_eq!(robot_axes([0.0, 0.0, -1.0], none).0, [1.0, 0.0, 0.0], "ahead of the viewer");
        assert_eq!(robot_axes([-1.0, 0.0, 0.0], none).0, [0.0, 1.0, 0.0], "on their left");
        assert_eq!(robot_axes([0.0, 1.0, 0.0], none).0, [0.0, 0.0, 1.0], "above them");
    }

    #[test]
    fn what_is_no_pose_is_none() {
        assert!(STILL.pose().is_some());
        let spoilt = [
            HandFrame { position: [f64::NAN, 0.0, 0.0], ..STILL },
            HandFrame { position: [0.0, f64::INFINITY, 0.0], ..STILL },
            HandFrame { position: [0.0, 0.0, 1e9], ..STILL },
            HandFrame { rotation: [0.0; 4], ..STILL },
            HandFrame { rotation: [0.0, 0.0, 0.0, 1.2], ..STILL },
            HandFrame { rotation: [0.0, 0.0, 0.0, f64::NAN], ..STILL },
        ];
        for frame in spoilt {
            assert_eq!(frame.pose(), None, "{frame:?}");
        }
    }

    proptest! {
        #[test]
        fn turning_then_changing_axes_is_changing_axes_then_turning(
            axis in prop::array::uniform3(-1.0f64..1.0), angle in -3.0f64..3.0, point in prop::array::uniform3(-1.0f64..1.0),
        ) {
            let turn = UnitQuaternion::new(Vector3::from(axis) * angle);
            let turned: [f64; 3] = (turn * Vector3::from(point)).into();
            let q = turn.coords;
            let (point, rotation) = robot_axes(point, [q.x, q.y, q.z, q.w]);
            let [x, y, z, w] = rotation;
            let there = UnitQuaternion::new_unchecked(Quaternion::new(w, x, y, z)) * Vector3::from(point);
            prop_assert!((there - Vector3::from(robot_axes(turned, rotation).0)).norm() < 1e-12);
        }
    }
}
