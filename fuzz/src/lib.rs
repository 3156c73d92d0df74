//! What a target does with its bytes: the same that the tests do with the corpus.

/// Gives `bytes` to the decoder of this name.
///
/// # Panics
/// If something is wrong with how they were read, which is what the fuzzer looks for.
pub fn read(name: &str, bytes: &[u8]) {
    let decoder = retake_tests::DECODERS.iter().find(|decoder| decoder.name == name).expect("no such decoder");
    (decoder.read)(bytes);
}
