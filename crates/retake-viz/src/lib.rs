//! retake-viz.
