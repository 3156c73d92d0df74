//! retake-sim.
