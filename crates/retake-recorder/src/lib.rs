//! retake-recorder.
