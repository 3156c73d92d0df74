//! retake-devices.
