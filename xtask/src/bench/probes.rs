//! Nodes at the ends of the way from a wish to a command, which note when they sent and received what.

mod driver;
mod source;
mod taker;

use std::{
    collections::BTreeMap,
    f64::consts::TAU,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub(crate) use driver::Driver;
pub(crate) use source::{Source, Wish};
pub(crate) use taker::{Press, Taker};

use retake_units::MonoTime;
use retake_wire::pb::{
    Beacon, GroupValues, Header, OperatorInput, Owner, Phase, Proposal, ProposalStep, Status, TickRecord,
};

/// When a wish was to be sent, and when its sending began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) due: MonoTime,
    pub(crate) at: MonoTime,
}

/// When a command came in at the driver's session, and when the driver acted on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Commanded {
    pub(crate) received: MonoTime,
    pub(crate) acted: MonoTime,
}

/// A tick that followed a wish, as the arbiter recorded it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Followed {
    pub(crate) tick: u64,
    pub(crate) wish: u64,
    pub(crate) at: MonoTime,
    pub(crate) late: Duration,
}

/// What both ends noted.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) sent: BTreeMap<u64, Sent>,
    pub(crate) followed: Vec<Followed>,
    pub(crate) commands: BTreeMap<u64, Commanded>,
    /// Who owned the arm at each tick.
    pub(crate) owners: BTreeMap<u64, Owner>,
    pub(crate) presses: Vec<Press>,
    /// Bytes of the last wish and of the last command.
    pub(crate) bytes: (usize, usize),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Notebook(Arc<Mutex<Notes>>);

impl Notebook {
    fn open(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(&self) -> Notes {
        std::mem::take(&mut *self.open())
    }
}

/// What every operator and policy knows of the others.
#[derive(Debug, Default)]
struct Known {
    home: Vec<Vec<f64>>,
    control_period: Duration,
    beacon: Beacon,
    status: Status,
    observation: u64,
}

const STEPS: u32 = 16;

impl Known {
    fn new(home: Vec<Vec<f64>>, control_period: Duration) -> Self {
        Self { home, control_period, ..Self::default() }
    }

    fn header(&self, session: u64, seq: u64) -> Header {
        Header { epoch: self.beacon.epoch, seq, beacon: self.beacon.nonce, session, ..Header::default() }
    }

    /// An attempt is open, and the operator may drive.
    fn open(&self) -> bool {
        matches!(self.status.phase(), Phase::Ready | Phase::Running)
    }

    fn owner(&self) -> Owner {
        self.status.groups.first().map_or(Owner::Unspecified, |group| group.owner())
    }

    /// An input without wishes.
    fn input(&self, seq: u64) -> OperatorInput {
        OperatorInput {
            header: Some(self.header(0x01, seq)),
            operator: "probe".into(),
            device: "probe".into(),
            valid: true,
            twist: vec![0.0, 0.0, 0.3 * swing(seq), 0.0, 0.0, 0.0],
            raw: vec![0.0; 16],
            ..OperatorInput::default()
        }
    }

    fn proposal(&self, seq: u64) -> Proposal {
        let mut values = self.home.clone();
        values.iter_mut().take(1).flatten().for_each(|value| *value += 0.02 * swing(seq));
        let groups = values.into_iter().map(|values| GroupValues { values }).collect();
        let step = ProposalStep { groups };
        Proposal {
            header: Some(self.header(0x02, seq)),
            version: "probe".into(),
            chunk: seq,
            observation_seq: self.observation,
            period_nanos: i64::try_from(self.control_period.as_nanos()).unwrap_or(i64::MAX),
            steps: (0..STEPS).map(|_| step.clone()).collect(),
            ..Proposal::default()
        }
    }
}

/// Slowly to and fro, so that commands change and stay near the start.
fn swing(seq: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let turns = seq as f64 * 0.01;
    (turns * TAU).sin()
}

fn arm_owner(record: &TickRecord) -> Owner {
    record.groups.first().map_or(Owner::Unspecified, |arm| arm.owner())
}
