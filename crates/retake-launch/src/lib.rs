//! retake-launch.
