//! What may follow what in an episode, and what a human's motion is called there: one table for each way of working.

/// Where in its protocol an episode is. It also names what a human who drives is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has driven yet.
    Fresh,
    /// A human drives from the start.
    Demo,
    /// The policy drives, or has been the last to.
    Policy,
    /// A human has taken over, and goes back to where the policy knows its way.
    Recovery,
    /// A human makes progress.
    Correction,
}

/// A step that a protocol may forbid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// The policy is given the held groups.
    Resume,
    /// A human takes groups, alone or sharing them with the policy.
    TakeOver,
    /// The robot goes back along its path.
    Rewind,
    /// The human says: from here on I recover.
    MarkRecovery,
    /// The human says: from here on I make progress.
    MarkCorrection,
}

/// A way of working. What is common to all stands in [`crate::step`]; a protocol only forbids and names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Everything is allowed, in any order.
    #[default]
    Free,
    /// Interventions and hand-backs at will; a human's motion is one kind, and there is no going back (Liu et al., "Robot
    /// Learning on the Job", RSS 2023).
    Sirius,
    /// Recover, then correct, then end: after an intervention the policy does not come back in the episode, and a button marks
    /// the boundary (Hu et al., "RaC: Robot Learning for Long-Horizon Tasks by Scaling Recovery and Correction", 2025).
    Rac,
    /// The human gates: takes over and gives back at will, and only human motion is a label (Kelly et al., "HG-DAgger", ICRA
    /// 2019).
    HgDagger,
    /// Interventions at any time, also before the policy has driven (Luo et al., "HIL-SERL", 2024).
    HilSerl,
    /// Only humans drive.
    Demo,
}

/// Rows are stages, columns moves; what is not there is forbidden.
type Table = [[Option<Stage>; 5]; 5];

const fn to(stage: Stage) -> Option<Stage> {
    Some(stage)
}

use Stage::{Correction, Demo, Fresh, Policy, Recovery};
const NO: Option<Stage> = None;

#[rustfmt::skip]
const FREE: Table = [
    //               resume      take over       rewind          mark recovery  mark correction
    /* fresh      */ [to(Policy), to(Demo),       to(Fresh),      NO,            NO],
    /* demo       */ [to(Policy), to(Demo),       to(Demo),       NO,            NO],
    /* policy     */ [to(Policy), to(Correction), to(Correction), NO,            NO],
    /* recovery   */ [to(Policy), to(Recovery),   to(Recovery),   to(Recovery),  to(Correction)],
    /* correction */ [to(Policy), to(Correction), to(Correction), to(Recovery),  to(Correction)],
];
#[rustfmt::skip]
const SIRIUS: Table = [
    /* fresh      */ [to(Policy), to(Demo),       NO,             NO,            NO],
    /* demo       */ [to(Policy), to(Demo),       NO,             NO,            NO],
    /* policy     */ [to(Policy), to(Correction), NO,             NO,            NO],
    /* recovery   */ [NO,         NO,             NO,             NO,            NO],
    /* correction */ [to(Policy), to(Correction), NO,             NO,            NO],
];
#[rustfmt::skip]
const RAC: Table = [
    /* fresh      */ [to(Policy), to(Demo),       to(Fresh),      NO,            NO],
    /* demo       */ [NO,         to(Demo),       to(Demo),       NO,            NO],
    /* policy     */ [to(Policy), to(Recovery),   to(Recovery),   NO,            NO],
    /* recovery   */ [NO,         to(Recovery),   to(Recovery),   to(Recovery),  to(Correction)],
    /* correction */ [NO,         to(Correction), NO,             NO,            to(Correction)],
];
#[rustfmt::skip]
const HIL_SERL: Table = [
    /* fresh      */ [to(Policy), to(Correction), NO,             NO,            NO],
    /* demo       */ [NO,         NO,             NO,             NO,            NO],
    /* policy     */ [to(Policy), to(Correction), NO,             NO,            NO],
    /* recovery   */ [NO,         NO,             NO,             NO,            NO],
    /* correction */ [to(Policy), to(Correction), NO,             NO,            NO],
];
#[rustfmt::skip]
const DEMO: Table = [
    /* fresh      */ [NO,         to(Demo),       to(Fresh),      NO,            NO],
    /* demo       */ [NO,         to(Demo),       to(Demo),       NO,            NO],
    /* policy     */ [NO,         NO,             NO,             NO,            NO],
    /* recovery   */ [NO,         NO,             NO,             NO,            NO],
    /* correction */ [NO,         NO,             NO,             NO,            NO],
];

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 6] =
        [Self::Free, Self::Sirius, Self::Rac, Self::HgDagger, Self::HilSerl, Self::Demo];

    /// As it is written in settings and recordings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Sirius => "sirius",
            Self::Rac => "rac",
            Self::HgDagger => "hg-dagger",
            Self::HilSerl => "hil-serl",
            Self::Demo => "demo",
        }
    }

    /// The protocol of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.name() == name)
    }

    /// Where `step` leads from `stage`; `None` where the protocol forbids it.
    pub fn next(self, stage: Stage, step: Move) -> Option<Stage> {
        let table = match self {
            Self::Free => &FREE,
            // The two differ in what training makes of the policy's own ticks, not in what may happen.
            Self::Sirius | Self::HgDagger => &SIRIUS,
            Self::Rac => &RAC,
            Self::HilSerl => &HIL_SERL,
            Self::Demo => &DEMO,
        };
        table.get(stage as usize).and_then(|row| row.get(step as usize)).copied().flatten()
    }
}
