//! How old a message is, without trusting its sender's clock.

use std::{collections::VecDeque, time::Duration};

use retake_units::MonoTime;
use retake_wire::pb::Header;

/// Why a message may not act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stale {
    /// It has no header.
    NoHeader,
    /// It answers to no beacon of this run, or to one too long ago.
    OldBeacon,
    /// It repeats or comes after a newer one of the same sender.
    OldSequence,
    /// Its sender believes in an epoch that has not begun.
    FutureEpoch,
}

impl Stale {
    /// Code and sentence for it.
    pub(crate) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NoHeader => ("no_header", "A message without a header was refused."),
            Self::OldBeacon => ("stale", "A message that answers to no recent beacon was refused."),
            Self::OldSequence => ("repeated", "A repeated or reordered message was refused."),
            Self::FutureEpoch => ("future_epoch", "A message of an epoch that has not begun was refused."),
        }
    }
}

const BEACONS: usize = 128;

/// The beacons issued lately. SplitMix64 from a seed: unpredictable enough to defeat replays, repeatable in tests.
#[derive(Clone, Debug)]
pub(crate) struct Beacons {
    state: u64,
    issued: VecDeque<(u64, MonoTime)>,
}

impl Beacons {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, issued: VecDeque::with_capacity(BEACONS) }
    }

    /// A random number for any purpose of this run.
    pub(crate) const fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn issue(&mut self, now: MonoTime) -> u64 {
        let nonce = self.random().max(1);
        if self.issued.len() == BEACONS {
            self.issued.pop_front();
        }
        self.issued.push_back((nonce, now));
        nonce
    }

    pub(crate) fn age(&self, nonce: u64, now: MonoTime) -> Option<Duration> {
        self.issued.iter().rev().find(|(issued, _)| *issued == nonce).map(|(_, at)| now.since(*at))
    }
}

/// Senders remembered on one topic; the one not heard for longest is forgotten first.
const SENDERS: usize = 16;

/// Newest message of each sender, by session. A new session starts its own count; its beacon proves that it is not an old one
/// replayed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sequences(VecDeque<(u64, u64)>);

impl Sequences {
    /// Accepts a message newer than all before it.
    pub(crate) fn accept(
        &mut self,
        header: Option<&Header>,
        beacons: &Beacons,
        max_age: Duration,
        epoch: u64,
        now: MonoTime,
    ) -> Result<Header, Stale> {
        let header = header.ok_or(Stale::NoHeader)?;
        if header.epoch > epoch {
            return Err(Stale::FutureEpoch);
        }
        if beacons.age(header.beacon, now).is_none_or(|age| age > max_age) {
            return Err(Stale::OldBeacon);
        }
        let known = self.0.iter().position(|(session, _)| *session == header.session);
        if let Some((_, newest)) = known.and_then(|index| self.0.get(index))
            && header.seq <= *newest
        {
            return Err(Stale::OldSequence);
        }
        if let Some(index) = known {
            self.0.remove(index);
        } else if self.0.len() == SENDERS {
            self.0.pop_front();
        }
        self.0.push_back((header.session, header.seq));
        Ok(*header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: Duration = Duration::from_millis(100);

    fn at(millis: u64) -> MonoTime {
        MonoTime::from_nanos(millis * 1_000_000)
    }

    fn header(beacon: u64, seq: u64, session: u64) -> Header {
        Header { epoch: 4, seq, beacon, sent_nanos: 0, session }
    }

    #[test]
    fn a_burst_held_back_is_stale_however_it_was_numbered() {
        let mut beacons = Beacons::new(1);
        let (old, mut sequence) = (beacons.issue(at(0)), Sequences::default());
        let mut offer = |header: Header, now| sequence.accept(Some(&header), &beacons, AGE, 4, at(now));
        assert_eq!(offer(header(old, 1, 8), 100), Ok(header(old, 1, 8)));
        assert_eq!(offer(header(old, 2, 8), 101), Err(Stale::OldBeacon));
        assert_eq!(offer(header(0, 2, 8), 1), Err(Stale::OldBeacon));
        assert_eq!(offer(header(old ^ 1, 2, 8), 1), Err(Stale::OldBeacon));
    }

    #[test]
    fn repeats_and_reorderings_are_refused_until_the_sender_restarts() {
        let mut beacons = Beacons::new(1);
        let (fresh, mut sequence) = (beacons.issue(at(0)), Sequences::default());
        let mut offer =
            |header: Header| sequence.accept(Some(&header), &beacons, AGE, 4, at(1)).map(|h| h.seq);
        assert_eq!(offer(header(fresh, 5, 8)), Ok(5));
        assert_eq!(offer(header(fresh, 5, 8)), Err(Stale::OldSequence));
        assert_eq!(offer(header(fresh, 4, 8)), Err(Stale::OldSequence));
        assert_eq!(offer(header(fresh, 7, 8)), Ok(7), "a gap is missed, not refused");
        assert_eq!(offer(header(fresh, 1, 9)), Ok(1));
        assert_eq!(
            offer(header(fresh, 7, 8)),
            Err(Stale::OldSequence),
            "a second sender does not make the first forgotten"
        );
    }

    #[test]
    fn nobody_speaks_for_an_epoch_to_come() {
        let mut beacons = Beacons::new(1);
        let fresh = beacons.issue(at(0));
        let future = Header { epoch: 5, ..header(fresh, 1, 1) };
        assert_eq!(
            Sequences::default().accept(Some(&future), &beacons, AGE, 4, at(0)),
            Err(Stale::FutureEpoch)
        );
        assert_eq!(Sequences::default().accept(None, &beacons, AGE, 4, at(0)), Err(Stale::NoHeader));
    }
}
