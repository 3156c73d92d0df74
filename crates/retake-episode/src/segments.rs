//! Stretches of one owner and one kind.

use retake_units::{MonoTime, Tick};

/// What a stretch of ticks was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The policy drove.
    Policy,
    /// The robot went back along its path.
    Rewind,
    /// A human drove back to where the policy knows its way.
    Recovery,
    /// A human made progress.
    Correction,
    /// A human drove from the start, and no policy had driven in the episode.
    Demo,
    /// Nobody drove.
    Hold,
    /// The scene was put into its start state.
    Reset,
}

/// A finished stretch of one group. `O` is the owner and `C` the cause, as the caller names them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment<O, C> {
    /// Index of the group.
    pub group: usize,
    /// Episode it belongs to.
    pub episode: u64,
    /// What it was for.
    pub kind: Kind,
    /// Who drove.
    pub owner: O,
    /// Why it began.
    pub began: C,
    /// Why it ended.
    pub ended: C,
    /// First tick in it.
    pub start: (Tick, MonoTime),
    /// First tick after it.
    pub end: (Tick, MonoTime),
}

#[derive(Clone, Debug)]
struct Open<O, C> {
    episode: u64,
    kind: Kind,
    owner: O,
    began: C,
    start: (Tick, MonoTime),
}

/// Cuts each group's ticks into segments.
#[derive(Clone, Debug)]
pub struct Segments<O, C> {
    open: Vec<Option<Open<O, C>>>,
}

impl<O: Copy + PartialEq, C: Copy> Segments<O, C> {
    /// Segments of `groups` groups, none begun.
    pub fn new(groups: usize) -> Self {
        Self { open: vec![None; groups] }
    }

    /// One group at one tick. Returns the segment that ended before it, if one did.
    pub fn tick(
        &mut self,
        group: usize,
        episode: u64,
        kind: Kind,
        owner: O,
        cause: C,
        now: (Tick, MonoTime),
    ) -> Option<Segment<O, C>> {
        let slot = self.open.get_mut(group)?;
        if slot.as_ref().is_some_and(|open| (open.episode, open.kind, open.owner) == (episode, kind, owner)) {
            return None;
        }
        let ended = slot.take().map(|open| close(group, open, cause, now));
        *slot = Some(Open { episode, kind, owner, began: cause, start: now });
        ended
    }

    /// Ends every open segment.
    pub fn finish(&mut self, cause: C, now: (Tick, MonoTime)) -> Vec<Segment<O, C>> {
        let open = self.open.iter_mut().enumerate();
        open.filter_map(|(group, slot)| slot.take().map(|open| close(group, open, cause, now))).collect()
    }
}

fn close<O, C>(group: usize, open: Open<O, C>, ended: C, end: (Tick, MonoTime)) -> Segment<O, C> {
    let Open { episode, kind, owner, began, start } = open;
    Segment { group, episode, kind, owner, began, ended, start, end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_cover_every_tick_once() {
        let at = |tick: u64| (Tick(tick), MonoTime::from_nanos(tick * 10));
        let mut segments = Segments::new(1);
        let mut done = Vec::new();
        let kinds = [Kind::Hold, Kind::Policy, Kind::Policy, Kind::Rewind, Kind::Correction, Kind::Policy];
        for (tick, kind) in (0..).zip(kinds) {
            done.extend(segments.tick(0, 1, kind, kind as u8, "cause", at(tick)));
        }
        done.extend(segments.finish("end", at(6)));
        let spans: Vec<_> = done.iter().map(|s| (s.kind, s.start.0.0, s.end.0.0)).collect();
        assert_eq!(
            spans,
            [
                (Kind::Hold, 0, 1),
                (Kind::Policy, 1, 3),
                (Kind::Rewind, 3, 4),
                (Kind::Correction, 4, 5),
                (Kind::Policy, 5, 6)
            ]
        );
        assert!(segments.finish("again", at(7)).is_empty());
    }

    #[test]
    fn a_new_episode_begins_a_new_segment() {
        let mut segments = Segments::new(1);
        let now = (Tick(0), MonoTime::ZERO);
        assert!(segments.tick(0, 1, Kind::Hold, 0, 'a', now).is_none());
        assert_eq!(segments.tick(0, 2, Kind::Hold, 0, 'b', now).map(|s| s.episode), Some(1));
        assert!(segments.tick(9, 2, Kind::Hold, 0, 'b', now).is_none(), "an unknown group has no segments");
    }
}
