/// How much of a file is believed. What claims to be larger is refused before memory is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Demos in a file.
    pub demos: usize,
    /// Bytes of one dataset that is read as a whole.
    pub dataset_bytes: u64,
    /// Bytes of all datasets of a demo that are read.
    pub demo_bytes: u64,
    /// Bytes of one stored chunk, or one picture.
    pub chunk_bytes: u64,
    /// Bytes of an attribute's text.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            demos: 1 << 20,
            dataset_bytes: 256 << 20,
            demo_bytes: 1 << 30,
            chunk_bytes: 64 << 20,
            text_bytes: 16 << 20,
        }
    }
}
