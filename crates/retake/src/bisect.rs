//! Where along a failed attempt the policy could still have done it.
//!
//! As in process supervision by rollouts (OmegaPRM): what the policy reaches from a state is measured by trying, and the last
//! state from which it succeeds is found by halving. Halving believes that once it is too late it stays so; two further states,
//! one on each side of the place found, are tried to see whether that is so here.

use std::collections::{BTreeMap, btree_map::Entry};

/// How often trying from a state succeeded, by the state's index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Probes {
    pub(crate) successes: BTreeMap<usize, u32>,
    rollouts: u32,
}

impl Probes {
    /// Half of the rollouts or more.
    pub(crate) fn recovers(&self, index: usize) -> bool {
        self.successes.get(&index).is_some_and(|successes| 2 * successes >= self.rollouts)
    }

    /// The last state tried that recovers.
    pub(crate) fn last(&self) -> Option<usize> {
        self.successes.keys().rev().copied().find(|index| self.recovers(*index))
    }

    /// A state that does not recover although a later one does.
    pub(crate) fn exception(&self) -> Option<usize> {
        let last = self.last()?;
        self.successes.range(..last).map(|(index, _)| *index).find(|index| !self.recovers(*index))
    }
}

/// Tries from some of `count` states, `rollouts` times each, until the last that recovers is found. `probe` tells how many of the
/// rollouts from a state succeeded.
pub(crate) fn bisect<E>(
    count: usize,
    rollouts: u32,
    mut probe: impl FnMut(usize) -> Result<u32, E>,
) -> Result<Probes, E> {
    let mut probes = Probes { successes: BTreeMap::new(), rollouts };
    let Some(end) = count.checked_sub(1) else { return Ok(probes) };
    let mut recovers = |index: usize, probes: &mut Probes| -> Result<bool, E> {
        if let Entry::Vacant(slot) = probes.successes.entry(index) {
            slot.insert(probe(index)?);
        }
        Ok(probes.recovers(index))
    };
    // From before the first, which is believed to recover, to the first that does not.
    let (mut good, mut bad) = (None, count);
    for (index, expected) in [(0, true), (end, false)] {
        match (recovers(index, &mut probes)?, expected) {
            (true, _) => good = Some(index),
            (false, true) => bad = 0,
            (false, false) => bad = bad.min(index),
        }
    }
    while let Some(low) = good.filter(|low| bad > *low && bad - low > 1) {
        let middle = usize::midpoint(low, bad);
        if recovers(middle, &mut probes)? { good = Some(middle) } else { bad = middle }
    }
    for index in [good.unwrap_or(0) / 2, usize::midpoint(bad.min(end), end)] {
        recovers(index, &mut probes)?;
    }
    Ok(probes)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn of(recover: &[bool]) -> (Probes, usize) {
        let mut tried = 0;
        let probes = bisect(recover.len(), 4, |index| {
            tried += 1;
            // Two of four are enough, one is not.
            Ok::<u32, Infallible>(if recover[index] { 2 } else { 1 })
        });
        (probes.unwrap_or_default(), tried)
    }

    #[test]
    fn the_last_that_recovers_is_found_wherever_it_is() {
        for count in 1..70_usize {
            for good in 0..=count {
                let recover: Vec<bool> = (0..count).map(|index| index < good).collect();
                let (probes, tried) = of(&recover);
                assert_eq!(probes.last(), good.checked_sub(1), "{good} of {count}: {probes:?}");
                assert_eq!(probes.exception(), None);
                assert!(tried <= 11, "{tried} tries for {good} of {count}");
            }
        }
        assert_eq!(of(&[]), (Probes { successes: BTreeMap::new(), rollouts: 4 }, 0));
    }

    #[test]
    fn a_later_state_that_recovers_where_an_earlier_does_not_is_told() {
        let mut recover = vec![false; 40];
        recover[39] = true;
        let (probes, _) = of(&recover);
        assert_eq!((probes.last(), probes.exception()), (Some(39), Some(0)));
        let recover: Vec<bool> = (0..40).map(|index| index < 10 || (20..30).contains(&index)).collect();
        let (probes, _) = of(&recover);
        assert!(probes.last().is_some_and(|last| recover[last]));
        // Found by the state tried beyond the one where halving ended.
        let recover: Vec<bool> = (0..41).map(|index| index < 9 || (23..28).contains(&index)).collect();
        let (probes, _) = of(&recover);
        assert!(probes.last() >= Some(23) && probes.exception().is_some(), "{probes:?}");
    }
}
