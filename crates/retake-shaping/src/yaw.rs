//! Which way the operator faces.

use nalgebra::{Isometry3, UnitQuaternion, Vector3};

use crate::Squeeze;

/// The turn about the vertical from the device's axes to the robot's. With a clutch the origin of the two does not matter, but this
/// does, and nothing after it can notice that it is wrong: so an operator sets it by pointing where the robot's x axis points.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct YawCalibration {
    turn: f64,
}

/// Why a heading was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadingRefused {
    /// The clutch is held: what the hand means may not turn under it.
    Engaged,
    /// The controller points up or down.
    TooSteep,
    /// Its rotation is not a number.
    NotAPose,
}

/// A controller within 30° of the vertical has no heading worth taking.
const LEVEL: f64 = 0.5;

impl YawCalibration {
    /// Takes the way the controller points now (its x axis, in robot axes before calibration) as the robot's x axis.
    ///
    /// # Errors
    /// [`HeadingRefused`], with the former calibration kept.
    pub fn capture(
        &mut self,
        controller: &UnitQuaternion<f64>,
        clutch: Squeeze,
    ) -> Result<(), HeadingRefused> {
        if clutch.is_down() {
            return Err(HeadingRefused::Engaged);
        }
        let ahead = controller * Vector3::x();
        let level = ahead.xy().norm();
        if !level.is_finite() {
            return Err(HeadingRefused::NotAPose);
        }
        if level < LEVEL {
            return Err(HeadingRefused::TooSteep);
        }
        self.turn = -ahead.y.atan2(ahead.x);
        Ok(())
    }

    /// The rotation that brings what the device says into the robot's axes.
    #[must_use]
    pub fn rotation(&self) -> UnitQuaternion<f64> {
        UnitQuaternion::from_axis_angle(&Vector3::z_axis(), self.turn)
    }

    /// A pose of the device, in robot axes before calibration, as the robot should see it.
    #[must_use]
    pub fn apply(&self, pose: &Isometry3<f64>) -> Isometry3<f64> {
        self.rotation() * pose
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Translation3;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_pointed_at_is_ahead(yaw in -3.1f64..3.1, pitch in -0.9f64..0.9, roll in -3.0f64..3.0) {
            let mut calibration = YawCalibration::default();
            let controller = UnitQuaternion::from_euler_angles(roll, pitch, yaw);
            prop_assert_eq!(calibration.capture(&controller, Squeeze::default()), Ok(()));
            // A hand that moves along its heading moves the robot along x, and up stays up.
            let heading = Vector3::new(yaw.cos(), yaw.sin(), 0.0);
            let moved = calibration.apply(&Isometry3::from(Translation3::from(heading + Vector3::z() * 0.3)));
            prop_assert!((moved.translation.vector - Vector3::new(1.0, 0.0, 0.3)).norm() < 1e-9);
            // Applied, the controller's own heading is level x.
            let ahead = calibration.apply(&Isometry3::from_parts(Translation3::identity(), controller)).rotation * Vector3::x();
            prop_assert!(ahead.y.abs() < 1e-9 && ahead.x > 0.0);
        }
    }

    #[test]
    fn it_is_refused_while_engaged_steep_or_nonsense() {
        let mut calibration = YawCalibration::default();
        let left = UnitQuaternion::from_euler_angles(0.0, 0.0, 1.0);
        calibration.capture(&left, Squeeze::default()).unwrap();
        let kept = calibration;
        let mut held = Squeeze::default();
        held.read(1.0);
        assert_eq!(calibration.capture(&UnitQuaternion::identity(), held), Err(HeadingRefused::Engaged));
        let down = UnitQuaternion::from_euler_angles(0.0, 1.4, 0.0);
        assert_eq!(calibration.capture(&down, Squeeze::default()), Err(HeadingRefused::TooSteep));
        let none = UnitQuaternion::new_unchecked(nalgebra::Quaternion::new(f64::NAN, 0.0, 0.0, 0.0));
        assert_eq!(calibration.capture(&none, Squeeze::default()), Err(HeadingRefused::NotAPose));
        assert_eq!(calibration, kept);
    }
}
