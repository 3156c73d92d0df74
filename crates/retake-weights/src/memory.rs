//! What is kept where memory is limited.
//!
//! After Sirius (Liu et al., 2022, memory reorganisation): what humans did is never dropped, and the policy's own steps are thinned.
//! The ways are named by what they keep, because published code and paper name the same ways differently.

use std::{fmt, str::FromStr};

use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha12Rng;
use retake_labels::Class;
use serde::{Deserialize, Serialize};

/// Which of the policy's steps are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// Those of the newest attempts.
    Newest,
    /// Those of the oldest attempts.
    Oldest,
    /// Those of attempts in which humans drove most; of equals, the newer ones.
    MostIntervened,
    /// Those of attempts in which humans drove least; of equals, the newer ones.
    LeastIntervened,
    /// Any, drawn by the seed.
    Random,
}

/// Nobody keeps like that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no way to keep steps; use newest, oldest, most-intervened, least-intervened or random")]
pub struct ParseKeepError(pub String);

impl Keep {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Newest, Self::Oldest, Self::MostIntervened, Self::LeastIntervened, Self::Random];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::MostIntervened => "most-intervened",
            Self::LeastIntervened => "least-intervened",
            Self::Random => "random",
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Keep {
    type Err = ParseKeepError;

    fn from_str(text: &str) -> Result<Self, ParseKeepError> {
        Self::ALL.into_iter().find(|keep| keep.name() == text).ok_or_else(|| ParseKeepError(text.to_owned()))
    }
}

/// Whether each step of each attempt is kept, so that of the policy's steps (its own and those before interventions) `budget` are.
///
/// `attempts` are the classes of the steps of each attempt, oldest attempt first. All other steps are kept, and count for nothing.
/// Where an attempt can be kept in part only, its first steps are.
pub fn thin<A: AsRef<[Class]>>(attempts: &[A], keep: Keep, budget: usize, seed: u64) -> Vec<Vec<bool>> {
    let mut kept: Vec<Vec<bool>> = attempts
        .iter()
        .map(|classes| classes.as_ref().iter().map(|class| !is_policys(*class)).collect())
        .collect();
    for (attempt, step) in in_order(attempts, keep, seed).into_iter().take(budget) {
        if let Some(kept) = kept.get_mut(attempt).and_then(|steps| steps.get_mut(step)) {
            *kept = true;
        }
    }
    kept
}

const fn is_policys(class: Class) -> bool {
    matches!(class, Class::Policy | Class::PreIntervention)
}

/// The policy's steps, as attempt and step, those to be kept first at the front.
fn in_order<A: AsRef<[Class]>>(attempts: &[A], keep: Keep, seed: u64) -> Vec<(usize, usize)> {
    let classes = |attempt: usize| attempts.get(attempt).map_or(&[][..], AsRef::as_ref);
    let by_hand = |attempt: &usize| {
        classes(*attempt).iter().filter(|class| matches!(class, Class::Recovery | Class::Correction)).count()
    };
    let mut order: Vec<usize> = (0..attempts.len()).collect();
    match keep {
        Keep::Oldest | Keep::Random => {}
        Keep::Newest => order.reverse(),
        Keep::MostIntervened => {
            order.reverse();
            order.sort_by_key(|attempt| std::cmp::Reverse(by_hand(attempt)));
        }
        Keep::LeastIntervened => {
            order.reverse();
            order.sort_by_key(by_hand);
        }
    }
    let steps = |attempt: usize| {
        let policys = |(step, class): (usize, &Class)| is_policys(*class).then_some((attempt, step));
        classes(attempt).iter().enumerate().filter_map(policys).collect::<Vec<_>>()
    };
    let mut steps: Vec<_> = order.into_iter().flat_map(steps).collect();
    if keep == Keep::Random {
        steps.shuffle(&mut ChaCha12Rng::seed_from_u64(seed));
    }
    steps
}
