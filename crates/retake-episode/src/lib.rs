//! retake-episode.
