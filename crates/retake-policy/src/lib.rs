//! retake-policy.
