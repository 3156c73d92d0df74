//! retake-camera.
