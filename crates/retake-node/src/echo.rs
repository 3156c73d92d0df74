use retake_units::MonoTime;
use retake_wire::pb::{Beacon, Header};

/// What every message to the arbiter carries: the sender's session and sequence, and the newest beacon, which proves its age.
#[derive(Clone, Debug)]
pub struct Echo {
    session: u64,
    seq: u64,
    beacon: Beacon,
}

impl Echo {
    /// A sender that has said and heard nothing.
    pub fn new(session: u64) -> Self {
        Self { session, seq: 0, beacon: Beacon::default() }
    }

    /// Takes in a beacon, unless it is older than the newest of the same arbiter.
    pub fn hear(&mut self, beacon: &Beacon) {
        if beacon.session != self.beacon.session || beacon.tick >= self.beacon.tick {
            self.beacon = *beacon;
        }
    }

    /// Whether there is a beacon to answer to. Without one, nothing that is said can be fresh.
    pub const fn heard(&self) -> bool {
        self.beacon.nonce != 0
    }

    /// Tick of the newest beacon.
    pub const fn tick(&self) -> u64 {
        self.beacon.tick
    }

    /// The header of the next message.
    pub fn header(&mut self, now: MonoTime) -> Header {
        self.seq += 1;
        Header {
            epoch: self.beacon.epoch,
            seq: self.seq,
            beacon: self.beacon.nonce,
            sent_nanos: now.wire_nanos(),
            session: self.session,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_answers_the_newest_beacon_of_the_arbiter_that_is_there() {
        let mut echo = Echo::new(9);
        assert!(!echo.heard());
        let beacon = |session, tick, nonce| Beacon { session, tick, nonce, epoch: session };
        for (heard, newest) in
            [(beacon(1, 5, 55), 55), (beacon(1, 4, 44), 55), (beacon(1, 6, 66), 66), (beacon(2, 1, 11), 11)]
        {
            echo.hear(&heard);
            assert_eq!(echo.header(MonoTime::ZERO).beacon, newest);
        }
        let header = echo.header(MonoTime::from_nanos(7));
        assert_eq!((header.session, header.seq, header.epoch, header.sent_nanos), (9, 5, 2, 7));
        assert!(echo.heard());
    }
}
