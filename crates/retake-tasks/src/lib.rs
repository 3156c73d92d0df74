//! retake-tasks.
