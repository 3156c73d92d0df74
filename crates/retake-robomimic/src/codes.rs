//! What a step is called in Sirius' files.

use retake_labels::Class;

/// Sirius' `action_modes`: who acted. A demonstration -1, the policy 0, a human who intervened 1.
///
/// Where nobody drove it is 0, for there is no other number; [`intv_label`] keeps such steps out of training.
pub const fn action_mode(class: Class) -> i64 {
    match class {
        Class::Demo => -1,
        Class::Idle | Class::Policy | Class::PreIntervention => 0,
        Class::Rewind | Class::Recovery | Class::Correction => 1,
    }
}

/// Sirius' `intv_labels`: what a step is weighted as. A demonstration -1, the policy 0, an intervention 1, and -10 what led to one.
///
/// Sirius gives -10 next to no weight. It is therefore also the number of two classes that Sirius does not know and that nothing
/// is to be learnt from: where nobody drove, and where the robot went back along its path by itself. `label` tells them apart.
pub const fn intv_label(class: Class) -> i64 {
    match class {
        Class::Demo => -1,
        Class::Policy => 0,
        Class::Recovery | Class::Correction => 1,
        Class::PreIntervention | Class::Rewind | Class::Idle => -10,
    }
}
