//! Start states by name: as files outside, as snapshots inside.

use std::collections::BTreeMap;

use crate::{SimError, Snapshot, World};

/// Most states under a name at once; saving one more under a new name is refused.
pub(crate) const NAMED_STATES: usize = 64;
/// Longest name.
const NAME_LENGTH: usize = 64;

/// A state of the world to begin episodes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartState {
    /// 1 to 64 of a-z, A-Z, 0-9, `-`, `_`, `.`, beginning with a letter or digit: it can be a file's name.
    pub name: String,
    /// The state.
    pub snapshot: Snapshot,
}

/// Whether a state may be called so.
#[must_use]
pub fn is_state_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=NAME_LENGTH).contains(&name.len())
        && name.bytes().all(plain)
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
}

/// The states known by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named(BTreeMap<String, Snapshot>);

impl Named {
    /// Every one of `states` fits `world`.
    pub(crate) fn new(states: &[StartState], world: &World) -> Result<Self, SimError> {
        let mut named = Self::default();
        for state in states {
            world
                .check(&state.snapshot)
                .map_err(|error| SimError::StartState { name: state.name.clone(), why: Box::new(error) })?;
            named.save(&state.name, state.snapshot.clone())?;
        }
        Ok(named)
    }

    /// Puts a state under a name, in place of what was there.
    pub(crate) fn save(&mut self, name: &str, snapshot: Snapshot) -> Result<(), SimError> {
        if !is_state_name(name) {
            return Err(SimError::StateName { name: name.to_owned() });
        }
        if self.0.len() >= NAMED_STATES && !self.0.contains_key(name) {
            return Err(SimError::StatesFull { name: name.to_owned() });
        }
        self.0.insert(name.to_owned(), snapshot);
        Ok(())
    }

    /// The state of that name.
    pub(crate) fn get(&self, name: &str) -> Result<&Snapshot, SimError> {
        self.0.get(name).ok_or_else(|| SimError::NoSuchState {
            name: name.to_owned(),
            known: self.0.keys().cloned().collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_file_names() {
        for good in ["a", "over-peg", "state_3.b", "7"] {
            assert!(is_state_name(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "-x", "a b", "ä", &"x".repeat(65)] {
            assert!(!is_state_name(bad), "{bad}");
        }
    }

    #[test]
    fn there_are_never_more_than_the_bound() {
        let state = Snapshot::from_bytes(&[1]).unwrap();
        let mut named = Named::default();
        for number in 0..NAMED_STATES {
            named.save(&format!("s{number}"), state.clone()).unwrap();
        }
        assert!(matches!(named.save("more", state.clone()), Err(SimError::StatesFull { .. })));
        let other = Snapshot::from_bytes(&[2]).unwrap();
        named.save("s0", other.clone()).unwrap();
        assert_eq!((named.get("s0"), named.0.len()), (Ok(&other), NAMED_STATES));
        let missing = named.get("more").unwrap_err().to_string();
        assert!(missing.contains("more") && missing.contains("s63"), "{missing}");
    }
}
