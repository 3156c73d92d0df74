use std::collections::BTreeMap;

use retake_authority::{Config, Outcome, Owner, State};

/// What walks have met: how often each owner, cause and refusal. A walk that meets nothing shows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Events told.
    pub steps: u64,
    /// Changes of owner.
    pub changes: u64,
    /// By name.
    pub met: BTreeMap<String, u64>,
}

impl Coverage {
    /// How often something of this name was met.
    pub fn of(&self, name: &str) -> u64 {
        self.met.get(name).copied().unwrap_or(0)
    }

    /// Adds what another walk has met.
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.changes += other.changes;
        for (name, count) in &other.met {
            *self.met.entry(name.clone()).or_default() += count;
        }
    }

    pub(crate) fn note(&mut self, config: &Config, before: &State, outcome: &Outcome) {
        self.steps += 1;
        self.changes += outcome.changed.iter().count() as u64;
        for group in config.groups.iter() {
            let (was, is) = (before.group(group), outcome.state.group(group));
            let owner = match is.owner {
                Owner::Policy { .. } => "Policy",
                Owner::Human => "Human",
                Owner::Shared { .. } => "Shared",
                Owner::Rewind => "Rewind",
                Owner::Hold => "Hold",
            };
            self.meet(owner.into());
            if was.epoch != is.epoch {
                self.meet(format!("{:?}", is.cause));
            }
        }
        let passed = before.operator().is_some() && before.requested_by() == outcome.state.operator();
        if passed && outcome.state.operator().is_some() {
            self.meet("lease passed on".into());
        }
        if let Some(refusal) = outcome.refusal {
            self.meet(format!("{refusal:?}"));
        }
    }

    fn meet(&mut self, name: String) {
        *self.met.entry(name).or_default() += 1;
    }
}
