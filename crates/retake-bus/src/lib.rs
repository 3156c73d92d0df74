//! retake-bus.
