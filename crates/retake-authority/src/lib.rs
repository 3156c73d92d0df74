//! retake-authority.
