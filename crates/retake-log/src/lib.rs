//! retake-log.
