//! retake-intervention.
