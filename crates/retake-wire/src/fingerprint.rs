use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;

use crate::Topic;

/// Names a message by its content: SipHash-1-3 with key 0 of the topic below the robot's root, a zero byte, and the Protobuf
/// bytes. The same in every build and on every machine. It tells messages apart; it does not prove who wrote them.
pub fn fingerprint(topic: Topic, bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(topic.suffix().as_bytes());
    hasher.write_u8(0);
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_for_ever_and_differs_by_topic_and_by_every_bit() {
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        let print = fingerprint(Topic::Input, &bytes);
        assert_eq!(print, GOLDEN, "recordings hold these: they must not change");
        assert_ne!(print, fingerprint(Topic::Proposal, &bytes));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(print, fingerprint(Topic::Input, &flipped), "bit {bit}");
        }
    }

    /// As Python with `PYTHONHASHSEED=0` has it: `hash(b"operator/input\0" + bytes(range(1, 10)))`.
    const GOLDEN: u64 = 0xa311_9c45_ca81_6646;
}
