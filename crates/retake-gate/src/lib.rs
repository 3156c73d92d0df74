//! retake-gate.
