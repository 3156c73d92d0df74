//! retake-shaping.
