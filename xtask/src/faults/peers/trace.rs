//! Operator messages and when a faulty link brings them.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// What goes wrong after the operator has driven for a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// The operator lets go while the stick is still pushed.
    Release,
    /// The operator's process dies.
    Dies,
    /// The link stalls for a second and a half while the operator lets go, then brings everything at once.
    Bursts,
    /// The operator lets go, and the link repeats what it brought a second before.
    Replays,
}

pub(crate) const SCENARIOS: &[Scenario] =
    &[Scenario::Release, Scenario::Dies, Scenario::Bursts, Scenario::Replays];

impl Scenario {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Release => "release, stick pushed",
            Self::Dies => "operator dies",
            Self::Bursts => "stall, then burst",
            Self::Replays => "replay after release",
        }
    }
}

/// One operator message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) number: u64,
    pub(crate) sent_ms: u64,
    pub(crate) arrives_ms: u64,
    pub(crate) clutch: bool,
}

/// A trace; all times count from a moment at which the policy drives.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    /// In order of arrival.
    pub(crate) said: Vec<Said>,
    pub(crate) press_ms: u64,
    /// When the operator let go or was lost.
    pub(crate) end_ms: u64,
    pub(crate) until_ms: u64,
}

/// Tool velocity that the operator pushes for and that the policy wants, m/s along one axis.
pub(crate) const OPERATOR: f64 = 0.2;
pub(crate) const POLICY: f64 = -0.1;
const PERIOD: u64 = 10;

pub(crate) fn trace(scenario: Scenario, seed: u64) -> Trace {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let press_ms = random.random_range(400..600);
    let end_ms = press_ms + random.random_range(900..1100);
    let stall_ms = end_ms - random.random_range(50..200);
    let until_ms = end_ms + 3000;
    let mut said = Vec::new();
    for (number, sent_ms) in (1..).zip((0..until_ms).step_by(usize::try_from(PERIOD).unwrap_or(1))) {
        let clutch = sent_ms >= press_ms && sent_ms < end_ms;
        let plain = Said { number, sent_ms, arrives_ms: sent_ms + random.random_range(1..4), clutch };
        match scenario {
            Scenario::Dies if sent_ms >= end_ms => {}
            Scenario::Bursts if (stall_ms..stall_ms + 1500).contains(&sent_ms) => {
                said.push(Said { arrives_ms: stall_ms + 1500, ..plain });
            }
            Scenario::Release | Scenario::Dies | Scenario::Bursts => said.push(plain),
            Scenario::Replays => {
                said.push(plain);
                let again = sent_ms + 1000;
                if clutch && again > end_ms + 100 {
                    said.push(Said { arrives_ms: again, ..plain });
                }
            }
        }
    }
    said.sort_by_key(|said| (said.arrives_ms, said.number));
    Trace { said, press_ms, end_ms, until_ms }
}
