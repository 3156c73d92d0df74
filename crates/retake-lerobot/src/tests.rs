mod stats;
mod video;
